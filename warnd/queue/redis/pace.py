"""A channel's pace that all processes keep together: what this one has drawn of it, and what it knows of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.queue.breaker import looks_dead
from warnd.queue.pacing import Pace, throttled_for
from warnd.queue.rates import Rate
from warnd.queue.redis.link import Away, Link

AHEAD_SECONDS = 0.01
"""Of the rate that is drawn beyond what is needed now: a hundred requests a second to Redis serve any rate."""

UNUSED_SECONDS = 0.1
"""What was drawn and not used for so long goes back: it is not this process's to keep from others."""

_ASKED = 0.05
"""Seconds after which one looks again for an answer that is under way; it makes itself heard before."""


_COUNTED = ("failed", "give_back")
"""What is told as often as it happens."""


class State(NamedTuple):
    """What ``pace.lua`` says of a channel; times are seconds from now, or until now. Negative is never."""

    rest: float
    share: float
    since_shrunk: float
    failures: float
    dead: float
    span: float
    down: float
    paused: float


class SharedPace(Pace):
    """
    As ``Pace``, whose answers are at once: they are by what has been drawn. Without a link it is such a pace.

    ``who`` is this life of the process; ``patience`` how many seconds a probe may be out; ``monotonic`` gives seconds.
    """

    def __init__(
        self,
        link: Link,
        channel: str,
        *,
        who: str,
        rate: Rate | None,
        target_rate: Rate | None,
        patience: float,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(rate=rate, target_rate=target_rate)
        self._link = link
        self._about = (channel, who, rate.per_second if rate is not None else 0.0)
        self._key = f"warnd:pace:{channel}"
        self._ahead = rate.per_second * AHEAD_SECONDS if rate is not None else 0.0
        self._patience = patience
        self._monotonic = monotonic
        self._linked = False
        self._drawn = 0.0
        self._used_at = 0.0
        self._probing = False
        self._asking: set[bool] = set()
        self._not_before = {True: 0.0, False: 0.0}
        self._lessons: list[tuple[object, ...]] = []
        self._telling = self._looking = self._stale = self._forgotten = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._down_at: float | None = None
        self._paused_at: float | None = None

    # --- asked by the lanes -----------------------------------------------------------------------

    def channel_wait(self, cost: float, now: float, *, red: bool) -> float:
        if not self._linked:
            return super().channel_wait(cost, now, red=red)
        if (rest := self._rest(now)) > 0:
            return rest
        if self._bucket is None and not self.breaker.open:
            self._look()
            return 0.0
        if (self._probing or not self.breaker.open) and (self._bucket is None or self._drawn >= cost):
            return 0.0
        if (wait := self._not_before[red] - now) > 0:
            return wait
        if red not in self._asking:
            self._asking.add(red)
            self._later(self._draw(cost, red=red))
        return _ASKED

    def take(self, cost: float, addresses: tuple[str, ...], *, red: bool, lower_turn: bool = False) -> None:
        if not self._linked:
            super().take(cost, addresses, red=red, lower_turn=lower_turn)
            return
        if self._bucket is not None:
            self._drawn -= cost
        self._used_at = self._monotonic()
        self._probing = False
        self._take_of_targets(addresses, red=red)
        self.breaker.taken(addresses)

    def pay(self, more: float, *, red: bool) -> None:
        if not self._linked:
            super().pay(more, red=red)
        elif self._bucket is not None:
            self._drawn -= more

    def give_back(self, cost: float, addresses: tuple[str, ...]) -> None:
        if not self._linked:
            super().give_back(cost, addresses)
            return
        self._give_back_of_targets(addresses)
        if self.breaker.is_probe(addresses):
            self._tell("give_back", 0, 1)
        self.breaker.not_sent(addresses)
        if self._bucket is not None:
            self._drawn += cost
            self._used_at = self._monotonic()
            self._return_what_is_unused()

    def learn(self, outcome: Outcome, address: str, now: float, *, pause: float) -> None:
        if self._linked and (lesson := self._lesson(outcome, address, pause)) is not None:
            self._tell(*lesson)
            self._paused_at = now if lesson[0] == "paused" else None
        super().learn(outcome, address, now, pause=pause)

    def _lesson(self, outcome: Outcome, address: str, pause: float) -> tuple[object, ...] | None:
        """What the others are to hear of an answer, if anything."""
        match outcome:
            case Accepted():
                return ("lived",) if self.breaker.failures or self.paused else None
            case Deferred(reason=Reason.THROTTLED, scope=Scope.CHANNEL):
                return "throttled", throttled_for(outcome)
            case Rejected(scope=Scope.ACCOUNT):
                return "paused", pause
            case _ if not looks_dead(outcome):
                return ("lived",) if self.breaker.failures else None
        probe = self.breaker.is_probe_to(address)
        return ("failed", int(probe)) if probe or not self.breaker.open else None

    # --- asked of Redis ---------------------------------------------------------------------------

    @property
    def unfit_for(self) -> float | None:
        since = [at for at in (self._down_at, self._paused_at) if at is not None]
        return self._monotonic() - min(since) if since else None

    @property
    def paused(self) -> bool:
        """Whether the provider refuses our account, as far as any process knows."""
        return self._paused_at is not None

    async def link_up(self) -> None:
        """From now on what is drawn counts, and what all know. Raises Away."""
        answer = await self._ask("look")
        self._linked, self._forgotten = True, False
        self._adopt(answer)
        self.on_change()

    async def look(self) -> bool:
        """Learn how the channel stands; whether the server had forgotten it since the last look. Raises Away."""
        self._adopt(await self._ask("look"))
        forgotten, self._forgotten = self._forgotten, False
        return forgotten

    def look_soon(self) -> None:
        """Another process has learnt something of the channel."""
        self._stale = True
        if not self._looking:
            self._looking = True
            self._later(self._look_again())

    async def _look_again(self) -> None:
        try:
            while self._stale:
                self._stale = False
                self._adopt(await self._ask("look"))
        except Away:
            return
        finally:
            self._looking = False

    def link_down(self) -> None:
        """From now on this process keeps to its own part of the rate, from nothing, for the others have begun too."""
        if not self._linked:
            return
        self._linked = False
        self._drawn, self._probing = 0.0, False
        self._lessons.clear()
        if self._bucket is not None:
            self._bucket.empty(self._monotonic())
        self.on_change()

    async def _draw(self, cost: float, *, red: bool) -> None:
        needed = max(cost - self._drawn, 0.0) if self._bucket is not None else 1.0
        try:
            answer = await self._ask("draw", needed, int(red), self._ahead, self._patience)
        except Away:
            return
        finally:
            self._asking.discard(red)
        self._adopt(answer)
        (granted, wait, probe), now = answer[:3], self._monotonic()
        if self._bucket is not None:
            self._drawn += granted
        self._probing = self._probing or probe > 0
        self._used_at = now
        self._not_before[red] = now + wait
        self._return_what_is_unused()
        self.on_change()

    def _return_what_is_unused(self) -> None:
        """Later, if it is not used meanwhile."""
        asyncio.get_running_loop().call_later(UNUSED_SECONDS, self._return_now)

    def _return_now(self) -> None:
        if not self._linked or not (self._drawn > 0 or self._probing):
            return
        if self._monotonic() - self._used_at < UNUSED_SECONDS * 0.9:
            return
        self._tell("give_back", max(self._drawn, 0.0), int(self._probing))
        self._drawn, self._probing = min(self._drawn, 0.0), False

    def _tell(self, *lesson: object) -> None:
        """One after the other: what was seen first is told first."""
        if lesson not in self._lessons or lesson[0] in _COUNTED:
            self._lessons.append(lesson)
        if not self._telling:
            self._telling = True
            self._later(self._tell_all())

    async def _tell_all(self) -> None:
        try:
            while self._lessons:
                answer = await self._ask(*self._lessons[0])
                del self._lessons[:1]
                self._adopt(answer)
        except Away:
            self._lessons.clear()
        finally:
            self._telling = False

    async def _ask(self, what: object, *arguments: object) -> list[float]:
        answer = await self._link.ask("pace", [self._key], what, *self._about, *arguments)
        figures = [float(one) for one in answer]
        self._forgotten = self._forgotten or figures[3] > 0
        return figures

    def _adopt(self, answer: Sequence[float]) -> None:
        """What all know together goes before what this process knows alone, once it has told that."""
        if self._lessons or not self._linked:
            return
        state = State(*answer[4:])
        now, was = self._monotonic(), (self.breaker.failures, self.rest_until > 0)
        self.rest_until = now + state.rest if state.rest > 0 else 0.0
        self.share, self._shrunk_at = state.share, now - state.since_shrunk
        self.breaker.adopt(int(state.failures), now + state.dead, state.span)
        self._down_at = now - state.down if state.down >= 0 else None
        self._paused_at = now - state.paused if state.paused >= 0 else None
        self._look()
        if was != (self.breaker.failures, self.rest_until > 0):
            self._not_before = {True: 0.0, False: 0.0}
            self.on_change()

    def _later(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
