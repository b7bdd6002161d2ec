"""``--config``: which settings a command works with, the same for all commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from warnd import resources
from warnd.errors import StoreError
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

SHIPPED = ("config", "warnd.toml")
"""The file that came with warnd, as ``resources.path`` takes it."""

_HERE = (Path("warnd.toml"), Path("config/warnd.toml"))


def file(config: Path | None) -> Path:
    """The file given, or the usual one. Raises ConfigError."""
    usual = next((path for path in _HERE if path.is_file()), None)
    return config or usual or resources.path(*SHIPPED)


def settings(config: Path | None) -> Settings:
    """The settings of that file under the environment. Raises ConfigError."""
    return load(file(config), os.environ)


def existing_store(config: Path | None) -> Settings:
    """
    The same, for a command that works on what is there already: it never makes a database file.

    Raises ConfigError, and StoreError when there is no such file.
    """
    found = settings(config)
    if found.store.path is not None and not found.store.path.exists():
        raise StoreError(
            f"no database at {found.store.path} (settings from {file(config)}); make it with `warnd db upgrade`"
        )
    return found
