"""What happened to one delivery, from its planning to the last word about it, in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from warnd.errors import NotFound
from warnd.model.alert import AlertState
from warnd.model.delivery import State
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.deliveries import JOINED, SELECTED, DeliveryRow, row_of
from warnd.store.repeats import possible_repeats
from warnd.store.statement import Statement
from warnd.store.tables import instant


@dataclass(frozen=True, slots=True)
class Reason:
    """A subscription that said to tell somebody; ``why`` says why it did not apply, None when it did."""

    subscription: str
    group: str
    group_name: str
    relation: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody behind the delivery, as it was then."""

    subscriber_id: str
    endpoint_id: str
    name: str
    region: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The text that was to be sent; ``template`` is path and revision."""

    language: str
    subject: str
    body: str
    segments: int
    template: str
    template_code: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """
    One thing that happened. ``kind`` is one of

    ``delivery.planned`` (round; quiet_hours: those that it keeps), ``delivery.stood_by`` (after: the delivery before it; possible_repeat: it started though
    that may have got through), ``attempt.ended`` and
    ``attempt.interrupted`` (batch, size, try, started, possible_repeat, late, outcome: what it came to for this
    delivery alone; bundle: the message that it shared with others, see ``_bundle``; taken_apart: that was refused, and it
    goes by itself from then on; not_sent: it did not leave after all, for it had ``stopped``, or one ``beside`` it in its bundle had, or its
    lease came ``late``), ``receipt.received`` (status, at, detail, key), ``delivery.ended`` (state, reason) for an end
    that neither an attempt nor a receipt brought.
    """

    at: datetime
    kind: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryStory:
    """
    ``words`` is None for those who were never to be sent anything. ``alert_state`` is None when the alert is
    gone. ``instead_of`` are deliveries for which this one stood by, ``next`` those that stood by for it.
    ``rounds`` are all deliveries of the alert to this address on this channel, the first round first.
    """

    delivery: DeliveryRow
    alert_state: AlertState | None
    policy_revision: str
    words: Words | None
    people: tuple[Person, ...]
    instead_of: tuple[str, ...]
    next: tuple[str, ...]
    rounds: tuple[str, ...]
    events: tuple[Event, ...]


_DELIVERY = Statement(f"{SELECTED} FROM deliveries d {JOINED} WHERE d.id = ?")
_ALERT = Statement("SELECT state, policy_revision FROM alerts WHERE id = ?")
_INSTEAD_OF = Statement("SELECT delivery_id FROM fallbacks WHERE next_id = ? ORDER BY 1")
_TOLD_BEFORE = Statement("""
SELECT 1 FROM fallbacks f CROSS JOIN deliveries p ON p.id = f.delivery_id WHERE f.next_id = ? AND p.told LIMIT 1
""")
_QUIET = Statement("SELECT quiet FROM deliveries WHERE id = ? AND quiet <> ''")
_NEXT = Statement("SELECT next_id FROM fallbacks WHERE delivery_id = ? ORDER BY 1")


def get_delivery(connection: Connection, id: str) -> DeliveryStory:
    """Raises NotFound."""
    raw = raw_of(connection)
    row = raw.execute(_DELIVERY, (id,)).fetchone()
    if row is None:
        raise NotFound("delivery", id)
    delivery = row_of(row, possible_repeat=id in possible_repeats(connection, (id,)))
    alert = raw.execute(_ALERT, (delivery.alert_id,)).fetchone()
    instead_of = _column(connection, _INSTEAD_OF, id)
    beside = _beside(connection, delivery)
    quiet = _column(connection, _QUIET, id)
    events = sorted(
        (
            *_beginning(delivery, instead_of, quiet, possible_repeat=beside),
            *_attempts(connection, id),
            *_receipts(connection, id),
        ),
        key=lambda event: event.at,
    )
    return DeliveryStory(
        delivery,
        AlertState(alert[0]) if alert else None,
        alert[1] if alert else "",
        _words(connection, id),
        _people(connection, id),
        instead_of,
        _column(connection, _NEXT, id),
        _rounds(connection, delivery),
        (*events, *_end(delivery)),
    )


def _beginning(
    delivery: DeliveryRow, instead_of: Sequence[str], quiet: Sequence[str], *, possible_repeat: bool
) -> Iterator[Event]:
    planned: dict[str, Any] = {"round": delivery.round}
    if quiet:
        planned["quiet_hours"] = quiet[0]
    yield Event(delivery.planned, "delivery.planned", planned)
    if instead_of:
        facts: dict[str, Any] = {"after": list(instead_of)}
        if possible_repeat:
            facts["possible_repeat"] = True
        yield Event(delivery.planned, "delivery.stood_by", facts)


def _beside(connection: Connection, delivery: DeliveryRow) -> bool:
    """Whether it was started though the one before may have got through."""
    if delivery.state in (State.STANDBY, State.SUPPRESSED):
        return False
    return bool(_column(connection, _TOLD_BEFORE, delivery.id))


_ENDED = frozenset({State.SUPPRESSED, State.SUPERSEDED, State.CANCELLED, State.EXPIRED})


def _end(delivery: DeliveryRow) -> Iterator[Event]:
    if delivery.state in _ENDED:
        facts = {"state": delivery.state.value, "reason": delivery.reason}
        yield Event(delivery.updated, "delivery.ended", facts)


_ATTEMPTS = Statement("""
SELECT j.at, j.kind, j.subject, j.body FROM (
    SELECT batch_id FROM deliveries WHERE id = ?1 AND batch_id IS NOT NULL
    UNION SELECT batch_id FROM former_batches WHERE delivery_id = ?1) b
