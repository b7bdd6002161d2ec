"""``warnd deliveries``: what became of each delivery, and sending again what failed."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from warnd.api.deliveries import COLUMNS, as_csv, as_jsonl
from warnd.api.views import delivery_view, story_view
from warnd.app import App, acts
from warnd.app.phrases import Phrases, phrases
from warnd.app.showing import shown_address
from warnd.app.story import tell, why_of
from warnd.cli.common import ACTOR, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.files import written
from warnd.cli.options import AsJson, Language, Limit, OneState, Since, States, Until, language
from warnd.cli.terminal import clock, print_json, print_plain, print_table
from warnd.errors import WarndError
from warnd.model.delivery import State
from warnd.store import delivery_story, regions, retention
from warnd.store.deliveries import DeliveryFilter, DeliveryRow, checked, export_deliveries
from warnd.store.delivery_story import DeliveryStory
from warnd.store.resending import Resend

deliveries_app = typer.Typer(help="What became of each delivery; resend what failed.", no_args_is_help=True)

AlertOption = Annotated[str | None, typer.Option("--alert", help="Of this alert (id).", show_default=False)]
Channel = Annotated[str | None, typer.Option(help="On this configured channel.", show_default=False)]
Region = Annotated[
    str | None, typer.Option(metavar="CODE", help="In this division or below it.", show_default=False)
]
Group = Annotated[str | None, typer.Option(help="Told because of this group (id).", show_default=False)]
Search = Annotated[
    str | None,
    typer.Option("--q", metavar="TEXT", help="An address or its beginning, or a part of a name.", show_default=False),
]  # fmt: skip

_PAGE = 1000


class Format(Enum):
    CSV = "csv"
    JSONL = "jsonl"


@deliveries_app.command("list")
def list_(
    alert: AlertOption = None,
    state: OneState = None,
    channel: Channel = None,
    region: Region = None,
    group: Group = None,
    q: Search = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List deliveries, the newest first."""
    filters = DeliveryFilter(alert, state, channel, region, group, q, since, until)
    found, forgotten, zone = run(_list(config, filters, limit))
    say = phrases(language(chosen))
    _say_forgotten(forgotten, say, zone)
    if as_json:
        for row in found:
            print_json(delivery_view(row))
        return
    shown = ("state", "channel", "address", "whom", "where", "when", "why")
    print_table(("id", *(say(f"log.{column}") for column in shown)), [_line(row, say, zone) for row in found])


@deliveries_app.command()
def show(
    id: Annotated[str, typer.Argument(help="As `warnd deliveries list` shows it.")],
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Tell one delivery's story in the order of time, to the millisecond: why, each try, what came of it, where it stands."""
    shown = run(_show(config, id))
    if as_json:
        print_json(story_view(shown.story))
        return
    spoken = language(chosen)
    delivery, say = shown.story.delivery, phrases(spoken)
    print_plain(delivery.headline)
    print_plain(
        f"{say(f'states.{delivery.state.value}')} · {delivery.channel} · {shown_address(delivery.address)} · {delivery.id}"
    )
    for at, sentence in tell(shown.story, spoken, shown.places):
        print_plain(f"{say.clock(at, shown.zone, milliseconds=True)}  {sentence}")


@deliveries_app.command()
def export(
    out: Annotated[
        Path | None, typer.Option(help="Where to; standard output by default.", show_default=False)
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="For a spreadsheet, or for a program.")
    ] = Format.CSV,
    alert: AlertOption = None,
    state: OneState = None,
    channel: Channel = None,
    region: Region = None,
    group: Group = None,
    q: Search = None,
    since: Since = None,
    until: Until = None,
    chosen: Language = None,
    config: ConfigFile = None,
) -> None:
    """Write every delivery that matches, however many; it names people and addresses."""
    filters = DeliveryFilter(alert, state, channel, region, group, q, since, until)
    forgotten, zone = run(_export(config, filters, out, form))
    _say_forgotten(forgotten, phrases(language(chosen)), zone)


