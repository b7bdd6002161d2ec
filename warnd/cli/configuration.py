"""``--config``: which settings a command works with, the same for all commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from warnd import resources
from warnd.settings import Settings, load

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="WARND_CONFIG",
        help="The settings; by default ./warnd.toml, ./config/warnd.toml or those that came with warnd.",
        show_default=False,
    ),
]
"""The option as every command declares it: ``config: ConfigFile = None``."""

_HERE = (Path("warnd.toml"), Path("config/warnd.toml"))


def settings(config: Path | None) -> Settings:
    """The settings of the file given, or of the usual one, under the environment. Raises ConfigError."""
    usual = next((path for path in _HERE if path.is_file()), None)
    return load(config or usual or resources.path("config", "warnd.toml"), os.environ)
