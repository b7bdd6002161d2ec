"""What warnd's own store says of a sweep's broadcast: where death struck, what is still open, which repeats it admits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.gateway import Counting
from bench.sweep.deployment import Deployment
from bench.sweep.judging import Evidence
from bench.sweep.variants import Follow, Variant

_PLANNING = "SELECT count(*) FROM alerts WHERE NOT plan_done AND stopped_at IS NULL"
_BATCHES = "SELECT state, count(*), sum(size) FROM batches GROUP BY state"
_ALERTS = "SELECT id FROM alerts ORDER BY received_at"
_UNTOLD = "SELECT count(*) FROM deliveries WHERE state IN ('queued', 'waiting', 'standby')"
_TEXTS = "SELECT alert_id, body FROM contents WHERE channel = 'sms'"
_MARKED = """
SELECT d.alert_id, d.address FROM journal j JOIN deliveries d ON d.batch_id = j.subject
WHERE j.kind IN ('attempt.ended', 'attempt.interrupted') AND json_extract(j.body, '$.possible_repeat')
UNION
SELECT d.alert_id, d.address FROM journal j JOIN former_batches f ON f.batch_id = j.subject
JOIN deliveries d ON d.id = f.delivery_id
WHERE j.kind IN ('attempt.ended', 'attempt.interrupted') AND json_extract(j.body, '$.possible_repeat')
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


def phase(deployment: Deployment, variant: Variant) -> tuple[str, int]:
    """What it was about when it died, and how many recipients were in flight."""
    batches = {state: (count, size) for state, count, size in deployment.rows(_BATCHES)}
    in_flight = batches.get("sending", (0, 0))[1]
    if not deployment.rows(_ALERTS):
        return "before the 202", 0
    if deployment.rows(_PLANNING)[0][0]:
        return "planning", in_flight
    if batches.keys() & {"queued", "waiting", "unknown"}:
        return "sending", in_flight
    if in_flight:
        return "settling", in_flight
    return ("receipts" if variant.receipts else "done"), 0


def settled(deployment: Deployment, alerts: int) -> bool:
    """Whether so many alerts are there and nothing of them is under way."""
    if len(deployment.rows(_ALERTS)) < alerts or deployment.rows(_PLANNING)[0][0]:
        return False
    under_way = {"queued", "waiting", "sending", "unknown"}
    return (
        not under_way & {row[0] for row in deployment.rows(_BATCHES)} and not deployment.rows(_UNTOLD)[0][0]
    )


def gathered(
    deployment: Deployment, gateway: Counting, people: Sequence[str], follow: Follow, *, answered: int
) -> Evidence:
    """``answered`` messages had a 202. Raises RuntimeError when the gateway was sent a text that the store does not know."""
    alerts = [row[0] for row in deployment.rows(_ALERTS)]
    alert_of = {body: alert for alert, body in deployment.rows(_TEXTS)}
    taken: dict[str, Mapping[str, int]] = {alert: {} for alert in alerts}
    for text, times in gateway.book().items():
        if text not in alert_of:
            raise RuntimeError("the gateway has a text that the store does not know")
        taken[alert_of[text]] = times
    return Evidence(
        frozenset(people),
        follow,
        answered,
        taken,
        _by_alert(deployment.rows(_MARKED)),
        _by_alert(deployment.rows(_GIVEN_UP)),
        len(unapplied(deployment, gateway)),
    )


def unapplied(deployment: Deployment, gateway: Counting) -> set[str]:
    """Receipts that were answered well and neither moved a delivery nor wait for one."""
    kept = {row[0] for sql in (_CONFIRMED, _EARLY) for row in deployment.rows(sql)}
    return set(gateway.answered()) - kept


def _by_alert(rows: Sequence[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for alert, number in rows:
        found.setdefault(alert, set()).add(number)
    return {alert: frozenset(numbers) for alert, numbers in found.items()}
