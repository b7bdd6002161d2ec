"""One request to the provider: the last look, the time-out, and whatever an adapter may throw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from warnd.contract.channel import Channel, Queries
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason
from warnd.model.delivery import Batch
from warnd.pipeline.deadline import Deadline

log = structlog.get_logger()


async def send(channel: Channel, batch: Batch, deadline: Deadline) -> Sequence[Outcome]:
    """
    Send the batch; one outcome for each of its deliveries, in order, whatever happens.

    An adapter that takes longer than its own ``timeout`` allows, breaks, or answers for another number of
    deliveries leaves it open whether anything was sent. CancelledError passes.
    """
    try:
        outcomes = await deadline.bound(channel.send(batch))
    except TimeoutError:
        return _unclear(batch, Reason.NO_REPLY, "")
    except Exception as error:  # noqa: BLE001  a third party's adapter must not end the worker
        log.error("channel.broke", channel=batch.channel, batch=batch.id, error=type(error).__name__)
        return _unclear(batch, Reason.UNREADABLE_REPLY, type(error).__name__)
    if len(outcomes) != len(batch):
        log.error("channel.broke", channel=batch.channel, batch=batch.id, error="wrong number of outcomes")
        return _unclear(batch, Reason.UNREADABLE_REPLY, "wrong number of outcomes")
    return [_storable(outcome) for outcome in outcomes]


def _storable(outcome: Outcome) -> Outcome:
    """Half a character in a provider's words or keys would not go into the store."""
    if isinstance(outcome, Accepted):
        key = outcome.receipt_key
        return outcome if key is None or key.isascii() else Accepted(_whole(key))
    return outcome if outcome.detail.isascii() else replace(outcome, detail=_whole(outcome.detail))


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


async def ask(channel: Queries, batch: Batch, deadline: Deadline) -> Sequence[Outcome] | None:
    """
    What the provider says became of a batch whose outcome is not known; None unless it can tell of every one.

    CancelledError passes; whatever else goes wrong is no answer.
    """
    try:
        answers = await deadline.bound(channel.query(batch))
    except Exception as error:  # noqa: BLE001  no answer is an answer: the batch is sent again
        log.warning("query.failed", channel=batch.channel, batch=batch.id, error=type(error).__name__)
        return None
    found = [answer for answer in answers if answer is not None]
    return found if len(found) == len(batch) else None


def _unclear(batch: Batch, reason: Reason, detail: str) -> Sequence[Outcome]:
    return [Deferred(reason, maybe_sent=True, detail=detail)] * len(batch)
