"""``warnd deliveries``: what became of each delivery, and sending again what failed."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TextIO
from zoneinfo import ZoneInfo

import orjson
import typer
from sqlalchemy import Connection

from warnd.app import App
from warnd.app.phrases import Phrases, phrases
from warnd.app.story import tell, why_of
from warnd.audience.cells import guarded
from warnd.cli.common import ACTOR, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.files import written
from warnd.cli.options import AsJson, Language, Limit, OneState, Since, States, Until, language
from warnd.cli.terminal import clock, print_json, print_table, progress
from warnd.model.delivery import State
from warnd.store import delivery_story, regions, resending
from warnd.store.deliveries import DeliveryFilter, DeliveryRow, export_deliveries
from warnd.store.delivery_story import DeliveryStory

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
    found, zone = run(_list(config, filters, limit))
    if as_json:
        for row in found:
            print_json(row)
        return
    say = phrases(language(chosen))
    columns = ("id", "state", "channel", "address", "name", "region", "updated", "")
    print_table(columns, [_line(row, say, zone) for row in found])


@deliveries_app.command()
def show(
    id: Annotated[str, typer.Argument(help="As `warnd deliveries list` shows it.")],
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Tell one delivery's story in the order of time: why, each try, what came of it, where it stands."""
    shown = run(_show(config, id))
    if as_json:
        print_json(shown.story)
        return
    spoken = language(chosen)
    delivery, say = shown.story.delivery, phrases(spoken)
    print(delivery.headline)
    print(
        f"{say(f'states.{delivery.state.value}')} · {delivery.channel} · {delivery.address} · {delivery.id}"
    )
    for at, sentence in tell(shown.story, spoken, shown.places):
        print(f"{say.clock(at, shown.zone, seconds=True)}  {sentence}")


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
    config: ConfigFile = None,
) -> None:
    """Write every delivery that matches, however many; it names people and addresses."""
    filters = DeliveryFilter(alert, state, channel, region, group, q, since, until)
    run(_export(config, filters, out, form))


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

    A daemon that is running on the same store takes it up within seconds.
    """
    request = resending.Resend(
        alert, frozenset(states or (State.FAILED, State.UNDELIVERED)), tuple(ids) if ids else None
    )
    round_, count = run(_resend(config, request))
    if as_json:
        print_json({"alert": alert, "round": round_, "deliveries": count})
    else:
        print(f"{count} deliveries in round {round_}")


# --- on the store -------------------------------------------------------------------------------------


async def _list(
    config: Path | None, filters: DeliveryFilter, limit: int
) -> tuple[list[DeliveryRow], ZoneInfo]:
    async with open_store(config) as app:
        found: list[DeliveryRow] = []
        async for page in _pages(app, filters, min(limit, _PAGE)):
            found += page
            if len(found) >= limit:
                break
        return found[:limit], app.settings.time_zone


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


async def _resend(config: Path | None, request: resending.Resend) -> tuple[int, int]:
    """The new round's number, and how many deliveries it has."""
    async with open_store(config) as app:
        store = app.store
        round_ = await store.read(resending.select_for_resend, request, now=app.now())
        count, after = 0, ""
        with progress() as bar:
            task = bar.add_task("resending", total=None)
            while True:
                done = await store.move(
                    resending.resend, request, round_, after, now=app.now(), new_ids=app.new_ids, actor=ACTOR
                )
                count += done.deliveries
                bar.update(task, completed=count)
                if done.after is None:
                    return round_, count
                after = done.after


async def _export(config: Path | None, filters: DeliveryFilter, out: Path | None, form: Format) -> None:
    write = _write_csv if form is Format.CSV else _write_jsonl
    async with open_store(config) as app:
        with written(out, for_spreadsheets=form is Format.CSV) as file:
            first = True
            async for page in _pages(app, filters, _PAGE):
                write(file, page, first=first)
                first = False


# --- on paper -----------------------------------------------------------------------------------------


def _line(row: DeliveryRow, say: Phrases, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        row.id,
        say(f"states.{row.state.value}"),
        row.channel,
        row.address,
        row.name,
        row.region,
        clock(row.updated, zone),
        why_of(say, row.state, row.reason, row.detail),
    )


_COLUMNS = tuple(field.name for field in fields(DeliveryRow))


def _write_csv(file: TextIO, rows: Iterable[DeliveryRow], *, first: bool) -> None:
    writer = csv.writer(file, lineterminator="\r\n")
    if first:
        writer.writerow(_COLUMNS)
    writer.writerows([_cell(getattr(row, name)) for name in _COLUMNS] for row in rows)


def _write_jsonl(file: TextIO, rows: Iterable[DeliveryRow], *, first: bool) -> None:
    file.writelines(orjson.dumps(row).decode() + "\n" for row in rows)


def _cell(value: Any) -> str:
    """A value as a spreadsheet reads it, which computes nothing of it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat()
        case Enum():
            return str(value.value)
        case _:
            return guarded(str(value))
