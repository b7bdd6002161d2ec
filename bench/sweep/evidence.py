"""What warnd's own store says of a sweep's broadcast: where death struck, what is still open, which repeats it admits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from bench.gateway import Counting
from bench.sweep.deployment import Deployment, asked
from bench.sweep.judging import Evidence
from bench.sweep.variants import Follow, Variant
from warnd.model.region import level_of
from warnd.store.journal import verify

_PLANNING = "SELECT id FROM alerts WHERE NOT plan_done AND stopped_at IS NULL"
_BATCHES = "SELECT state, sum(size) FROM batches GROUP BY state"
_ALERTS = "SELECT id FROM alerts ORDER BY received_at"
_UNTOLD = "SELECT id FROM deliveries WHERE state IN ('queued', 'waiting', 'standby') LIMIT 1"
_TEXTS = "SELECT alert_id, body FROM contents WHERE channel = 'sms'"
_ENDED = """
SELECT c.body, a.stopped_at FROM alerts a JOIN contents c ON c.alert_id = a.id
WHERE c.channel = 'sms' AND a.stopped_at IS NOT NULL
"""
_MARKED = """
SELECT d.alert_id, d.address FROM journal j JOIN deliveries d ON d.batch_id = j.subject
WHERE j.kind IN ('attempt.ended', 'attempt.interrupted') AND instr(j.body, '"possible_repeat":true') > 0
UNION
SELECT d.alert_id, d.address FROM journal j JOIN former_batches f ON f.batch_id = j.subject
JOIN deliveries d ON d.id = f.delivery_id
WHERE j.kind IN ('attempt.ended', 'attempt.interrupted') AND instr(j.body, '"possible_repeat":true') > 0
"""
_GIVEN_UP = """
SELECT d.alert_id, d.address FROM deliveries d WHERE d.state = 'unknown'
AND EXISTS (SELECT 1 FROM alarms a WHERE a.kind = 'unknown_outcome' AND a.subject = d.alert_id AND a.cleared_at IS NULL)
"""
_CONFIRMED = """
SELECT k.receipt_key FROM receipt_keys k JOIN deliveries d ON d.id = k.delivery_id
WHERE d.state IN ('delivered', 'undelivered')
"""
_EARLY = "SELECT receipt_key FROM receipts WHERE delivery_id IS NULL"
_DELIVERIES = "SELECT alert_id, channel, region, state, count(*) FROM deliveries GROUP BY 1, 2, 3, 4"
_TALLIES = (
    "SELECT alert_id, channel, level, state, sum(n) FROM tallies GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0"
)

HEARD = 1.0
"""Seconds after which every process has heard that an alert ended; a hint takes milliseconds (ADR 27)."""


def phase(deployment: Deployment, variant: Variant) -> tuple[str, int]:
    """What it was about when death struck, and how many recipients were in flight."""
    with deployment.look() as connection:
        batches: dict[str, int] = dict(asked(connection, _BATCHES))
        in_flight = batches.get("sending", 0)
        if not asked(connection, _ALERTS):
            return "before the 202", 0
        if asked(connection, _PLANNING):
            return "planning", in_flight
        if batches.keys() & {"queued", "waiting", "unknown"}:
            return "sending", in_flight
        if in_flight:
            return "settling", in_flight
        return ("receipts" if variant.receipts else "done"), 0


def settled(deployment: Deployment, alerts: int) -> bool:
    """Whether so many alerts are there and nothing of them is under way."""
    with deployment.look() as connection:
        return _settled(connection, alerts)


def gathered(
    deployment: Deployment,
    gateway: Counting,
    people: Sequence[str],
    follow: Follow,
    *,
    answered: int,
    latency: float,
) -> Evidence:
    """
    ``answered`` messages had a 202; the gateway takes over ``latency`` seconds after a request came. Raises RuntimeError when the gateway was sent a text that the store does not know.
    """
    with deployment.look() as connection:
        alert_of = {body: alert for alert, body in asked(connection, _TEXTS)}
        taken: dict[str, Mapping[str, int]] = {alert: {} for (alert,) in asked(connection, _ALERTS)}
        for text, times in gateway.book().items():
            if text not in alert_of:
                raise RuntimeError("the gateway has a text that the store does not know")
            taken[alert_of[text]] = times
        heard = int((HEARD + latency) * 1e6)
        return Evidence(
            frozenset(people),
            follow,
            answered,
            taken,
            _by_alert(asked(connection, _MARKED)),
            _by_alert(asked(connection, _GIVEN_UP)),
            receipts_lost=len(_unapplied(connection, gateway)),
            stale=sum(gateway.later(text, ended + heard) for text, ended in asked(connection, _ENDED)),
            unfinished=not _settled(connection, answered),
            miscounted=_miscounted(connection),
            broken=verify(connection).broken is not None,
        )


def receipts_are_in(deployment: Deployment, gateway: Counting) -> bool:
    """Whether the gateway has none left to push, and all have come to something."""
    if gateway.owed():
        return False
    with deployment.look() as connection:
        return not _unapplied(connection, gateway)


def _settled(connection: Connection, alerts: int) -> bool:
    if len(asked(connection, _ALERTS)) < alerts or asked(connection, _PLANNING):
        return False
    under_way = {"queued", "waiting", "sending", "unknown"}
    return not under_way & {state for state, _ in asked(connection, _BATCHES)} and not asked(
        connection, _UNTOLD
    )


def _unapplied(connection: Connection, gateway: Counting) -> set[str]:
    """Receipts that were answered well and neither moved a delivery nor wait for one."""
    kept = {row[0] for sql in (_CONFIRMED, _EARLY) for row in asked(connection, sql)}
    return set(gateway.answered()) - kept


def _miscounted(connection: Connection) -> int:
    """How many tallies do not say what the deliveries say."""
    counted: Counter[tuple[str, str, int, str]] = Counter()
    for alert, channel, region, state, count in asked(connection, _DELIVERIES):
        counted[alert, channel, level_of(region), state] += count
    tallied = {tuple(row): count for *row, count in asked(connection, _TALLIES)}
    return len({key for key, _ in dict(counted).items() ^ tallied.items()})


def _by_alert(rows: Sequence[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for alert, number in rows:
        found.setdefault(alert, set()).add(number)
    return {alert: frozenset(numbers) for alert, numbers in found.items()}
