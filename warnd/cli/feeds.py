"""``warnd feeds``: the feeds that warnd asks by itself, how each stands, and one poll by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from warnd.api.views import fault_view
from warnd.app.feeds.desk import FeedView
from warnd.app.feeds.poller import Polled
from warnd.app.feeds.taking import Outcome
from warnd.cli.common import open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AsJson
from warnd.cli.terminal import clock, print_json, print_plain, print_table

feeds_app = typer.Typer(no_args_is_help=True)


@feeds_app.command("list")
def list_(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """
    List the configured feeds and how the daemon's polls of them went.

    The path that a feed calls holds a secret: it is what its provider is given, behind `server.public_url`.
    """
    run(_list(as_json, config))


@feeds_app.command()
def poll(
    name: Annotated[str, typer.Argument(help="Of a configured feed.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would admit; nothing is kept.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """
    Ask a feed once, now, and show what is new in it.

    What is admitted is sent by the running daemon. Exits 1 when the feed, or what it links to, gives no
    readable answer.
    """
    polled = run(_poll(name, dry_run, config))
    if as_json:
        print_json(_object(polled))
    else:
        if polled.outcomes:
            print_table(("", "verdict", "color", "headline or fault"), _rows(polled))
        new = "unchanged" if polled.unchanged else f"{len(polled.outcomes)} new"
        print_plain(f"{polled.entries} entries, {new}" + (f"; {polled.trouble}" if polled.trouble else ""))
    if polled.trouble:
        raise typer.Exit(1)


async def _list(as_json: bool, config: Path | None) -> None:
    async with open_store(config) as app:
        told = [(view, await app.feeds.path_of(view.settings.name)) for view in await app.feeds.overview()]
        zone = app.settings.time_zone
    if as_json:
        for view, path in told:
            print_json(view.told | {"path": path})
        return
    columns = ("feed", "kind", "last success", "last change", "next poll", "entries", "admitted", "faults")
    print_table((*columns, "trouble", "called at"), [_row(view, path or "", zone) for view, path in told])


def _row(view: FeedView, path: str, zone: ZoneInfo) -> tuple[str, ...]:
    feed, state = view.settings, view.state
    if state is None:
        return feed.name, feed.kind, *([""] * 6), "nothing yet", path
    times = (state.succeeded, state.changed, view.next)
    counts = (state.entries, state.admitted, state.faults)
    return (
        feed.name,
        feed.kind,
        *(clock(when, zone) for when in times),
        *map(str, counts),
        state.trouble,
        path,
    )


async def _poll(name: str, dry_run: bool, config: Path | None) -> Polled:
    async with open_store(config) as app:
        poller = app.feeds.poller(name)
        return await (poller.preview() if dry_run else poller.poll())


def _rows(polled: Polled) -> Iterator[tuple[str, str, str, str]]:
    for one in polled.outcomes:
        verdict = one.verdict.value if one.verdict is not None else ""
        color = one.alert.color.value if one.alert is not None and one.alert.color is not None else ""
        yield one.taken.value, verdict, color, _told(one)


def _told(one: Outcome) -> str:
    if one.alert is not None:
        return one.alert.headline or one.alert.identifier
    return f"{one.key}: {'; '.join(fault.message for fault in one.findings) or 'see the log'}"


def _object(polled: Polled) -> dict[str, Any]:
    return {
        "entries": polled.entries,
        "unchanged": polled.unchanged,
        "trouble": polled.trouble,
        "outcomes": [
            {
                "key": one.key,
                "taken": one.taken.value,
                "identifier": one.alert.identifier if one.alert is not None else None,
                "hazard": one.alert.hazard if one.alert is not None else None,
                "color": one.alert.color.value if one.alert is not None and one.alert.color else None,
                "headline": one.alert.headline if one.alert is not None else None,
                "verdict": one.verdict.value if one.verdict is not None else None,
                "state": one.state or None,
                "findings": [fault_view(fault) for fault in one.findings],
            }
            for one in polled.outcomes
        ],
    }
