"""Reading what is still to be done: plans, rows to sweep, batches at rest, leases that ran out, what has no batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, exists, select

from warnd.model.alert import LESS_DANGER, AlertState
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch, BatchState, Rank
from warnd.model.region import LEVELS
from warnd.model.share import WHOLE, Share
from warnd.ports import Batchless
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.statement import Statement
from warnd.store.tables import alerts, plan_ranges

_BEHIND = f"a.change IN ({', '.join(sorted(repr(change.value) for change in LESS_DANGER))})"

OF_BATCH = """b.id, b.alert_id, b.channel, b.content_id, b.lane, b.state, b.due, b.created, b.deliver_until, b.epoch, b.attempts,
    b.unknowns, b.follows, b.ordered, b.rank, b.quiet"""
"""What ``batches_of`` makes batches of."""

_OPEN = Statement(f"""
SELECT {OF_BATCH}
FROM batches b CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.channel = ?1 AND b.lane = ?2 AND b.rank = ?5 AND b.state IN ('queued', 'waiting', 'unknown') AND b.id > ?3
  AND a.stopped_at IS NULL AND (b.number % ?6) = ?7
ORDER BY b.id LIMIT ?4
""")

_OPEN_IDS = Statement("""
SELECT b.id, b.due FROM batches b CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.channel = ?1 AND b.lane = ?2 AND b.rank = ?5 AND b.state IN ('queued', 'waiting', 'unknown') AND b.id > ?3
  AND a.stopped_at IS NULL
ORDER BY b.id LIMIT ?4
""")

_AT_REST = Statement(f"""
SELECT {OF_BATCH}
FROM batches b CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.id IN listed(?) AND b.state IN ('queued', 'waiting', 'unknown') AND a.stopped_at IS NULL
""")

_LEFT_LYING = Statement(f"""
SELECT {OF_BATCH}
FROM batches b CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.channel = ?1 AND b.lane = ?2 AND b.rank = ?5 AND b.state IN ('queued', 'waiting', 'unknown') AND b.due <= ?3
  AND a.stopped_at IS NULL
ORDER BY b.id DESC LIMIT ?4
""")

_OUT = f"""
SELECT {OF_BATCH} FROM batches b CROSS JOIN alerts a ON a.id = b.alert_id
WHERE b.state = 'sending' AND
"""
_RAN_OUT = Statement(f"""
{_OUT} (b.lease_until < ? OR b.holder IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM workers w WHERE w.id = b.holder AND w.ended_at IS NULL))
LIMIT ?
""")

_MEMBERS = bulk.folded(
    """
SELECT batch_id AS c0, id AS c1, address AS c2, region AS c3 FROM deliveries
WHERE batch_id IN listed(?) AND state IN ('queued', 'waiting', 'unknown')
ORDER BY batch_id, id
""",
    4,
)

_CONTENTS = Statement("""
SELECT id, alert_id, kind, language, body, subject, segments, template, template_code, variables
FROM contents WHERE id IN listed(?)
""")

_OF_ALERT = Statement("""
SELECT id, alert_id, kind, language, body, subject, segments, template, template_code, variables, channel
FROM contents WHERE alert_id = ?
""")

_BATCHLESS = bulk.folded(
    f"""
SELECT d.id AS c0, d.alert_id AS c1, d.channel AS c2, d.content_id AS c3, d.address AS c4, d.region AS c5, d.lane AS c6,
    d.attempts AS c7, d.due AS c8, a.deliver_until AS c9, a.episode_id <> a.id AS c10,
    EXISTS (SELECT 1 FROM fallbacks f WHERE f.delivery_id = d.id) AS c11,
    CASE WHEN {_BEHIND} THEN {Rank.BEHIND:d} WHEN d.round > 0 THEN {Rank.AGAIN:d} ELSE {Rank.FIRST:d} END AS c12, d.quiet AS c13
