"""What single targets were asked of late, and which of them throttle, by the journal: for whoever asks them from now on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from warnd.contract.outcome import Reason, Scope
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.statement import Statement

_THROTTLED, _TARGET = Reason.THROTTLED.value, Scope.TARGET.value

_PAGE = 5000
"""Rows of a chain that are looked at in one go, from its end."""

_END = Statement("SELECT (SELECT max(chain) FROM journal), (SELECT max(seq) FROM journal WHERE chain = ?)")
_OLDEST = Statement("SELECT at FROM journal WHERE chain = ?1 AND seq > ?2 ORDER BY seq LIMIT 1")

_ATTEMPTS = Statement("""
SELECT b.id, b.channel, j.at, j.body, b.channel IN listed(?5) AND coalesce(b.holder, 0) <> ?6
FROM journal j CROSS JOIN batches b ON b.id = j.subject
WHERE j.chain = ?1 AND j.seq > ?2 AND j.seq <= ?3 AND j.at > ?4 AND j.kind = 'attempt.ended' AND j.body IS NOT NULL
  AND (instr(j.body, '"reason":"throttled"') > 0 OR b.channel IN listed(?5) AND coalesce(b.holder, 0) <> ?6)
""")

_OUT = Statement("""
SELECT d.channel, d.address FROM batches b INDEXED BY ix_batches_out CROSS JOIN deliveries d ON d.batch_id = b.id
WHERE b.state = 'sending' AND b.channel IN listed(?1) AND coalesce(b.holder, 0) <> ?2
""")

_OF_BATCHES = Statement("SELECT batch_id, address FROM deliveries WHERE batch_id IN listed(?)")
_OF_DELIVERIES = Statement("SELECT id, address FROM deliveries WHERE id IN listed(?)")


@dataclass(slots=True)
class Lately:
    """
    By channel and address; times are microseconds. ``asked`` are the times of others' requests, in order; ``throttled``
    until when a target wanted to be left alone, whoever was told so.
    """

    asked: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    throttled: dict[tuple[str, str], int] = field(default_factory=dict)


def lately(connection: Connection, counted: Sequence[str], own: int, since: int, now: int) -> Lately:
    """
    What has ended since then: on the ``counted`` channels every request of those whose number is not ``own``, and on
    all of them whatever was throttled for a time that the provider named.

    What others have out is taken for a request of now. Of a bundle one request counts, and none that did not leave.
    """
    found, cursor = _Found(), raw_of(connection)
    for page in _pages(connection, since, counted, own):
        found.take(page)
    channels = bulk.rows(counted)
    made = Lately(throttled=found.throttled_targets(connection))
    for key, at in found.requests_to(connection):
        made.asked.setdefault(key, []).append(at)
    for channel, address in cursor.execute(_OUT, (channels, own)):
        made.asked.setdefault((channel, address), []).append(now)
    for times in made.asked.values():
        times.sort()
    return made


def addresses(connection: Connection, deliveries: Sequence[str]) -> dict[str, str]:
    """By the ids of their deliveries."""
    return dict(raw_of(connection).execute(_OF_DELIVERIES, (bulk.rows(deliveries),)).fetchall())


class _Found:
    """What the journal's rows say, before it is known which addresses they are about."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, int], tuple[str, str]] = {}
        self._batches: dict[str, tuple[str, int]] = {}
        self._deliveries: dict[str, tuple[str, int]] = {}

    def take(self, rows: Sequence[Any]) -> None:
        for batch, channel, at, text, is_anothers in rows:
            body = orjson.loads(text)
            if is_anothers and "not_sent" not in body:
                self._requests[body.get("bundle", batch), body["started"]] = batch, channel
            if (until := _until(body.get("all"), at)) is not None:
                self._batches[batch] = channel, max(until, self._batches.get(batch, ("", 0))[1])
            for delivery, outcome in body.get("others", {}).items():
                if isinstance(outcome, Mapping) and (until := _until(outcome, at)) is not None:
                    self._deliveries[delivery] = (
                        channel,
                        max(until, self._deliveries.get(delivery, ("", 0))[1]),
                    )

    def requests_to(self, connection: Connection) -> Iterator[tuple[tuple[str, str], int]]:
        of = _addresses_of_batches(connection, [batch for batch, _ in self._requests.values()])
        for (_, started), (batch, channel) in self._requests.items():
            for address in of.get(batch, ()):
                yield (channel, address), started

    def throttled_targets(self, connection: Connection) -> dict[tuple[str, str], int]:
        made: dict[tuple[str, str], int] = {}
        of = _addresses_of_batches(connection, list(self._batches))
        for batch, (channel, until) in self._batches.items():
            for address in of.get(batch, ()):
                made[channel, address] = max(until, made.get((channel, address), 0))
        for delivery, address in addresses(connection, list(self._deliveries)).items():
            channel, until = self._deliveries[delivery]
            made[channel, address] = max(until, made.get((channel, address), 0))
        return made


def _pages(connection: Connection, since: int, counted: Sequence[str], own: int) -> Iterator[Sequence[Any]]:
    """Of every chain what it has from then on, the last first."""
    cursor, channels = raw_of(connection), bulk.rows(counted)
    chain = 0
    while True:
        highest, last = cursor.execute(_END, (chain,)).fetchone()
        if highest is None or chain > highest:
            return
        upto = last or 0
        while upto > 0:
            after = max(upto - _PAGE, 0)
            yield cursor.execute(_ATTEMPTS, (chain, after, upto, since, channels, own)).fetchall()
            (oldest,) = cursor.execute(_OLDEST, (chain, after)).fetchone()
            upto = after if oldest > since else 0
        chain += 1


def _until(outcome: Mapping[str, Any] | None, at: int) -> int | None:
    """Until when an outcome, as the journal describes it, asks for its target to be left alone."""
    if outcome is None or outcome.get("reason") != _THROTTLED or outcome.get("scope") != _TARGET:
        return None
    asked = outcome.get("retry_after")
    return None if asked is None else at + int(asked * 1_000_000)


def _addresses_of_batches(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for batch, address in raw_of(connection).execute(_OF_BATCHES, (bulk.rows(ids),)):
        made.setdefault(batch, []).append(address)
    return made
