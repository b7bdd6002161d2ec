"""``warnd config``: the commented settings file that came with warnd, to begin one's own with."""

from __future__ import annotations

import typer

from warnd import resources
from warnd.cli.configuration import SHIPPED


def config() -> None:
    """Print the settings that came with warnd: every key, its default and the reason for it."""
    typer.echo(resources.path(*SHIPPED).read_bytes(), nl=False)
