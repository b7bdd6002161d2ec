"""Outcomes + policy + now → new states: what one attempt means for its batch and for each delivery of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, assert_never

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.model.color import Color, Lane
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.policy import RetryPolicy
from warnd.ports import Departure, Fate, Settlement

_COLORS = {Lane.RED: Color.RED, Lane.ORANGE: Color.ORANGE, Lane.YELLOW: Color.YELLOW}

ACCEPTED = Fate(State.ACCEPTED, told=True)


class Try(NamedTuple):
    """
    One attempt as it went: ``started`` and ``ended`` in microseconds, ``jitter`` in [0, 1) drawn for its wait.

    ``new_ids`` are two, for batches that this attempt may split off; none when all was accepted.
    """

    started: int
    ended: int
    jitter: float
    new_ids: tuple[str, ...]


def settle(batch: Batch, outcomes: Sequence[Outcome], policy: RetryPolicy, attempt: Try) -> Settlement:
    """
    Apply one attempt's outcomes to its batch, whose ``attempts`` already counts this one.

    What all deliveries share stays with the batch: it waits, or is resent unchanged, as a whole. Where they
    differ, what is certain is decided one by one; certain non-acceptances leave to be gathered into later
    batches; those that may have been sent go on alone, together, in a batch of their own.
    """
    first = outcomes[0]
    if len(batch) > 1 and all(_one_of(one) for one in outcomes):
        return _halved(batch, first, attempt)
    if all(type(one) is Accepted for one in outcomes):
        return _all_accepted(batch, outcomes, attempt)
    if all(one == first for one in outcomes):
        return _alike(batch, first, policy, attempt)
    return _mixed(batch, outcomes, policy, attempt)


def _all_accepted(batch: Batch, outcomes: Sequence[Outcome], attempt: Try) -> Settlement:
    keys = [
        (place, one.receipt_key)
        for place, one in enumerate(outcomes)
        if isinstance(one, Accepted) and one.receipt_key is not None
    ]
    return Settlement(
        batch, attempt.started, attempt.ended, BatchState.SETTLED, unknowns=batch.unknowns, uniform=ACCEPTED,
        receipt_keys=keys, outcome={"accepted": len(outcomes)},
    )  # fmt: skip


def _alike(batch: Batch, outcome: Outcome, policy: RetryPolicy, attempt: Try) -> Settlement:
    def whole(state: BatchState, fate: Fate, **more: Any) -> Settlement:
        more.setdefault("unknowns", batch.unknowns)
        return Settlement(
            batch, attempt.started, attempt.ended, state, uniform=fate,
            outcome={"all": describe(outcome)}, **more,
        )  # fmt: skip

    match outcome:
        case Accepted():
            return _all_accepted(batch, [outcome] * len(batch), attempt)
        case Rejected(reason=reason, scope=Scope.ACCOUNT, detail=detail):
            # The fault is ours, not theirs: nobody may be lost to a wrong password. The channel rests, and these go first after.
            due = attempt.ended + min(_us(policy.pause), _us(policy.wait(batch.attempts, attempt.jitter)))
            return whole(*_waiting(batch, reason, detail, due), due=due)
        case Rejected(reason=reason, scope=Scope.CONTENT, detail=detail):
            return whole(BatchState.SETTLED, Fate(State.FAILED, reason, detail), content_refused=True)
        case Rejected(reason=reason, detail=detail):
            refused = tuple(range(len(batch))) if _bad_address(outcome) else ()
            return whole(BatchState.SETTLED, Fate(State.FAILED, reason, detail), rejected=refused)
        case Deferred(reason=reason, detail=detail, maybe_sent=True):
            unknowns = batch.unknowns + 1
            due = attempt.ended + _us(policy.wait(unknowns, attempt.jitter))
            fate = Fate(State.UNKNOWN, reason, detail, told=True)
            final = unknowns > resends(batch, policy) or due >= batch.deliver_until
            return whole(
                BatchState.SETTLED if final else BatchState.UNKNOWN, fate, due=due, unknowns=unknowns
            )
        case Deferred(reason=reason, detail=detail):
            due = attempt.ended + _wait(outcome, batch.attempts, policy, attempt.jitter)
            return whole(*_waiting(batch, reason, detail, due), due=due)
        case _:
            assert_never(outcome)


def _waiting(batch: Batch, reason: Reason, detail: str, due: int) -> tuple[BatchState, Fate]:
    # Later than its end it would mislead; told now, an operator can still telephone.
    if due >= batch.deliver_until:
        return BatchState.SETTLED, Fate(State.EXPIRED, reason, detail)
    return BatchState.WAITING, Fate(State.WAITING, reason, detail)


def _halved(batch: Batch, outcome: Outcome, attempt: Try) -> Settlement:
    middle = len(batch) // 2
    halves = [
        _split(batch, list(places), id_, BatchState.QUEUED, attempt.ended)
        for id_, places in zip(attempt.new_ids, (range(middle), range(middle, len(batch))), strict=True)
    ]
    return Settlement(
        batch, attempt.started, attempt.ended, BatchState.SETTLED, unknowns=batch.unknowns, splits=halves,
        outcome={"all": describe(outcome), "split_into": [half.id for half in halves]},
    )  # fmt: skip


def _mixed(batch: Batch, outcomes: Sequence[Outcome], policy: RetryPolicy, attempt: Try) -> Settlement:
    fates: list[tuple[int, Fate]] = []
    departures: list[Departure] = []
    unclear: list[int] = []
    keys: list[tuple[int, str]] = []
    rejected: list[int] = []
    told: dict[str, Any] = {}
    suspects = sum(_one_of(one) for one in outcomes)
    for place, outcome in enumerate(outcomes):
        match outcome:
            case Accepted(receipt_key=key):
                fates.append((place, ACCEPTED))
                if key is not None:
                    keys.append((place, key))
                continue
            case Rejected(scope=Scope.ACCOUNT) | Deferred(maybe_sent=False):
                departures.append(_departure(batch, place, outcome, policy, attempt))
            case Rejected(scope=Scope.ONE_OF) if suspects > 1:
                # Apart from those who were answered for, they are refused together, and then halved.
                departures.append(_departure(batch, place, outcome, policy, attempt))
            case Rejected(reason=reason, detail=detail):
                fates.append((place, Fate(State.FAILED, reason, detail)))
                if _bad_address(outcome):
                    rejected.append(place)
            case Deferred():
                unclear.append(place)
            case _:
                assert_never(outcome)
        told[batch.deliveries[place]] = describe(outcome)
    splits: list[Batch] = []
    if unclear:
        told["unclear_in"] = attempt.new_ids[0]
        unknowns = batch.unknowns + 1
        due = attempt.ended + _us(policy.wait(unknowns, attempt.jitter))
        if unknowns > resends(batch, policy) or due >= batch.deliver_until:
            for place in unclear:
                one = outcomes[place]
                assert isinstance(one, Deferred)  # noqa: S101  only those are unclear
                fates.append((place, Fate(State.UNKNOWN, one.reason, one.detail, told=True)))
        else:
            split = _split(batch, unclear, attempt.new_ids[0], BatchState.UNKNOWN, due)
            splits.append(replace(split, unknowns=unknowns, attempts=batch.attempts))
    departures, expired = _in_time(departures, batch)
    return Settlement(
        batch, attempt.started, attempt.ended, BatchState.SETTLED, unknowns=batch.unknowns,
        fates=[*fates, *expired], departures=departures, splits=splits, receipt_keys=keys, rejected=rejected,
        outcome={"accepted": len(outcomes) - len(told), "others": told},
    )  # fmt: skip


def _departure(
    batch: Batch, place: int, outcome: Rejected | Deferred, policy: RetryPolicy, attempt: Try
) -> Departure:
    if isinstance(outcome, Deferred):
        due = attempt.ended + _wait(outcome, batch.attempts, policy, attempt.jitter)
    elif outcome.scope is Scope.ONE_OF:
        due = attempt.ended
    else:
        due = attempt.ended + _us(policy.pause)
    return Departure(place, Fate(State.WAITING, outcome.reason, outcome.detail), due)


def _one_of(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.scope is Scope.ONE_OF


def _bad_address(outcome: Rejected) -> bool:
    """Whether it counts towards suspending the endpoint: a full mailbox is emptied again."""
    return outcome.scope is not Scope.CONTENT and outcome.reason is not Reason.MAILBOX_FULL


def _in_time(departures: Sequence[Departure], batch: Batch) -> tuple[list[Departure], list[tuple[int, Fate]]]:
    kept = [one for one in departures if one.due < batch.deliver_until]
    late = [
        (one.place, one.fate._replace(state=State.EXPIRED))
        for one in departures
        if one.due >= batch.deliver_until
    ]
    return kept, late


def _split(batch: Batch, places: Sequence[int], id_: str, state: BatchState, due: int) -> Batch:
    return replace(batch.only(places), id=id_, state=state, due=due, epoch=0)


def resends(batch: Batch, policy: RetryPolicy) -> int:
    """How many times a batch of this lane may be sent again without a clear answer; drills as blue."""
    return policy.unknown_resends[_COLORS.get(batch.lane, Color.BLUE)]


def describe(outcome: Outcome) -> Mapping[str, Any]:
    """An outcome for the journal: no address, no credential."""
    match outcome:
        case Accepted():
            return {"outcome": "accepted"}
        case Rejected(reason=reason, scope=scope, detail=detail):
            return {"outcome": "rejected", "reason": reason.value, "scope": scope.value, "detail": detail}
        case Deferred(reason=reason, scope=scope, retry_after=asked, maybe_sent=maybe, detail=detail):
            said: dict[str, Any] = {
                "outcome": "deferred", "reason": reason.value, "scope": scope.value, "detail": detail,
            }  # fmt: skip
            if maybe:
                said["maybe_sent"] = True
            if asked is not None:
                said["retry_after"] = asked.total_seconds()
            return said
        case _:
            assert_never(outcome)


def _wait(outcome: Deferred, attempts: int, policy: RetryPolicy, jitter: float) -> int:
    asked = outcome.retry_after
    return _us(asked if asked is not None else policy.wait(attempts, jitter))


def _us(duration: Any) -> int:
    return int(duration.total_seconds() * 1_000_000)
