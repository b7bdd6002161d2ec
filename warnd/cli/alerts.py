"""``warnd alerts``: the warnings that came in, and how far each has got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from warnd.api.views import alert_view, counts_view, whole_alert_view
from warnd.app.phrases import Phrases, phrases
from warnd.app.showing import shown_kind, shown_state
from warnd.cli.common import listed, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.deciding import approve, link, reject
from warnd.cli.forecast import print_forecast
from warnd.cli.mending import mend, print_doubts, print_mends
from warnd.cli.messages import raw
from warnd.cli.options import AlertId, AsJson, Language, Limit, Since, Until, language
from warnd.cli.terminal import clock, print_json, print_plain, print_table
from warnd.model.alert import AlertState
from warnd.model.color import Color
from warnd.model.delivery import State
from warnd.pipeline.forecast import Forecast
from warnd.store import alert_views
from warnd.store.alert_views import AlertFilter, AlertRow, AlertView, Gap, Progress

alerts_app = typer.Typer(help="The warnings that came in, and how far each has got.", no_args_is_help=True)

_GAPS = 20


@alerts_app.command("list")
def list_(
    state: Annotated[AlertState | None, typer.Option(help="In this state.")] = None,
    color: Annotated[Color | None, typer.Option(help="Of this color.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List alerts, the newest first."""
    found, zone = run(_list(config, AlertFilter(state, color, since, until), limit))
    if as_json:
        for row in found:
            print_json(alert_view(row))
        return
    say = phrases(language(chosen))
    columns = ("id", *(say(f"home.{column}") for column in ("received", "color", "kind", "state", "alert")))
    print_table(columns, [_line(row, say, zone) for row in found])


@alerts_app.command()
def show(
    id: AlertId,
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show one alert: what it says, how far its broadcast has come, and whom it leaves out."""
    whole, zone = run(_show(config, id))
    if as_json:
        forecast = {"forecast": counts_view(whole.forecast)} if whole.forecast else {}
        print_json(whole_alert_view(whole.view, whole.progress) | forecast)
        return
    say = phrases(language(chosen))
    _print_facts(whole.view, say, zone)
    if whole.forecast is not None:
        print()
        print_forecast(counts_view(whole.forecast), say)
    print_doubts(whole.view, say)
    print_mends(whole.view, say, zone)
    _print_progress(whole.progress, whole.view.alert.state, say)
    _print_gaps(whole.gaps, say)
    if whole.view.forgotten is not None:
        print()
        print(say("alert.forgotten", when=say.day(whole.view.forgotten, zone)))


for command in (approve, reject, link, mend, raw):
    alerts_app.command()(command)


@dataclass(frozen=True, slots=True)
class Whole:
    """All there is to see of one alert, as of one moment; ``forecast`` while it is held."""

    view: AlertView
    progress: Progress
    gaps: tuple[Gap, ...]
    forecast: Forecast | None = None


async def _list(config: Path | None, filters: AlertFilter, limit: int) -> tuple[list[AlertRow], ZoneInfo]:
    async with open_store(config) as app:
        return await listed(app, alert_views.list_alerts, filters, limit), app.settings.time_zone


async def _show(config: Path | None, id: str) -> tuple[Whole, ZoneInfo]:
    async with open_store(config) as app:
        whole = await app.store.read(_whole, id)
        if whole.view.alert.state is AlertState.HELD:
            whole = replace(whole, forecast=await app.foresight.of_held(id, app.now()))
        return whole, app.settings.time_zone


def _whole(connection: Connection, id: str) -> Whole:
    view = alert_views.get_alert(connection, id)
    gaps = alert_views.gaps(connection, id, limit=_GAPS).items
    return Whole(view, alert_views.progress(connection, id), gaps)


def _line(row: AlertRow, say: Phrases, zone: ZoneInfo) -> tuple[str, ...]:
    received = clock(row.received_at, zone)
    return (row.id, received, _color(row, say), _kind(row, say), _state(row, say), row.headline)


def _color(row: AlertRow, say: Phrases) -> str:
    return say(f"colors.{row.color.value if row.color else 'none'}")


def _kind(row: AlertRow, say: Phrases) -> str:
    return shown_kind(say, row.status, row.type, row.change)


def _state(row: AlertRow, say: Phrases) -> str:
    return shown_state(say, row.state, row.change)


def _print_facts(view: AlertView, say: Phrases, zone: ZoneInfo) -> None:
    row = view.alert

    def at(when: datetime | None) -> str:
        return say.clock(when, zone) if when is not None else say("alert.no_expires")

    print_plain(row.headline)
    print_table(
        ("", ""),
        [
            (say("home.kind"), _kind(row, say)),
            (say("home.state"), _state(row, say)),
            (say("home.color"), _color(row, say)),
            (say("alert.issuer"), f"{view.body.get('sender_name') or ''} {row.sender}".strip()),
            (say("alert.identifier"), row.identifier),
            (say("alert.source"), row.source),
            (say("alert.area"), " ".join(f"{one.name} ({one.code})" for one in view.regions)),
            (say("alert.sent"), at(row.sent)),
            (say("alert.received"), at(row.received_at)),
            (say("alert.expires"), at(row.expires)),
            *_hold(row, say, zone),
            *(("", fault.message) for fault in view.findings),
        ],
    )


def _hold(row: AlertRow, say: Phrases, zone: ZoneInfo) -> list[tuple[str, str]]:
    issued = [(say("release.issued_by"), row.issuer)] if row.issuer else []
    if row.hold is None:
        return issued
    when = say.clock(row.hold.due, zone, seconds=True)
    return [*issued, (say("release.waits"), say(f"release.then_{row.hold.then.value}", when=when))]


def _print_progress(progress: Progress, state: AlertState, say: Phrases) -> None:
    print()
    if not progress.counts:
        waits = say("alert.not_planned", state=say(f"alert_states.{state.value}"))
        print(say("alert.nobody_yet") if state is AlertState.RELEASED else waits)
        return
    states = list(progress.counts)
    columns = (say("alert.channel"), *(say(f"states.{state}") for state in states))
    rows = [(name, *_numbers(counts, states, say)) for name, counts in progress.by_channel.items()]
    rows.append((say("count.total"), *_numbers(progress.counts, states, say)))
    print_table(columns, rows)
    if progress.resent:
        targeted = sum(progress.counts.values()) - progress.counts.get(State.SUPPRESSED.value, 0)
        print(say("count.rounds", first=targeted - progress.resent, again=progress.resent))
    if not progress.plan_done:
        print(say("alert.planning", planned=progress.planned, of=progress.plan_of))


def _numbers(counts: Mapping[str, int], states: Iterable[str], say: Phrases) -> Iterable[str]:
    return (say.number(counts.get(state, 0)) for state in states)


def _print_gaps(gaps: tuple[Gap, ...], say: Phrases) -> None:
    if not gaps:
        return
    print()
    print(say("alert.gaps"))
    rows = [(gap.region, gap.name or gap.region_name, say(f"whys.{gap.why}")) for gap in gaps]
    print_table(("", "", ""), rows)
