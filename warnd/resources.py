"""Where the files that travel with warnd lie: templates and configuration, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

from warnd.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """The shipped file or directory of that name: ``path("config", "hazards.toml")``. Raises ConfigError."""
    # Never both: beside an installed package lie other packages, and one of them may be called config.
    share = _PACKAGE / "_share"
    found = (share if share.is_dir() else _PACKAGE.parent).joinpath(*parts)
    if not found.exists():
        raise ConfigError("/".join(parts), f"is not among the files warnd came with ({found} is missing)")
    return found


def config_dir() -> Path:
    return path("config")


def templates_dir() -> Path:
    return path("templates")
