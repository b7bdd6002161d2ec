"""``warnd demo``: the main job from end to end on this machine alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from warnd import logs
from warnd.cli.terminal import as_called, print_json
from warnd.demo.run import run
from warnd.demo.show import Screen
from warnd.demo.words import words


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the reckoning instead of serving on.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output; all else on standard error.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the daemon; 0 is any free one.")] = 0,
) -> None:
    """
    Send a red warning to a county of made-up posts, through local gateways that count what they get.

    Everything happens in a directory of its own, which goes with the demo. Exits 1 if anything was lost.
    """
    # The demo's gateways stumble on purpose: that belongs in its table, not in a log between its lines.
    logs.configure(level="error")
    screen = Screen(words(os.environ), aside=as_json, warnd=as_called())
    with tempfile.TemporaryDirectory(prefix="warnd-demo-") as directory:
        told = uvloop.run(run(screen, directory=Path(directory), port=port, once=once))
    if as_json:
        print_json(told.as_json())
    if told.found.lost:
        raise typer.Exit(1)
