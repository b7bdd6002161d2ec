"""Telling again those whom a broadcast did not reach: a new round of deliveries, gathered like any others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from warnd.errors import Conflict, Fault, Invalid, NotFound
from warnd.model.alert import AlertState
from warnd.model.delivery import State
from warnd.model.region import level_of
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.journal import Entry
from warnd.store.pending import Pending
from warnd.store.statement import Statement
from warnd.store.tables import alerts, deliveries, micros

RESENDABLE = frozenset({State.FAILED, State.UNDELIVERED, State.UNKNOWN, State.EXPIRED})
"""States in which a delivery is over without its being known that anybody got it."""

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Resend:
    """What to send again: the alert's deliveries in these states; of them only ``ids``, unless None."""

    alert: str
    states: frozenset[State]
    ids: tuple[str, ...] | None = None


_ELIGIBLE = """
    d.round < :round AND d.state IN listed(:states)
    AND EXISTS (SELECT 1 FROM contents c WHERE c.id = d.content_id AND c.refused_at IS NULL)
    AND coalesce((SELECT b.state FROM batches b WHERE b.id = d.batch_id), 'settled') IN ('settled', 'stopped')
    AND NOT EXISTS (SELECT 1 FROM deliveries n WHERE n.address = d.address AND n.channel = d.channel
                    AND n.alert_id /*+ || '' */ = d.alert_id AND n.round > d.round)
"""
_SELECT = Statement(f"""
SELECT d.id FROM deliveries d INDEXED BY ix_deliveries_alert_id_id
WHERE (d.alert_id, d.id) > (:alert, :after) AND d.alert_id <= :alert AND {_ELIGIBLE} AND (d.id IN listed(:only) OR :only IS NULL)
ORDER BY d.alert_id, d.id LIMIT :limit
""")
_CHOSEN = Statement(f"""
SELECT d.id, d.channel, d.region FROM listed(:chosen) j(id) CROSS JOIN deliveries d ON d.id = j.id
WHERE d.alert_id /*+ || '' */ = :alert AND {_ELIGIBLE} ORDER BY d.id /*+ FOR UPDATE OF d */
""")

_AGAIN = Statement("""
INSERT INTO deliveries (id, alert_id, channel, address, round, batch_id, content_id, lane, state, told, attempts, due,
    name, region, updated)
SELECT j.fresh, d.alert_id, d.channel, d.address, ?2, NULL, d.content_id, d.lane, 'waiting', false, 0, ?3, d.name,
    d.region, ?3
FROM rows(?1) j(id text, fresh text) CROSS JOIN deliveries d ON d.id = j.id
""")

_PEOPLE = Statement("""
INSERT INTO recipients (delivery_id, subscriber_id, endpoint_id, name, region, reasons)
SELECT j.fresh, r.subscriber_id, r.endpoint_id, r.name, r.region, r.reasons
FROM rows(?) j(id text, fresh text) CROSS JOIN recipients r ON r.delivery_id = j.id
""")


_RESENT = "deliveries.resent"
_BODIES = Statement("SELECT body FROM journal WHERE subject = ? AND kind = ? AND body IS NOT NULL")


def next_round(connection: Connection, request: Resend, *, now: datetime) -> int:
    """
    The number of the new round.

    Raises NotFound; Invalid for states in which nothing may be sent again; Conflict when the alert is not in force.
    """
    faults = [
        Fault("state", "not_resendable", f"what is {state.value} is not sent again")
        for state in sorted(request.states - RESENDABLE, key=lambda state: state.value)
    ]
    if faults:
        raise Invalid(faults)
    _check_in_force(connection, request.alert, now)
    latest = connection.execute(
        select(func.max(deliveries.c.round)).where(deliveries.c.alert_id == request.alert)
    ).scalar()
    return int(latest or 0) + 1


def select_for_resend(
    connection: Connection, request: Resend, round_: int, after: str, limit: int = CHUNK
) -> list[str]:
    """
    Ids of those to tell again, from the one after ``after``.

    Left out are texts that the channel has refused, batches that warnd is still trying by itself, and whoever has
    a later round already.
    """
    values = _values(request, round_) | {
        "after": after,
        "only": None if request.ids is None else bulk.rows(list(request.ids)),
        "limit": limit,
    }
    return [row[0] for row in raw_of(connection).execute(_SELECT, values)]


def resend(
    connection: Connection,
    pending: Pending,
    request: Resend,
    round_: int,
    chosen: Sequence[str],
    *,
    now: datetime,
    ids: Sequence[str],
    actor: str,
) -> int:
    """
    Plan these in the new round under ``ids``: same text, address and people, due at once; how many they were.

    Those to whom ``select_for_resend`` would no longer lead are left out. Raises NotFound and Conflict.
    """
    _check_in_force(connection, request.alert, now)
    raw = raw_of(connection)
    values = _values(request, round_) | {"chosen": bulk.rows(list(chosen))}
    found = raw.execute(_CHOSEN, values).fetchall()
    if not found:
        return 0
    at = micros(now)
    fresh = ids[: len(found)]
    pairs = bulk.rows([(row[0], id_) for row, id_ in zip(found, fresh, strict=True)])
    raw.execute(_AGAIN, (pairs, round_, at))
    raw.execute(_PEOPLE, (pairs,))
    for (channel, level), n in Counter((row[1], level_of(row[2])) for row in found).items():
        pending.tally[request.alert, channel, level, State.WAITING.value] += n
    pending.gather = True
    body = {
        "round": round_, "states": sorted(state.value for state in request.states), "deliveries": len(found),
        "first": fresh[0], "last": fresh[-1],
    }  # fmt: skip
    pending.entries.append(Entry(at, _RESENT, request.alert, body, actor))
    return len(found)


def resent(connection: Connection, alert_id: str) -> int:
    """How many deliveries of an alert are a telling again, by the journal: without a look at any of them."""
    bodies = raw_of(connection).execute(_BODIES, (alert_id, _RESENT)).fetchall()
    return sum(orjson.loads(text)["deliveries"] for (text,) in bodies)


def _values(request: Resend, round_: int) -> dict[str, Any]:
    states = bulk.rows(sorted(state.value for state in request.states))
    return {"alert": request.alert, "round": round_, "states": states}


def _check_in_force(connection: Connection, alert_id: str, now: datetime) -> None:
    row = connection.execute(
        select(alerts.c.state, alerts.c.stopped_at, alerts.c.deliver_until).where(alerts.c.id == alert_id)
    ).one_or_none()
    if row is None:
        raise NotFound("alert", alert_id)
    if row.state != AlertState.RELEASED.value or row.stopped_at is not None or row.deliver_until <= now:
        raise Conflict(f"alert {alert_id} is not in force: to tell of it again would mislead")
