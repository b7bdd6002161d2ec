"""Finding channels and emulators: only through their entry points, first-party ones too."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from warnd.contract.channel import ChannelFactory
from warnd.contract.emulator import EmulatorFactory
from warnd.errors import ConfigError

CHANNELS = "warnd.channels"
EMULATORS = "warnd.emulators"


def channel_factories() -> dict[str, EntryPoint]:
    """Every announced adapter by name, not yet imported. Raises ConfigError when two claim one name."""
    return _unique(CHANNELS)


def channel_factory(adapter: str, *, key: str) -> ChannelFactory:
    """The adapter of that name. Raises ConfigError naming ``key`` when there is none or it does not import."""
    factory: ChannelFactory = _load(CHANNELS, adapter, key)
    return factory


def emulator_factories() -> dict[str, EntryPoint]:
    """Every announced emulator by the name of the adapter it stands in for."""
    return _unique(EMULATORS)


def emulator_factory(adapter: str, *, key: str) -> EmulatorFactory:
    factory: EmulatorFactory = _load(EMULATORS, adapter, key)
    return factory


def _unique(group: str) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if (other := found.get(point.name)) is not None and other.value != point.value:
            raise ConfigError(group, f"{point.name!r} is claimed by {other.value} and {point.value}")
        found[point.name] = point
    return found


def _load(group: str, name: str, key: str) -> Any:
    found = _unique(group)
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise ConfigError(key, f"there is no {name!r}; installed: {known}")
    try:
        return found[name].load()
    except ImportError as error:
        raise ConfigError(key, f"{name!r} cannot be loaded: {error}") from error
