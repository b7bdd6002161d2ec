"""Telling again those whom a broadcast did not reach: a new round of deliveries, gathered like any others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from warnd.errors import Conflict, Fault, Invalid, NotFound
from warnd.model.alert import AlertState
from warnd.model.delivery import State
from warnd.model.region import level_of
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.journal import Entry
from warnd.store.pending import Pending
from warnd.store.tables import alerts, deliveries, micros

RESENDABLE = frozenset({State.FAILED, State.UNDELIVERED, State.UNKNOWN, State.EXPIRED})
"""States in which a delivery is over without its being known that anybody got it."""

CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Resend:
    """What to send again: the alert's deliveries in these states; of them only ``ids``, unless None."""

    alert: str
    states: frozenset[State]
    ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Resent:
    """A chunk of a new round: how many, and the id to go on after, None when that was all."""

    deliveries: int
    after: str | None


_LATEST = """
SELECT d.id, d.channel, d.region FROM deliveries d INDEXED BY ix_deliveries_alert_id_id
JOIN contents c ON c.id = d.content_id LEFT JOIN batches b ON b.id = d.batch_id
WHERE d.alert_id = :alert AND d.id > :after AND d.round < :round
  AND d.state IN (SELECT value FROM json_each(:states))
  AND (:ids IS NULL OR d.id IN (SELECT value FROM json_each(:ids)))
  AND c.refused_at IS NULL AND coalesce(b.state, 'settled') IN ('settled', 'stopped')
  AND NOT EXISTS (SELECT 1 FROM deliveries n WHERE n.address = d.address AND n.channel = d.channel
                  AND n.alert_id = d.alert_id AND n.round > d.round)
ORDER BY d.id LIMIT :limit
"""

_AGAIN = """
INSERT INTO deliveries (id, alert_id, channel, address, round, batch_id, content_id, lane, state, told, attempts, due,
    name, region, updated)
SELECT json_extract(j.value, '$[1]'), d.alert_id, d.channel, d.address, ?2, NULL, d.content_id, d.lane, 'waiting',
    0, 0, ?3, d.name, d.region, ?3
FROM json_each(?1) j CROSS JOIN deliveries d ON d.id = json_extract(j.value, '$[0]')
"""

_PEOPLE = """
INSERT INTO recipients (delivery_id, subscriber_id, endpoint_id, name, region, reasons)
SELECT json_extract(j.value, '$[1]'), r.subscriber_id, r.endpoint_id, r.name, r.region, r.reasons
FROM json_each(?) j CROSS JOIN recipients r ON r.delivery_id = json_extract(j.value, '$[0]')
"""


def select_for_resend(connection: Connection, request: Resend, *, now: datetime) -> int:
    """
    The number of the new round.

    Raises NotFound; Invalid for states in which nothing may be sent again; Conflict when the alert is not in force.
    """
    faults = [
        Fault(f"state[{place}]", "not_resendable", f"what is {state.value} is not sent again")
        for place, state in enumerate(sorted(request.states, key=lambda state: state.value))
        if state not in RESENDABLE
    ]
    if faults:
        raise Invalid(faults)
    _check_in_force(connection, request.alert, now)
    latest = connection.execute(
        select(func.max(deliveries.c.round)).where(deliveries.c.alert_id == request.alert)
    ).scalar()
    return int(latest or 0) + 1


def resend(
    connection: Connection,
    pending: Pending,
    request: Resend,
    round_: int,
    after: str,
    *,
    now: datetime,
    ids: Sequence[str],
    actor: str,
) -> Resent:
    """
    Plan a chunk of the new round, at most as many as ``ids``: same text, address and people, due at once.

    Left out are texts that the channel has refused, batches that warnd is still trying by itself, and whoever has
    a later round already. Raises NotFound and Conflict.
    """
    _check_in_force(connection, request.alert, now)
    raw = raw_of(connection)
    values = {
        "alert": request.alert,
        "after": after,
        "round": round_,
        "states": bulk.rows(sorted(state.value for state in request.states)),
        "ids": None if request.ids is None else bulk.rows(list(request.ids)),
        "limit": len(ids),
    }
    found = raw.execute(_LATEST, values).fetchall()
    if not found:
        return Resent(0, None)
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
    pending.entries.append(Entry(at, "deliveries.resent", request.alert, body, actor))
    return Resent(len(found), found[-1][0] if len(found) == len(ids) else None)


def _check_in_force(connection: Connection, alert_id: str, now: datetime) -> None:
    row = connection.execute(
        select(alerts.c.state, alerts.c.stopped_at, alerts.c.deliver_until).where(alerts.c.id == alert_id)
    ).one_or_none()
    if row is None:
        raise NotFound("alert", alert_id)
    if row.state != AlertState.RELEASED.value or row.stopped_at is not None or row.deliver_until <= now:
        raise Conflict(f"alert {alert_id} is not in force: to tell of it again would mislead")
