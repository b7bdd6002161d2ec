"""
Reading an alert for planning.

In two statements: alerts come by the hundred, and every statement counts (ADR 0018).
"""

from __future__ import annotations

import orjson
from sqlalchemy import Connection

from warnd.errors import NotFound
from warnd.model.alert import Change
from warnd.model.alert_body import from_body
from warnd.model.color import Color, Lane
from warnd.ports import Planned, Telling
from warnd.store import regions
from warnd.store.database import raw_of
from warnd.store.statement import Statement

_TELLING = Statement("""
SELECT a.body, a.change, a.lane, a.deliver_until, coalesce(a.plan_cursor, ''), a.planned, a.plan_done, a.stopped_at,
    EXISTS (SELECT 1 FROM plan_ranges r WHERE r.alert_id = a.id),
    (SELECT json_group_array(code) FROM (SELECT code FROM alert_regions WHERE alert_id = a.id ORDER BY code) own),
    (SELECT json_group_array(json_array(id, color, before)) FROM (
        SELECT id, color, coalesce(successor_id, '') = a.id AS before FROM alerts
        WHERE episode_id = a.episode_id AND id <> a.id ORDER BY sent, id) others),
    (SELECT json_group_array(code) FROM (
        SELECT DISTINCT r.code FROM alerts b JOIN alert_regions r ON r.alert_id = b.id
        WHERE b.episode_id = a.episode_id AND b.successor_id = a.id AND b.id <> a.id ORDER BY r.code) before)
FROM alerts a WHERE a.id = ?
""")

_PLANNED = Statement("""
SELECT a.planned,
    (SELECT coalesce(sum(t.n), 0) FROM tallies t WHERE t.alert_id = a.id AND t.state <> 'suppressed'),
    (SELECT count(*) FROM coverage_gaps g WHERE g.alert_id = a.id AND g.why = 'no_endpoint')
FROM alerts a WHERE a.id = ?
""")


def load(connection: Connection, id: str) -> Telling:
    """Raises NotFound."""
    row = raw_of(connection).execute(_TELLING, (id,)).fetchone()
    if row is None:
        raise NotFound("alert", id)
    body, change, lane, deliver_until, cursor, planned, done, stopped_at, split, *lists = row
    codes, others, codes_before = (orjson.loads(each or "[]") for each in lists)
    return Telling(
        id,
        from_body(orjson.loads(body)),
        Change(change),
        Lane(lane),
        tuple(codes),
        regions.names(connection, (*codes, *codes_before)),
        deliver_until,
        tuple(other for other, _, _ in others),
        max((Color(color) for _, color, before in others if before and color), default=None),
        tuple(codes_before),
        cursor,
        planned,
        bool(done),
        stopped_at is not None,
        bool(split),
    )


def planned(connection: Connection, id: str) -> Planned:
    """What has become of the plan so far, by whichever processes."""
    members, targeted, unreachable = raw_of(connection).execute(_PLANNED, (id,)).fetchone()
    return Planned(members, int(targeted), unreachable)
