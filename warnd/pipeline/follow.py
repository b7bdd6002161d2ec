"""Whom the next message of an episode goes to beside those it matches: again to the told, first to those left out."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator

from warnd.model.alert import LESS_DANGER, Change
from warnd.model.delivery import State, Why
from warnd.pipeline import cap
from warnd.pipeline.expand import Recipient, Route
from warnd.pipeline.quiet import can_wait
from warnd.pipeline.surroundings import Surroundings
from warnd.ports import Gap, Heard, Telling, Told


def again(told: Told, around: Surroundings, telling: Telling) -> Iterator[Recipient]:
    """
    The same address by the same route, whatever became of its endpoint since.

    Some are not told again: ``_unheard`` says why. Who was told by quiet hours hears what can wait by them too.
    """
    why, color = _unheard(told, around.routes.get(told.channel), telling), telling.alert.color
    waits = color is not None and can_wait(color, around.catalogue.get(telling.alert.hazard))
    for person in told.people:
        yield Recipient(
            told.channel,
            told.address,
            told.language or around.language,
            State.SUPPRESSED if why is not None else State.QUEUED,
            why,
            person.subscriber_id,
            person.endpoint_id,
            person.name,
            person.region,
            person.reasons,
            quiet=told.quiet if waits else "",
        )


def _unheard(told: Told, route: Route | None, telling: Telling) -> Why | None:
    """Why they do not hear of it: the channel is configured no more, is too loud for it, or passes on what is public only."""
    if route is None:
        return Why.NOT_ON_POLICY
    if route.kind == cap.KIND and not telling.alert.is_public:
        return Why.NOT_PUBLIC
    slight = telling.change is Change.CONTINUED and told.told and not route.quiet
    easing = telling.change in LESS_DANGER and not route.lifts
    return Why.TOO_LOUD if slight or easing else None


def left_out(
    found: Iterable[Recipient | Gap], heard: Heard, *, newly_warned: Container[str]
) -> Iterator[Recipient]:
    """
    Of those whom a lowering or a continuation matches, the ones who would be left without a word though it is in force
    where they are: their first notice was stopped by it, or they (by id) were not warned before.

    A channel and those that stand by for it are one notice: where any of them was told, the person heard of it that
    way, and hears of what follows as one who was told.
    """
    notices: dict[tuple[str, int], list[Recipient]] = {}
    for one in found:
        if isinstance(one, Recipient) and one.state is not State.SUPPRESSED:
            notices.setdefault((one.subscriber_id, one.chain), []).append(one)
    for (person, _), steps in notices.items():
        addresses = {(one.channel, one.address) for one in steps}
        was_to_hear = person in newly_warned or not addresses.isdisjoint(heard.stopped)
        if was_to_hear and addresses.isdisjoint(heard.told):
            yield from steps


def beside(first: Collection[Recipient], quiet: Iterable[Recipient | Gap]) -> Iterator[Recipient | Gap]:
    """
    The first notices that a continuation gives, then what it says on quiet channels to whom it gives none there.

    The two were expanded apart: no chain of the one is one of the other.
    """
    yield from first
    taken = {(one.subscriber_id, one.channel, one.address) for one in first}
    for one in quiet:
        if isinstance(one, Gap):
            yield one
        elif (one.subscriber_id, one.channel, one.address) not in taken:
            yield one._replace(chain=~one.chain)