FROM deliveries d INDEXED BY ix_deliveries_due CROSS JOIN alerts a ON a.id = d.alert_id
WHERE d.state = 'waiting' AND d.batch_id IS NULL AND d.due <= ? AND (d.due, d.id) > (?, ?) AND a.stopped_at IS NULL
ORDER BY d.due, d.id LIMIT ?
""",
    14,
)

_NEXT_DUE = Statement("""
SELECT d.due FROM deliveries d INDEXED BY ix_deliveries_due CROSS JOIN alerts a ON a.id = d.alert_id
WHERE d.state = 'waiting' AND d.batch_id IS NULL AND d.due > ? AND a.stopped_at IS NULL
ORDER BY d.due LIMIT 1
""")


def unplanned(connection: Connection) -> list[tuple[str, Lane]]:
    """Released alerts whose plan is not done and not under way in ranges, the most urgent first."""
    in_ranges = exists().where(plan_ranges.c.alert_id == alerts.c.id)
    rows = connection.execute(
        select(alerts.c.id, alerts.c.lane)
        .where(alerts.c.plan_done.is_(False), alerts.c.stopped_at.is_(None), ~in_ranges)
        .order_by(alerts.c.lane, alerts.c.id)
    ).all()
    return [(row.id, Lane(row.lane)) for row in rows]


def unswept(connection: Connection) -> list[tuple[str, AlertState]]:
    """Stopped alerts whose rows do not say so yet, the most urgent first."""
    rows = connection.execute(
        select(alerts.c.id, alerts.c.state)
        .where(alerts.c.stopped_at.is_not(None), alerts.c.swept.is_(False))
        .order_by(alerts.c.lane, alerts.c.id)
    ).all()
    return [(row.id, AlertState(row.state)) for row in rows]


def open_batches(
    connection: Connection,
    channel: str,
    lane: Lane,
    after: str,
    limit: int,
    *,
    rank: Rank = Rank.FIRST,
    share: Share = WHOLE,
) -> list[Batch]:
    """Batches at rest of alerts in force, by id, of one rank in its lane, from the one after ``after``."""
    values = (channel, lane.value, after, limit, rank.value, share.of, share.place)
    return batches_of(connection, raw_of(connection).execute(_OPEN, values).fetchall())


def open_ids(
    connection: Connection, channel: str, lane: Lane, after: str, limit: int, rank: Rank
) -> list[tuple[str, int]]:
    """Of the same the ids alone, each with when it is due (microseconds)."""
    values = (channel, lane.value, after, limit, rank.value)
    return [(row[0], row[1]) for row in raw_of(connection).execute(_OPEN_IDS, values)]


def batches_at_rest(connection: Connection, ids: Sequence[str]) -> list[Batch]:
    """Those of these that rest and whose alert is in force, in no order."""
    return batches_of(connection, raw_of(connection).execute(_AT_REST, (bulk.rows(ids),)).fetchall())


def left_lying(
    connection: Connection, channel: str, lane: Lane, due_by: int, limit: int, *, rank: Rank
) -> list[Batch]:
    """
    Batches at rest that have been due since then and that nobody has taken, in whose share they may be.

    The last come first: whose they are begins at the other end.
    """
    values = (channel, lane.value, due_by, limit, rank.value)
    return batches_of(connection, raw_of(connection).execute(_LEFT_LYING, values).fetchall())


def leases_run_out(connection: Connection, now: int, limit: int) -> list[Batch]:
    """Batches whose lease ended without an outcome, by time or because the worker that holds it has."""
    return batches_of(connection, raw_of(connection).execute(_RAN_OUT, (now, limit)).fetchall())


def batchless(connection: Connection, due_by: int, after: tuple[int, str], limit: int) -> list[Batchless]:
    """Deliveries to be gathered into new batches that are due by then, by (due, id) from the one after."""
    rows = bulk.unfolded(raw_of(connection).execute(_BATCHLESS, (due_by, *after, limit)).fetchone())
    return [Batchless._make((*row[:10], *map(bool, row[10:12]), *row[12:])) for row in rows]


def next_batchless_due(connection: Connection, after: int) -> int | None:
    """When the next delivery without a batch is due after that, in microseconds; None when there is none."""
    row = raw_of(connection).execute(_NEXT_DUE, (after,)).fetchone()
    return None if row is None else int(row[0])


def contents_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, Content]:
    rows = raw_of(connection).execute(_CONTENTS, (bulk.rows(sorted(set(ids))),))
    return {row[0]: _content(row) for row in rows}


def contents_of_alert(connection: Connection, alert_id: str) -> dict[tuple[str, str], Content]:
    """What an alert's plan has rendered so far, by (channel, language)."""
    rows = raw_of(connection).execute(_OF_ALERT, (alert_id,))
    return {(row[10], row[3]): _content(row) for row in rows}


def _content(row: Sequence[Any]) -> Content:
    return Content(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], orjson.loads(row[9])
    )


def batches_of(connection: Connection, rows: Sequence[Any]) -> list[Batch]:
    """The batches of these rows, in their order, with their contents and deliveries."""
    if not rows:
        return []
    contents = contents_by_id(connection, (row[3] for row in rows))
    members: dict[str, list[tuple[str, str, str]]] = {}
    ids = bulk.rows([row[0] for row in rows])
    for batch_id, id_, address, region in bulk.unfolded(
        raw_of(connection).execute(_MEMBERS, (ids,)).fetchone()
    ):
        members.setdefault(batch_id, []).append((id_, address, region))
    batches = []
    for row in rows:
        found = members.get(row[0], [])
        batches.append(
            Batch(
                id=row[0],
                alert_id=row[1],
                channel=row[2],
                content=contents[row[3]],
                lane=Lane(row[4]),
                state=BatchState(row[5]),
                due=row[6],
                created=row[7],
                deliver_until=row[8],
                epoch=row[9],
                attempts=row[10],
                unknowns=row[11],
                follows=bool(row[12]),
                ordered=bool(row[13]),
                rank=Rank(row[14]),
                quiet=row[15],
                deliveries=tuple(id_ for id_, _, _ in found),
                addresses=tuple(address for _, address, _ in found),
                levels=bytes(LEVELS[len(region)] for _, _, region in found),
            )
        )
    return batches
