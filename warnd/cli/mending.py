"""``warnd alerts mend``: setting a quarantined alert right, and what of it there is to see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from warnd.api.views import forecast_view, whole_alert_view
from warnd.app import mending
from warnd.app.phrases import Phrases
from warnd.app.quarantine import command_for, doubt_in_words, remedy_in_words, told_changes
from warnd.cli.common import ACTOR, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AlertId, AsJson, instant
from warnd.cli.terminal import as_called, print_json, print_plain, print_table
from warnd.model.alert import AlertState, Reference
from warnd.model.color import Color
from warnd.model.mend import Mend
from warnd.model.region import level_of
from warnd.store import alert_views
from warnd.store.alert_views import AlertView


def _division(text: str) -> str:
    try:
        level_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text


def _reference(text: str) -> Reference:
    sender, _, identifier = text.rpartition(",")
    if not identifier:
        raise typer.BadParameter("write it as IDENTIFIER, or SENDER,IDENTIFIER")
    return Reference(sender, identifier)


Grade = Annotated[Color | None, typer.Option(help="Its color.", show_default=False)]
Hazard = Annotated[str | None, typer.Option(help="A slug, see `warnd hazards list`.", show_default=False)]
Regions = Annotated[
    list[str] | None,
    typer.Option(parser=_division, metavar="CODE", help="A division that it warns; repeat for all of them."),
]
References = Annotated[
    list[Any] | None,
    typer.Option(
        parser=_reference,
        metavar="[SENDER,]IDENTIFIER",
        help="The warning that it updates or ends; may be repeated.",
    ),
]
Effective = Annotated[
    datetime | None, typer.Option(parser=instant, metavar="TIME", help="From when.", show_default=False)
]
Expires = Annotated[
    datetime | None,
    typer.Option(parser=instant, metavar="TIME", help="After then nobody is told.", show_default=False),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(metavar="CODE", help="A doubt that does not stand in the way; may be repeated."),
]
Why = Annotated[str, typer.Option(help="Why, for the journal.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would become of it; keep nothing.")]


def mend(
    id: AlertId,
    color: Grade = None,
    hazard: Hazard = None,
    region: Regions = None,
    reference: References = None,
    effective: Effective = None,
    expires: Expires = None,
    override: Overrides = None,
    reason: Why = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """
    Set a quarantined alert right, and let it go on its way at once.

    What an official source sent is released, anything else is held for a second person. With nothing to mend it is
    decided anew as it stands. With doubts left it stays quarantined, and `warnd alerts show` says which.
    """
    given = Mend(
        color, hazard, _given(region), _given(reference), effective, expires, tuple(override or ()), reason
    )
    if dry_run:
        print_json(run(_try(config, id, given)))
        return
    view, progress = run(_mend(config, id, given))
    if as_json:
        print_json(whole_alert_view(view, progress))
    else:
        print(f"{id} is {view.alert.state.value}")
        for doubt in view.doubts:
            print_plain(f"  {doubt.finding.code} ({doubt.finding.path}): {doubt.finding.message}")
    if view.alert.state is AlertState.QUARANTINED:
        raise typer.Exit(1)


def print_doubts(view: AlertView, say: Phrases) -> None:
    """What keeps it quarantined, and what to type."""
    if view.alert.state is not AlertState.QUARANTINED:
        return
    print()
    print(say("quarantine.doubts"))
    print_table(
        ("", "", "", ""),
        [
            (one.finding.path, one.finding.code, doubt_in_words(one, say), remedy_in_words(one, say))
            for one in view.doubts
        ],
    )
    if command := command_for(view):
        print(command.replace("warnd", as_called(), 1))


def print_mends(view: AlertView, say: Phrases, zone: ZoneInfo) -> None:
    """What people set right, each with what was there before."""
    if not view.mends:
        return
    print()
    print(say("quarantine.mends"))
    for one in view.mends:
        print_plain(" ".join((say.clock(one.at, zone, seconds=True), one.by, one.reason)).rstrip())
        for name, old, new in told_changes(one, say):
            print_plain(f"  {name}: {old} → {new}")


def _given(values: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return tuple(values) if values else None


async def _try(config: Path | None, id: str, given: Mend) -> dict[str, Any]:
    async with open_store(config) as app:
        return forecast_view(*await mending.try_mending(app, id, given))


async def _mend(config: Path | None, id: str, given: Mend) -> tuple[AlertView, alert_views.Progress]:
    async with open_store(config) as app:
        await mending.mend(app, id, given, by=ACTOR)
        view = await app.store.read(alert_views.get_alert, id)
        return view, await app.store.read(alert_views.progress, id)
