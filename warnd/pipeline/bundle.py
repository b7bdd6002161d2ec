"""
Several messages for one address → one: which of them go together, in which words, and what an answer means for each.

A target that may be asked twenty times a minute would hear the sixtieth warning three minutes late. So what has piled up
for it goes together, whole: nothing of any message is cut, what does not fit goes in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from warnd.contract.outcome import Outcome, Reason, Rejected, Scope
from warnd.errors import TemplateError
from warnd.model.alert import Status
from warnd.model.color import Lane
from warnd.model.content import Content, ucs2_segments
from warnd.model.delivery import Batch, BatchState, State
from warnd.model.policy import RetryPolicy
from warnd.pipeline.relayed import shortened
from warnd.pipeline.render import BUILT_IN, LONGEST_SUBJECT, SMS, Limits, Page, page_of
from warnd.pipeline.settle import Try, describe, settle
from warnd.pipeline.templates import Candidate, Templates
from warnd.pipeline.words import CHINESE, FALLBACK, Words, fallbacks
from warnd.ports import Fate, Pile, Settlement

AT_REST = (BatchState.QUEUED, BatchState.WAITING, BatchState.UNKNOWN)

_CLASSES = ((Lane.RED, Lane.RED), (Lane.ORANGE, Lane.BLUE), (Lane.DRILL, Lane.DRILL))


@dataclass(frozen=True, slots=True)
class Carrier:
    """What one message of a channel can carry: so many at ``most``, within the ``limits`` of its kind."""

    kind: str
    most: int
    limits: Limits


class Bundled(NamedTuple):
    """What goes now: a bundle, or the most urgent by itself; and what was amiss with the templates on the way."""

    batch: Batch
    faults: tuple[TemplateError, ...] = ()


def lanes_beside(lane: Lane) -> tuple[Lane, Lane]:
    """
    The first and the last of the lanes whose messages may share one with those of this lane.

    Red is not hidden among what is less, nor put below it, nor does it wait for it; a drill never stands beside the
    real thing.
    """
    return next(each for each in _CLASSES if each[0] <= lane <= each[1])


def bundle(
    leader: Batch, pile: Pile, carrier: Carrier, templates: Templates, *, new_id: Callable[[], str], made: int
) -> Bundled:
    """
    What goes now of a pile, where the ``leader`` may: the most urgent first, as many as one message can carry.

    They share the leader's language and its side of the line between red and what is less. ``made`` is in microseconds.
    """
    waiting = sorted(_beside(leader, pile.batches), key=_urgency) or [leader]
    faults: dict[TemplateError, None] = {}
    best: tuple[list[Batch], Content] | None = None
    for count in range(2, min(len(waiting), carrier.most) + 1):
        parts = waiting[:count]
        said, amiss = _say(parts, pile.status, carrier, templates)
        faults.update(dict.fromkeys(amiss))
        if said is None:
            break
        best = (parts, said)
    if best is None:
        return Bundled(waiting[0], tuple(faults))
    parts, said = best
    return Bundled(Batch.carrying(parts, replace(said, id=new_id()), made), tuple(faults))


def bundled_by(candidate: Candidate, parts: Sequence[Content], status: Status, templates: Templates) -> Page:
    """
    What this one template makes of the parts.

    Raises TemplateError when it fails, or leaves out a part, their order, or that it is a drill.
    """
    if candidate.fault is not None:
        raise candidate.fault
    mark = _mark(candidate.words, status)
    values = {
        "mark": mark,
        "count": len(parts),
        "parts": tuple(part.body for part in parts),
        "subject": parts[0].subject,
    }
    page = page_of(templates.fill(candidate.path, values), has_subject=candidate.has_subject)
    at = 0
    for part in parts:
        found = page.body.find(part.body, at)
        if found < 0 or mark not in page.body[:found]:
            raise TemplateError(candidate.path, "does not print the mark and then every part, in their order")
        at = found + len(part.body)
    return page


def settle_bundle(batch: Batch, outcome: Outcome, policy: RetryPolicy, attempt: Try) -> Settlement:
    """
    Apply the one answer to every part.

    Where the text was refused, nobody can tell which part of it: each goes by itself from now on.
    """
    refused = _refuses_the_text(outcome)
    settled = [
        _alone(part, outcome, attempt) if refused else settle(part, [outcome], policy, attempt)
        for part in batch.parts
    ]
    parts = tuple(_told_of(one, batch) for one in settled)
    again = all(one.state in AT_REST and one.unknowns for one in parts)
    state = BatchState.STOPPED if refused else BatchState.UNKNOWN if again else BatchState.SETTLED
    return Settlement(batch, attempt.started, attempt.ended, state, unknowns=batch.unknowns, parts=parts)


def not_sent(batch: Batch, now: int, holds: Callable[[Batch, int], bool]) -> Settlement:
    """
    What a bundle comes to that did not leave: every part rests as before, but for those that may not leave any more.
    """
    over = {part.id for part in batch.parts if not holds(part, now)}
    parts = tuple(
        _told_of(_unsent(part, now, "stopped" if part.id in over else "beside" if over else "late"), batch)
        for part in batch.parts
    )
    again = all(one.state in AT_REST and one.unknowns for one in parts)
    state = BatchState.UNKNOWN if again else BatchState.SETTLED
    return Settlement(batch, now, now, state, unknowns=batch.unknowns, parts=parts)


def _beside(leader: Batch, batches: Sequence[Batch]) -> list[Batch]:
    first, last = lanes_beside(leader.lane)
    return [
        one
        for one in batches
        if first <= one.lane <= last
        and one.content.language == leader.content.language
        and not one.content.template_code
    ]


def _urgency(batch: Batch) -> tuple[int, int, str]:
    return batch.lane.value, batch.rank.value, batch.id


def _say(
    parts: Sequence[Batch], status: Status, carrier: Carrier, templates: Templates
) -> tuple[Content | None, list[TemplateError]]:
    """The words of the first template that says every part whole, None when they are too long; and its faults."""
    first = parts[0].content
    wanted = tuple(dict.fromkeys((*fallbacks(first.language), FALLBACK)))
    faults = []
    candidate = Candidate(BUILT_IN, FALLBACK, CHINESE)
    page = _built_in(parts, _mark(CHINESE, status))
    for each in templates.bundles(carrier.kind, languages=wanted):
        try:
            page, candidate = bundled_by(each, [part.content for part in parts], status, templates), each
        except TemplateError as fault:
            faults.append(fault)
            continue
        break
    if not carrier.limits.allow(page.body):
        return None, faults
    content = Content(
        id="",
        alert_id=first.alert_id,
        kind=carrier.kind,
        language=first.language,
        body=page.body,
        subject=page.subject,
        segments=len(ucs2_segments(carrier.limits.signature + page.body)) if carrier.kind == SMS else 1,
        template=f"{candidate.path}@{templates.revision}",
    )
    return content, faults


def _built_in(parts: Sequence[Batch], mark: str) -> Page:
    """In Chinese, from nothing but the parts."""
    title, subject = f"{mark}{len(parts)}条预警信息", parts[0].content.subject
    body = "\n\n".join((title, *(part.content.body for part in parts)))
    return Page(body, shortened(f"{title}：{subject}", LONGEST_SUBJECT) if subject else "")


def _mark(words: Words, status: Status) -> str:
    return words.marks.get(status, "")


def _refuses_the_text(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and (
        outcome.scope in (Scope.CONTENT, Scope.ONE_OF) or outcome.reason is Reason.TOO_LONG
    )


def _alone(part: Batch, outcome: Outcome, attempt: Try) -> Settlement:
    assert isinstance(outcome, Rejected)  # noqa: S101  the caller looked
    fate = Fate(State.WAITING, outcome.reason, outcome.detail)
    return Settlement(
        part, attempt.started, attempt.ended, BatchState.WAITING, due=attempt.ended, unknowns=part.unknowns,
        uniform=fate, outcome={"all": describe(outcome), "taken_apart": True},
    )  # fmt: skip


def _unsent(part: Batch, now: int, why: str) -> Settlement:
    state = BatchState.STOPPED if why == "stopped" else part.state
    return Settlement(part, now, now, state, due=now, unknowns=part.unknowns, outcome={"not_sent": why})


def _told_of(one: Settlement, batch: Batch) -> Settlement:
    """With the bundle in its journal entry."""
    return one._replace(outcome={**one.outcome, "bundle": batch.id, "parts": len(batch.parts)})