@deliveries_app.command()
def resend(
    alert: Annotated[str, typer.Option(help="Whose deliveries (id); it must be in force.")],
    states: States = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Only this delivery; may be repeated.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """
    Send again, as a new round, what is in these states (failed and undelivered by default).

    A daemon that is running on the same store takes it up within seconds. Leaves with 1 when nothing matches.
    """
    request = Resend(
        alert, frozenset(states or (State.FAILED, State.UNDELIVERED)), tuple(ids) if ids else None
    )
    round_, count = run(_resend(config, request))
    if not count:
        raise WarndError(f"nothing of alert {alert} matches: no round was begun")
    if as_json:
        print_json({"alert": alert, "round": round_, "deliveries": count})
    else:
        print(f"{count} {'delivery' if count == 1 else 'deliveries'} in round {round_}")


# --- on the store -------------------------------------------------------------------------------------


async def _list(
    config: Path | None, filters: DeliveryFilter, limit: int
) -> tuple[list[DeliveryRow], datetime | None, ZoneInfo]:
    async with open_store(config) as app:
        filters = await _checked(app, filters)
        found: list[DeliveryRow] = []
        async for page in _pages(app, filters, min(limit, _PAGE)):
            found += page
            if len(found) >= limit:
                break
        return found[:limit], await _forgotten(app, filters), app.settings.time_zone


async def _forgotten(app: App, filters: DeliveryFilter) -> datetime | None:
    return await app.store.read(retention.forgotten_at, filters.alert) if filters.alert else None


async def _checked(app: App, filters: DeliveryFilter) -> DeliveryFilter:
    return await app.store.read(checked, filters, channels=app.settings.channels)


async def _pages(app: App, filters: DeliveryFilter, size: int) -> AsyncIterator[tuple[DeliveryRow, ...]]:
    """Each in a short read of its own, so that a long export holds nobody up."""
    cursor: str | None = None
    while True:
        page = await app.store.read(export_deliveries, filters, cursor, size)
        yield page.items
        if (cursor := page.next_cursor) is None:
            return


@dataclass(frozen=True, slots=True)
class Shown:
    """A story with what its words need."""

    story: DeliveryStory
    places: dict[str, str]
    zone: ZoneInfo


async def _show(config: Path | None, id: str) -> Shown:
    async with open_store(config) as app:
        story, places = await app.store.read(_story, id)
        return Shown(story, places, app.settings.time_zone)


def _story(connection: Connection, id: str) -> tuple[DeliveryStory, dict[str, str]]:
    story = delivery_story.get_delivery(connection, id)
    codes = {story.delivery.region, *(person.region for person in story.people)}
    return story, regions.full_names(connection, sorted(codes))


async def _resend(config: Path | None, request: Resend) -> tuple[int, int]:
    async with open_store(config) as app:
        return await acts.resend(app, request, by=ACTOR)


async def _export(
    config: Path | None, filters: DeliveryFilter, out: Path | None, form: Format
) -> tuple[datetime | None, ZoneInfo]:
    write = as_csv if form is Format.CSV else as_jsonl
    async with open_store(config) as app:
        filters = await _checked(app, filters)
        with written(out, for_spreadsheets=form is Format.CSV) as file:
            if form is Format.CSV:
                file.write(",".join(COLUMNS) + "\r\n")
            async for page in _pages(app, filters, _PAGE):
                file.write(write(page).decode())
        return await _forgotten(app, filters), app.settings.time_zone


# --- on paper -----------------------------------------------------------------------------------------


def _say_forgotten(forgotten: datetime | None, say: Phrases, zone: ZoneInfo) -> None:
    """On standard error: why what is asked for is not there, wherever the rows go."""
    if forgotten is not None:
        print(f"warnd: {say('log.forgotten', when=say.day(forgotten, zone))}", file=sys.stderr)


def _line(row: DeliveryRow, say: Phrases, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        row.id,
        say(f"states.{row.state.value}"),
        row.channel,
        shown_address(row.address),
        row.name,
        row.region,
        clock(row.updated, zone),
        why_of(say, row.state, row.reason, row.detail),
    )