CROSS JOIN journal j ON j.subject = b.batch_id
WHERE j.kind IN ('attempt.ended', 'attempt.interrupted') ORDER BY j.at, j.seq
""")


_SAID = ("channel", "try", "size", "possible_repeat", "late", "taken_apart", "not_sent")


def _attempts(connection: Connection, id: str) -> Iterator[Event]:
    for at, kind, batch, text in raw_of(connection).execute(_ATTEMPTS, (id,)):
        body: dict[str, Any] = orjson.loads(text) if text is not None else {}
        facts: dict[str, Any] = {key: body[key] for key in _SAID if key in body}
        facts["batch"] = batch
        if "started" in body:
            facts["started"] = instant(body["started"]).isoformat()
        facts["outcome"] = _outcome(body, id)
        if "bundle" in body and "not_sent" not in body:
            facts["bundle"] = _bundle(connection, body["bundle"], id)
        yield Event(instant(at), kind, facts)


_BUNDLE = Statement("SELECT subject, body FROM bundles WHERE id = ?")
_CARRIED = Statement("""
SELECT p.place, p.delivery_id, d.alert_id, a.headline FROM bundle_parts p
CROSS JOIN deliveries d ON d.id = p.delivery_id CROSS JOIN alerts a ON a.id = d.alert_id
WHERE p.bundle_id = ? ORDER BY p.place
""")


def _bundle(connection: Connection, bundle: str, id: str) -> Mapping[str, Any]:
    """Its id and words, the place of this delivery in it (the first is 1), and what else it carried, in order."""
    raw = raw_of(connection)
    subject, body = raw.execute(_BUNDLE, (bundle,)).fetchone()
    parts = raw.execute(_CARRIED, (bundle,)).fetchall()
    place = next(place for place, delivery, *_ in parts if delivery == id) + 1
    others = [
        {"delivery": delivery, "alert": alert, "headline": headline}
        for _, delivery, alert, headline in parts
        if delivery != id
    ]
    return {"id": bundle, "place": place, "with": others, "subject": subject, "body": body}


def _outcome(body: Mapping[str, Any], id: str) -> Mapping[str, Any] | None:
    """What an attempt came to for this delivery; None when the entry's body was erased."""
    if "all" in body:
        outcome: Mapping[str, Any] = body["all"]
        return outcome
    if "accepted" in body:
        return body.get("others", {}).get(id, {"outcome": "accepted"})  # type: ignore[no-any-return]
    return None


_RECEIPTS = Statement("""
SELECT received, receipt_key, status, at, detail FROM receipts WHERE delivery_id = ? ORDER BY id
""")


def _receipts(connection: Connection, id: str) -> Iterator[Event]:
    for received, key, status, at, detail in raw_of(connection).execute(_RECEIPTS, (id,)):
        facts: dict[str, Any] = {"status": status, "key": key}
        if at is not None:
            facts["at"] = instant(at).isoformat()
        if detail:
            facts["detail"] = detail
        yield Event(instant(received), "receipt.received", facts)


_WORDS = Statement("""
SELECT c.language, c.subject, c.body, c.segments, c.template, c.template_code, c.variables
FROM deliveries d CROSS JOIN contents c ON c.id = d.content_id WHERE d.id = ?
""")


def _words(connection: Connection, id: str) -> Words | None:
    row = raw_of(connection).execute(_WORDS, (id,)).fetchone()
    if row is None:
        return None
    language, subject, body, segments, template, code, variables = row
    return Words(language, subject, body, segments, template, code, orjson.loads(variables))


_BEHIND = Statement(
    "SELECT subscriber_id, endpoint_id, name, region, reasons FROM recipients WHERE delivery_id = ?"
)
_GROUPS = Statement("SELECT id, name FROM groups WHERE id IN listed(?)")


def _people(connection: Connection, id: str) -> tuple[Person, ...]:
    raw = raw_of(connection)
    rows = raw.execute(_BEHIND, (id,)).fetchall()
    reasons = [orjson.loads(row[4] or "[]") for row in rows]
    wanted = bulk.rows(sorted({one["group"] for each in reasons for one in each}))
    names: dict[str, str] = dict(raw.execute(_GROUPS, (wanted,)).fetchall())
    people = []
    for (subscriber, endpoint, name, region, _), each in zip(rows, reasons, strict=True):
        why = tuple(
            Reason(
                one["subscription"], one["group"], names.get(one["group"], ""), one["relation"], one["why"]
            )
            for one in each
        )
        people.append(Person(subscriber, endpoint, name, region, why))
    return tuple(people)


_ROUNDS = Statement(
    "SELECT id FROM deliveries WHERE address = ? AND channel = ? AND alert_id /*+ || '' */ = ? ORDER BY round"
)


def _rounds(connection: Connection, delivery: DeliveryRow) -> tuple[str, ...]:
    return _column(connection, _ROUNDS, delivery.address, delivery.channel, delivery.alert_id)


def _column(connection: Connection, statement: Statement, *values: str) -> tuple[str, ...]:
    return tuple(row[0] for row in raw_of(connection).execute(statement, values))
