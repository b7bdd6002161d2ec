"""Alerts as people look at them: in lists, one whole, how far it has come, and whom it left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from warnd.errors import Fault, NotFound
from warnd.model.alert import AlertState, AlertType, Change, Status, Verdict
from warnd.model.color import Color, Lane
from warnd.model.delivery import State
from warnd.model.region import LEVELS, Level, Region
from warnd.model.release import Hold, Then
from warnd.model.ulid import floor
from warnd.store.database import raw_of
from warnd.store.findings import found
from warnd.store.mending import Doubt, Mended, doubts_of, mends_of
from warnd.store.paging import MOST, Page
from warnd.store.resending import resent
from warnd.store.retention import forgotten_at
from warnd.store.statement import Statement
from warnd.store.tables import alert_regions, alerts, regions

_MOVING = frozenset({State.QUEUED, State.SENDING, State.WAITING})


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What to show; what is None does not narrow. ``since`` and ``until`` bound when it was received."""

    state: AlertState | None = None
    color: Color | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertRow:
    """
    An alert in a list.

    ``planned`` of about ``plan_of`` people are looked at; ``plan_done`` closes it. ``stopped_at``: nothing more of
    it has left since then. ``hold`` is set while it waits for release; ``issuer`` is who issued it by hand.
    """

    id: str
    episode_id: str
    identifier: str
    sender: str
    source: str
    sent: datetime
    received_at: datetime
    state: AlertState
    verdict: Verdict
    status: Status
    type: AlertType
    hazard: str
    color: Color | None
    lane: Lane
    change: Change
    headline: str
    effective: datetime | None
    expires: datetime | None
    deliver_until: datetime
    stopped_at: datetime | None
    successor_id: str | None
    planned: int
    plan_of: int
    plan_done: bool
    hold: Hold | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class AlertView:
    """
    One alert whole. ``body`` is as INTERFACE.md writes it; ``episode`` are the others, the oldest first.

    ``doubts`` are those of the findings that keep it quarantined; ``mends`` what people set right. ``forgotten``: when
    its deliveries were, None while they are kept.
    """

    alert: AlertRow
    body: Mapping[str, Any]
    findings: tuple[Fault, ...]
    regions: tuple[Region, ...]
    episode: tuple[AlertRow, ...]
    doubts: tuple[Doubt, ...] = ()
    mends: tuple[Mended, ...] = ()
    forgotten: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a broadcast has come: deliveries by state, and the same by channel; ``sending`` is what is out now.

    ``settled``: all is planned and nothing moves any more, except by receipts. Of an alert that tells nobody
    (held, kept) that is so from the beginning. ``resent`` of the deliveries are of a later round: who was told again
    is counted once for each.
    """

    counts: Mapping[str, int]
    by_channel: Mapping[str, Mapping[str, int]]
    planned: int
    plan_of: int
    plan_done: bool
    stopped: bool
    settled: bool
    resent: int


@dataclass(frozen=True, slots=True)
class LevelCoverage:
    """
    One level of the warned area: how many divisions it has there, in how many of them somebody was told, and in how
    many nobody was even to be; and the alert's deliveries to people of that level, wherever, by state. The two in
    between are None when its deliveries are forgotten: nobody knows them any more.
    """

    level: Level
    divisions: int
    with_told: int | None
    without_anybody: int | None
    deliveries: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Somebody without a usable endpoint, or (``subscriber_id`` empty) a division without anybody."""

    region: str
    region_name: str
    subscriber_id: str
    name: str
    why: str


