"""From settings to the parts they describe: channels with their lanes, templates, hazards, speakers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from warnd.contract.channel import Channel
from warnd.contract.registry import channel_factory
from warnd.errors import ConfigError
from warnd.intake.hazards import load_hazards
from warnd.model.audience import EVERY_HAZARD
from warnd.model.delivery import Batch
from warnd.model.hazard import HazardCatalogue
from warnd.pipeline.admit import Speaker
from warnd.pipeline.expand import Route
from warnd.pipeline.surroundings import Surroundings
from warnd.pipeline.templates import Templates
from warnd.queue.local import ChannelLanes, Load
from warnd.queue.pacing import Pace, Rate
from warnd.resources import config_dir, templates_dir
from warnd.settings import Settings
from warnd.settings.values import ChannelSettings

_FOR_DANGER_ALONE = frozenset({"voice", "loudspeaker"})
"""Kinds that are not called on to say that a danger is less, or over, unless a channel is configured so."""


@dataclass(frozen=True, slots=True)
class Line:
    """A configured channel with its own lanes and slots."""

    settings: ChannelSettings
    channel: Channel
    route: Route
    lanes: ChannelLanes
    slots: int


def red_only(slots: int) -> int:
    """How many of a channel's requests at once are kept for red: one in eight, none of a single one."""
    return -(-slots // 8) if slots > 1 else 0


def lines(
    settings: Settings,
    *,
    load: Load,
    clock: Callable[[], int],
    monotonic: Callable[[], float],
    holds: Callable[[Batch, int], bool],
) -> dict[str, Line]:
    """Every configured channel, not yet open. Raises ConfigError naming the key."""
    made: dict[str, Line] = {}
    for name, one in settings.channels.items():
        channel = _channel(name, one)
        quiet = channel.capabilities.quiet if one.quiet is None else one.quiet
        lifts = channel.capabilities.kind not in _FOR_DANGER_ALONE if one.lifts is None else one.lifts
        slots = one.slots or channel.capabilities.slots
        made[name] = Line(
            settings=one,
            channel=channel,
            route=Route(name, channel.capabilities, emulated=one.emulated, quiet=quiet, lifts=lifts),
            lanes=ChannelLanes(
                name,
                red_only=red_only(slots),
                pace=Pace(rate=_rate(one), target_rate=one.target_rate),
                load=load,
                clock=clock,
                monotonic=monotonic,
                holds=holds,
            ),
            slots=slots,
        )
    return made


def surroundings(settings: Settings, routes: dict[str, Route]) -> Surroundings:
    """What planning depends on. Raises ConfigError."""
    own = settings.templates.directory
    directories = [templates_dir(), own] if own is not None else [templates_dir()]
    return Surroundings(
        routes=routes,
        policies=settings.policies,
        catalogue=load_hazards(config_dir() / "hazards.toml"),
        templates=Templates.load(*directories),
        language=settings.language,
        zone=settings.time_zone,
    )


def speakers(settings: Settings, catalogue: HazardCatalogue) -> dict[str, Speaker]:
    """The configured sources by name. Raises ConfigError for a hazard there is not: it would never be spoken for."""
    for name, one in settings.sources.items():
        for place, slug in enumerate(one.hazards):
            if slug != EVERY_HAZARD and catalogue.get(slug) is None:
                key = f"sources.{name}.hazards[{place}]"
                raise ConfigError(
                    key, f"there is no hazard {slug!r}; known are {', '.join(catalogue.hazards)}"
                )
    return {
        name: Speaker(
            name, frozenset(one.hazards), frozenset(one.colors), tuple(one.regions), official=one.official
        )
        for name, one in settings.sources.items()
    }


def _channel(name: str, one: ChannelSettings) -> Channel:
    key = f"channels.{name}"
    factory = channel_factory(one.adapter, key=f"{key}.adapter")
    try:
        return factory(name, one.options)
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}", str(error).removeprefix(f"{error.key}: ")) from error


def _rate(one: ChannelSettings) -> Rate | None:
    return Rate(one.rate) if one.rate is not None else None
