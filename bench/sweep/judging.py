"""What a broadcast that was killed several times came to: by the gateway's book, held against warnd's journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, fields

from bench.sweep.variants import Follow


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    ``answered`` messages had a 202. ``taken``: how often the gateway took each number, by alert, in the order in which the
    alerts came. ``marked``: the numbers whose batch the journal marks as a possible repeat; ``given_up``: those left unknown
    with an alarm standing. ``receipts_lost``: receipts that were answered well and have come to nothing. ``stale``: recipients of
    what had ended so long before that every process must have heard of it. ``unfinished``: something is under way for ever;
    ``miscounted``: tallies that differ from the deliveries; ``broken``: a chain of the journal does not hold.
    """

    people: Set[str]
    follow: Follow
    answered: int
    taken: Mapping[str, Mapping[str, int]]
    marked: Mapping[str, Set[str]]
    given_up: Mapping[str, Set[str]]
    receipts_lost: int = 0
    stale: int = 0
    unfinished: bool = False
    miscounted: int = 0
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Recipients of each kind; ``unmarked`` are those of the ``repeated`` of whom the journal does not say that it may
    be so, ``given_up`` those not told, of whom an alarm says that it is not known, ``stale`` those told what had
    ended. Then broadcasts that are ``unfinished``, tallies, and broadcasts whose journal is ``broken``.
    """

    lost: int = 0
    repeated: int = 0
    unmarked: int = 0
    given_up: int = 0
    receipts_lost: int = 0
    stale: int = 0
    unfinished: int = 0
    miscounted: int = 0
    broken: int = 0

    @property
    def clean(self) -> bool:
        excused = {"repeated", "given_up"}
        return not any(getattr(self, each.name) for each in fields(self) if each.name not in excused)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Verdict)))


def judge(evidence: Evidence) -> Verdict:
    """
    Everybody must have been told what holds in the end.

    That is the last message; only of a cancel those alone must hear who may have heard what it ends. Where a message
    that was answered is gone, everybody has lost it.
    """
    alerts = list(evidence.taken)
    if len(alerts) < evidence.answered:
        return Verdict(lost=len(evidence.people))
    final = alerts[-1]
    wanted = evidence.people
    if evidence.follow is Follow.CANCEL:
        wanted = frozenset(_numbers(evidence.taken[alert] for alert in alerts[:-1]))
    untold = {number for number in wanted if not evidence.taken[final].get(number)}
    given_up = untold & evidence.given_up.get(final, frozenset())
    repeats = [
        (alert, number)
        for alert, taken in evidence.taken.items()
        for number, times in taken.items()
        if times > 1
    ]
    unmarked = [number for alert, number in repeats if number not in evidence.marked.get(alert, frozenset())]
    return Verdict(
        lost=len(untold - given_up),
        repeated=len(repeats),
        unmarked=len(unmarked),
        given_up=len(given_up),
        receipts_lost=evidence.receipts_lost,
        stale=evidence.stale,
        unfinished=int(evidence.unfinished),
        miscounted=evidence.miscounted,
        broken=int(evidence.broken),
    )


def _numbers(books: Iterable[Mapping[str, int]]) -> set[str]:
    return {number for book in books for number, times in book.items() if times}