def list_alerts(
    connection: Connection, filters: AlertFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[AlertRow]:
    """The newest first."""
    size = max(1, min(limit, MOST))
    statement = select(alerts)
    if filters.state is not None:
        statement = statement.where(alerts.c.state == filters.state.value)
    if filters.color is not None:
        statement = statement.where(alerts.c.color == filters.color.value)
    if filters.since is not None:
        statement = statement.where(alerts.c.id >= floor(filters.since))
    if filters.until is not None:
        statement = statement.where(alerts.c.id < floor(filters.until))
    if cursor is not None:
        statement = statement.where(alerts.c.id < cursor)
    rows = connection.execute(statement.order_by(alerts.c.id.desc()).limit(size + 1)).all()
    return Page(tuple(_row(row) for row in rows[:size]), rows[size - 1].id if len(rows) > size else None)


def get_alert(connection: Connection, id: str) -> AlertView:
    """Raises NotFound."""
    row = _one(connection, id)
    codes = connection.execute(
        select(alert_regions.c.code, regions.c.name)
        .outerjoin(regions, regions.c.code == alert_regions.c.code)
        .where(alert_regions.c.alert_id == id)
        .order_by(alert_regions.c.code)
    )
    others = connection.execute(
        select(alerts).where(alerts.c.episode_id == row.episode_id, alerts.c.id != id).order_by(alerts.c.id)
    )
    return AlertView(
        _row(row),
        row.body,
        found(row.findings),
        tuple(Region(code, name or code) for code, name in codes),
        tuple(_row(other) for other in others),
        doubts_of(row),
        mends_of(connection, id),
        forgotten_at(connection, id) if row.swept else None,
    )


_TALLIES = Statement("SELECT channel, state, sum(n) FROM tallies WHERE alert_id = ? GROUP BY channel, state")

_OUT = Statement("""
SELECT b.channel, d.state, count(*) FROM batches b INDEXED BY ix_batches_out
CROSS JOIN deliveries d ON d.batch_id = b.id
WHERE b.state = 'sending' AND b.alert_id /*+ || '' */ = ? AND d.state IN ('queued', 'waiting', 'unknown')
GROUP BY b.channel, d.state
""")


def progress(connection: Connection, id: str) -> Progress:
    """Raises NotFound. Never scans: it costs the same for ten deliveries and a million."""
    alert = connection.execute(
        select(alerts.c.planned, alerts.c.plan_of, alerts.c.plan_done, alerts.c.stopped_at).where(
            alerts.c.id == id
        )
    ).one_or_none()
    if alert is None:
        raise NotFound("alert", id)
    raw = raw_of(connection)
    by_channel: dict[str, dict[str, int]] = {}
    for channel, state, n in raw.execute(_TALLIES, (id,)):
        by_channel.setdefault(channel, {})[state] = n
    for channel, state, n in raw.execute(_OUT, (id,)):
        mine = by_channel.setdefault(channel, {})
        mine[state] = mine.get(state, 0) - n
        mine[State.SENDING.value] = mine.get(State.SENDING.value, 0) + n
    by_channel = {
        channel: _present(counts) for channel, counts in sorted(by_channel.items()) if _present(counts)
    }
    counts = _present(
        {state.value: sum(mine.get(state.value, 0) for mine in by_channel.values()) for state in State}
    )
    moving = any(state.value in counts for state in _MOVING)
    if not moving and State.UNKNOWN.value in counts:
        moving = raw.execute(_TO_BE_RESENT, (id,)).fetchone() is not None
    stopped = alert.stopped_at is not None
    settled = not moving and (alert.plan_done or stopped)
    again = resent(connection, id)
    return Progress(
        counts, by_channel, alert.planned, _plan_of(alert), alert.plan_done, stopped, settled, again
    )


_TO_BE_RESENT = Statement("SELECT 1 FROM batches WHERE alert_id = ? AND state = 'unknown' LIMIT 1")

_DIVISIONS = """
SELECT r.code FROM alert_regions a CROSS JOIN regions r
  ON r.code BETWEEN a.code AND substr(a.code || '9999999999', 1, 12)
WHERE a.alert_id = ?1
"""

_COVERED = Statement(f"""
SELECT length(code), count(*), count(*) FILTER (WHERE told), count(*) FILTER (WHERE NOT planned) FROM (
    SELECT code,
        EXISTS (SELECT 1 FROM deliveries d INDEXED BY ix_deliveries_region_id
                WHERE (d.region, d.id) >= (code, ?2) AND (d.region, d.id) <= (code, ?3) AND d.alert_id /*+ || '' */ = ?1 AND d.told) AS told,
        EXISTS (SELECT 1 FROM deliveries d INDEXED BY ix_deliveries_region_id
                WHERE (d.region, d.id) >= (code, ?2) AND (d.region, d.id) <= (code, ?3) AND d.alert_id /*+ || '' */ = ?1) AS planned
    FROM (SELECT DISTINCT code FROM ({_DIVISIONS}) every) each) looked GROUP BY 1
""")

_BY_LEVEL = Statement("SELECT level, state, sum(n) FROM tallies WHERE alert_id = ? GROUP BY level, state")

_SPAN = Statement("""
SELECT coalesce((SELECT id FROM deliveries WHERE alert_id BETWEEN ?1 AND ?1 ORDER BY alert_id, id LIMIT 1), ?1),
    coalesce((SELECT id FROM deliveries WHERE alert_id BETWEEN ?1 AND ?1 ORDER BY alert_id DESC, id DESC LIMIT 1), ?1)
""")
"""Ids begin with the time by the clock of whoever plans: that may be behind the clock of who took the alert in."""


def coverage(connection: Connection, id: str) -> list[LevelCoverage]:
    """From province to village; levels of which the area has none and nobody was reached are left out."""
    _one(connection, id)
    raw = raw_of(connection)
    span = raw.execute(_SPAN, (id,)).fetchone()
    known = forgotten_at(connection, id) is None
    divisions = {
        LEVELS[width]: (count, told if known else None, nobody if known else None)
        for width, count, told, nobody in raw.execute(_COVERED, (id, *span))
    }
    deliveries: dict[Level, dict[str, int]] = {}
    for level, state, n in raw.execute(_BY_LEVEL, (id,)):
        if n:
            deliveries.setdefault(Level(level), {})[state] = n
    return [
        LevelCoverage(level, *divisions.get(level, (0, 0, 0)), deliveries.get(level, {}))
        for level in Level
        if level in divisions or level in deliveries
    ]


_GAPS = Statement("""
SELECT g.region, coalesce(r.name, ''), g.subscriber_id, g.name, g.why FROM coverage_gaps g
LEFT JOIN regions r ON r.code = g.region
WHERE g.alert_id = ?1 AND (g.region, g.subscriber_id) > (?2, ?3) ORDER BY g.region, g.subscriber_id LIMIT ?4
""")


def gaps(connection: Connection, id: str, *, limit: int = 100, cursor: str | None = None) -> Page[Gap]:
    """Who could not be told and where nobody is, by division."""
    size = max(1, min(limit, MOST))
    region, _, subscriber = (cursor or "").partition(" ")
    rows = raw_of(connection).execute(_GAPS, (id, region, subscriber, size + 1)).fetchall()
    items = tuple(Gap(*row) for row in rows[:size])
    last = items[-1] if len(rows) > size else None
    return Page(items, f"{last.region} {last.subscriber_id}" if last else None)


def _one(connection: Connection, id: str) -> Row[Any]:
    row = connection.execute(select(alerts).where(alerts.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("alert", id)
    return row


def _present(counts: Mapping[str, int]) -> dict[str, int]:
    return {state: n for state, n in counts.items() if n}


def _plan_of(row: Any) -> int:
    """Estimated by memberships, of which somebody may have several; once all is planned, it is known."""
    return int(row.planned if row.plan_done else row.plan_of)


def _row(row: Row[Any]) -> AlertRow:
    return AlertRow(
        row.id, row.episode_id, row.identifier, row.sender, row.source, row.sent, row.received_at,
        AlertState(row.state), Verdict(row.verdict), Status(row.status), AlertType(row.type), row.hazard,
        Color(row.color) if row.color else None, Lane(row.lane), Change(row.change), row.headline, row.effective,
        row.expires, row.deliver_until, row.stopped_at, row.successor_id, row.planned, _plan_of(row), row.plan_done,
        _hold(row), row.issuer,
    )  # fmt: skip


def _hold(row: Row[Any]) -> Hold | None:
    waits = row.state == AlertState.HELD.value and row.hold_due is not None
    return Hold(row.hold_due, Then(row.hold_then)) if waits else None
