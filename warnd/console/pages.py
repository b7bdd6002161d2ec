"""Reading each page in one snapshot of the store, and putting it into the words of one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel import Locale, UnknownLocaleError
from sqlalchemy import Connection
from yarl import URL

from warnd.app.alarm_words import in_words
from warnd.app.phrases import Phrases
from warnd.app.showing import shown_address, shown_change, shown_state
from warnd.app.story import moments, why_of
from warnd.console.quarantine import quarantine
from warnd.console.views import (
    AlertHead,
    AlertPage,
    Broadcast,
    CoverageRow,
    DeliveryPage,
    GapRow,
    Home,
    Log,
    LogLine,
    OpenAlarm,
    Row,
    SentText,
    progress_of,
)
from warnd.errors import Fault
from warnd.model.alert import ANSWERS, AlertState, Change, Status
from warnd.model.alert_body import EVENT
from warnd.model.color import Color
from warnd.model.delivery import State
from warnd.model.hazard import HazardCatalogue
from warnd.store import regions
from warnd.store.alarms import Alarm, open_alarms, together
from warnd.store.alert_views import (
    AlertFilter,
    AlertRow,
    AlertView,
    coverage,
    gaps,
    get_alert,
    list_alerts,
    progress,
)
from warnd.store.console_views import SentWords, channels_of, words_of
from warnd.store.deliveries import DeliveryFilter, DeliveryRow, list_deliveries
from warnd.store.delivery_story import get_delivery
from warnd.store.retention import forgotten_at

_IN_FORCE = 100
_RECENT = 12
_OFFERED = 20
_GAPS = 50
_LINES = 50
_AREAS = 4
_ULID = 26


@dataclass(frozen=True, slots=True)
class Desk:
    """For whom a page is written, and what the hazards are called."""

    say: Phrases
    hazards: HazardCatalogue


def home(connection: Connection, desk: Desk, unwritten: Sequence[Alarm]) -> Home:
    """
    Alerts in force, the gravest first; what needs a person; what came in lately.

    ``unwritten`` are alarms that the store could not take.
    """
    released = list_alerts(connection, AlertFilter(state=AlertState.RELEASED), limit=_IN_FORCE).items
    in_force = [one for one in released if one.change is not Change.LIFTED and one.status is not Status.TEST]
    shown = {one.id for one in in_force}
    recent = [
        one
        for one in list_alerts(connection, AlertFilter(), limit=_RECENT + len(shown)).items
        if one.id not in shown
    ]
    in_force.sort(key=lambda one: one.color.rank if one.color else -1, reverse=True)
    actual = [one.color for one in in_force if one.status is Status.ACTUAL]
    return Home(
        by_color=[(color.value, actual.count(color)) for color in reversed(Color)],
        in_force=[head(connection, desk, get_alert(connection, one.id)) for one in in_force],
        alarms=[_alarm(desk, one) for one in together(unwritten, open_alarms(connection))],
        recent=[head(connection, desk, get_alert(connection, one.id)) for one in recent[:_RECENT]],
        actual=len(actual),
    )


def alert(connection: Connection, desk: Desk, id: str) -> AlertPage:
    """Raises NotFound."""
    view = get_alert(connection, id)
    return AlertPage(
        live=broadcast(connection, desk, id),
        quarantine=quarantine(view, desk.say),
        description=view.body["description"],
        instruction=view.body["instruction"],
        texts=[_text(desk, one) for one in words_of(connection, id)],
    )


def broadcast(connection: Connection, desk: Desk, id: str) -> Broadcast:
    """How far one alert has come. Raises NotFound."""
    view = get_alert(connection, id)
    so_far = progress(connection, id)
    levels = coverage(connection, id)
    left_out = gaps(connection, id, limit=_GAPS)
    return Broadcast(
        alert=head(connection, desk, view),
        progress=progress_of(so_far.counts, so_far.resent),
        planning=not so_far.plan_done and not so_far.stopped and so_far.plan_of > 0,
        planned=so_far.planned,
        plan_of=so_far.plan_of,
        by_channel=[Row(name, progress_of(counts)) for name, counts in so_far.by_channel.items()],
        by_level=[
            Row(desk.say(f"levels.{one.level.value}"), progress_of(one.deliveries))
            for one in levels
            if one.deliveries
        ],
        coverage=[
            CoverageRow(
                desk.say(f"levels.{one.level.value}"), one.divisions, one.with_told, one.without_anybody
            )
            for one in levels
            if one.with_told is not None and one.without_anybody is not None and one.divisions
        ],
        gaps=[GapRow(f"{one.region_name} {one.region}".strip(), one.name, one.why) for one in left_out.items],
        more_gaps=left_out.next_cursor is not None,
        forgotten=view.forgotten,
    )


def log(
    connection: Connection,
    desk: Desk,
    fields: Mapping[str, str],
    filters: DeliveryFilter,
    *,
    faults: Sequence[Fault],
    address: URL,
    channels: Sequence[str],
) -> Log:
    """
    A page of the delivery log; empty when the form has faults. ``address`` is the page's own, with its query.

    ``channels`` are those configured.
    """
    cursor = address.query.get("cursor")
    found = None if faults else list_deliveries(connection, filters, limit=_LINES, cursor=cursor)
    rows = found.items if found is not None else ()
    places = regions.names(connection, (row.region for row in rows))
    following = found.next_cursor if found is not None else None
    offered = list_alerts(connection, AlertFilter(), limit=_OFFERED).items
    former = _told_on(connection, offered, filters if not faults else DeliveryFilter())
    return Log(
        filters=fields,
        states=[(state.value, desk.say(f"states.{state.value}")) for state in State],
        channels=[(name, name) for name in dict.fromkeys((*channels, *former))],
        alerts=[(one.id, one.headline) for one in offered],
        faults=faults,
        rows=[_line(desk, row, places) for row in rows],
        first_url=str(address.without_query_params("cursor")) if cursor else "",
        next_url=str(address.update_query(cursor=following)) if following else "",
        forgotten=forgotten_at(connection, filters.alert) if filters.alert and not faults else None,
    )


def _told_on(connection: Connection, offered: Sequence[AlertRow], asked: DeliveryFilter) -> list[str]:
    """The channels of the alerts on offer and of what is asked for: the log outlives the settings."""
    alerts = [*(one.id for one in offered), *filter(None, [asked.alert])]
    return [*channels_of(connection, alerts), *filter(None, [asked.channel])]


def delivery(connection: Connection, desk: Desk, id: str) -> DeliveryPage:
    """Raises NotFound."""
    story = get_delivery(connection, id)
    one = story.delivery
    places = regions.names(connection, (one.region, *(person.region for person in story.people)))
    words = story.words
    return DeliveryPage(
        line=_line(desk, one, places),
        alert_id=one.alert_id,
        headline=one.headline or one.alert_id,
        color=one.color or "none",
        place=regions.full_name(connection, one.region),
        round=one.round,
        story=moments(story, desk.say.language, places),
        subject=words.subject if words else "",
        body=words.body if words else "",
        tag=words.language if words else "",
    )


def head(connection: Connection, desk: Desk, view: AlertView) -> AlertHead:
    """An alert as every page names it."""
    one, body = view.alert, view.body
    so_far = progress(connection, one.id)
    return AlertHead(
        id=one.id,
        color=one.color.value if one.color else "none",
        hazard=_hazard(desk, body),
        headline=one.headline or one.identifier,
        issuer=body["sender_name"] or one.sender,
        area=_area(desk, view),
        status=one.status.value,
        change=_change(desk, one),
        state=one.state.value,
        standing=shown_state(desk.say, one.state, one.change),
        sent=one.sent,
        received=one.received_at,
        expires=one.expires,
        identifier=one.identifier,
        source=one.source,
        progress=progress_of(so_far.counts, so_far.resent),
    )


def _change(desk: Desk, one: AlertRow) -> str:
    first = one.change is Change.ISSUED and one.type not in ANSWERS
    return "" if first else shown_change(desk.say, one.type, one.change)


def _hazard(desk: Desk, body: Mapping[str, Any]) -> str:
    known = desk.hazards.get(body["hazard"])
    named = known.name(desk.say.language) if known is not None else body["hazard"]
    return str(body["parameters"].get(EVENT) or named)


def _area(desk: Desk, view: AlertView) -> str:
    """As the issuer calls it, else by the names of its divisions; a long list is cut."""
    names = [area["name"] for area in view.body["areas"] if area["name"]]
    names = names or [region.name for region in view.regions]
    listed = desk.say("alert.comma").join(names[:_AREAS])
    return desk.say("alert.and_more", names=listed, n=len(names)) if len(names) > _AREAS else listed or "—"


def _alarm(desk: Desk, one: Alarm) -> OpenAlarm:
    subject = one.subject.rpartition("/")[2]
    return OpenAlarm(
        title=desk.say.word("alarms", one.kind),
        message=in_words(one, desk.say),
        since=one.since,
        times=one.times,
        acknowledged_by=one.acknowledged_by,
        alert_id=subject if len(subject) == _ULID else "",
    )


def _line(desk: Desk, row: DeliveryRow, places: Mapping[str, str]) -> LogLine:
    return LogLine(
        id=row.id,
        name=row.name,
        address=shown_address(row.address),
        channel=row.channel,
        region=places.get(row.region, row.region),
        state=row.state.value,
        attempts=row.attempts,
        updated=row.updated,
        why=why_of(desk.say, row.state, row.reason, row.detail),
    )


def _text(desk: Desk, one: SentWords) -> SentText:
    return SentText(
        one.channel, one.kind, _language_name(desk, one.language), one.language, one.subject, one.body,
        one.segments, one.template.partition("@")[0], one.refused,
    )  # fmt: skip


def _language_name(desk: Desk, tag: str) -> str:
    try:
        return Locale.parse(tag, sep="-").get_display_name(desk.say.locale) or tag
    except (UnknownLocaleError, ValueError):
        return tag
