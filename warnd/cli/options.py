"""Options that several commands share, each with one meaning everywhere."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Literal

import typer

from warnd.model.delivery import State


def instant(text: str) -> datetime:
    """A time as somebody types it, for an option's ``parser``."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("write it as 2026-07-14T08:00+08:00") from error
    # Whoever types no offset means the clock on the wall.
    return when.astimezone()


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is none of {', '.join(state.value for state in State)}"
        ) from error


WorkerName = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        help="By which `warnd workers list` and alarms call this process; by default host and process number.",
        show_default=False,
    ),
]

AlertId = Annotated[str, typer.Argument(help="As `warnd alerts list` shows it.")]

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

Limit = Annotated[int, typer.Option(min=1, max=100_000, help="So many at the most.")]

Since = Annotated[
    datetime | None,
    typer.Option(parser=instant, metavar="TIME", help="From then on.", show_default=False),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=instant, metavar="TIME", help="Before then.", show_default=False),
]

OneState = Annotated[
    State | None,
    typer.Option("--state", parser=_state, metavar="STATE", help="In this state.", show_default=False),
]

States = Annotated[
    list[State] | None,
    typer.Option("--state", parser=_state, metavar="STATE", help="In this state; may be repeated."),
]

Language = Annotated[
    Literal["zh", "en"] | None,
    typer.Option("--language", help="Of what is told; by default the locale's.", show_default=False),
]


def language(chosen: str | None) -> str:
    """``zh`` or ``en``: as chosen, or as the locale says (POSIX: LC_ALL before LC_MESSAGES before LANG)."""
    spoken = chosen or next(
        (said for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (said := os.environ.get(name))), ""
    )
    return "zh" if spoken.lower().startswith("zh") else "en"
