"""One feed's polls: ask, see what is new, take it in, remember, and sound what a person must act on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from urllib.parse import urljoin

import structlog

from warnd.app.feeds import watch
from warnd.app.feeds.fetch import Answer, FeedUnreachable, Fetcher
from warnd.app.feeds.reception import Reception
from warnd.app.feeds.taking import Outcome, Taken, Taker, faults_of
from warnd.errors import Fault, InvalidAlert, StoreError
from warnd.intake.feeds import Entry, Reader
from warnd.intake.feeds.entry import digest
from warnd.model.alert import Verdict
from warnd.settings import FeedSettings
from warnd.store import alerts, feeds
from warnd.store.alerts import RawMessage
from warnd.store.feeds import FeedState

log = structlog.get_logger()

AT_ONCE = 1000
"""New entries that one poll takes in: a whole window of any real feed. What is beyond goes on with the next poll."""

MOST = 5000
"""Entries of an answer that are looked at, the latest; real feeds show some hundred."""

_TOGETHER = 4
"""Linked documents that are fetched at the same time."""


@dataclass(frozen=True, slots=True)
class Polled:
    """
    What one poll brought: ``entries`` in the answer, ``outcomes`` of those that were new, the oldest first.

    ``unchanged``: the answer was that of the last poll. ``trouble`` says why it failed, empty if it did not.
    """

    entries: int = 0
    outcomes: tuple[Outcome, ...] = ()
    unchanged: bool = False
    trouble: str = ""


class Poller:
    """
    Polls one feed. ``url`` is its whole address, which may hold a credential.

    Seen entries and counts live in the store, so that a restart takes nothing in twice. What spares work between two
    polls is in memory alone: the last answer's digest and validators, which make the next request conditional, and
    a ``Retry-After``. The validators are those of an answer that was dealt with in whole, or a 304 would hide the rest.
    """

    def __init__(
        self, settings: FeedSettings, reader: Reader, fetcher: Fetcher, reception: Reception, *, url: str
    ) -> None:
        self.settings = settings
        self._reader = reader
        self._fetcher = fetcher
        self._url = url
        self._here = reception
        self._taker = Taker(reader, settings.source, reception)
        self._settled = ""
        self._last = Answer(url, None)
        self._unreadable = ""
        self._rest: tuple[datetime, FeedUnreachable] | None = None

    async def poll(self) -> Polled:
        """Ask once and take in what is new. Raises StoreError; all other trouble is told and counted."""
        now = self._here.now()
        state = await self._state(now)
        try:
            state, polled = await self._took(state, now)
        except FeedUnreachable as error:
            state, polled = await self._failed(state, str(error), "failed")
            self._rest = (now + error.wait, error) if error.wait and self._rest is None else self._rest
        except InvalidAlert as error:
            state, polled = await self._failed(state, f"its answer cannot be read: {error}", "unreadable")
            self._here.alarms.sound("feed_unreadable", self.settings.name, why=str(error))
        except StoreError:
            raise
        except Exception as error:
            # A fault of ours must not keep the feed's silence from being heard.
            log.exception("feed.broke", feed=self.settings.name)
            state, polled = await self._failed(state, f"a fault of warnd: {error!r}", "broken")
        self._sound(state, now)
        return polled

    async def preview(self) -> Polled:
        """
        What a poll would take in now; nothing is kept.

        Raises FeedUnreachable and InvalidAlert.
        """
        answer = await self._fetcher.get(self._url, headers=self._reader.headers)
        entries = await self._shown(answer.body or b"")
        state = await self._state(self._here.now())
        fresh = await self._fresh(entries)
        foresee = partial(self._taker.foresee, since=state.since)
        return Polled(len(entries), await self._take(fresh[:AT_ONCE], answer.url, foresee))

    # --- one poll ---------------------------------------------------------------------------------

    async def _state(self, now: datetime) -> FeedState:
        states = await self._here.store.read(feeds.states)
        return replace(states.get(self.settings.name, FeedState(self.settings.name, now, now)), polled=now)

    async def _took(self, state: FeedState, now: datetime) -> tuple[FeedState, Polled]:
        answer = await self._answer(now)
        if answer.body is None or digest(answer.body) == self._settled:
            state = replace(state, succeeded=now, trouble="")
            await self._here.store.write(feeds.keep_state, state)
            self._here.alarms.clear("feed_unreadable", self.settings.name)
            self._count("unchanged")
            return state, Polled(state.entries, unchanged=True)
        entries = await self._entries(answer.body)
        self._here.alarms.clear("feed_unreadable", self.settings.name)
        fresh = await self._fresh(entries)
        take = partial(self._taker.take_safely, since=state.since)
        outcomes = await self._take(fresh[:AT_ONCE], answer.url, take)
        whole = all(one.taken.is_final for one in outcomes)
        settled = whole and len(fresh) <= AT_ONCE
        self._settled = digest(answer.body) if settled else ""
        self._last = replace(answer, body=None) if settled else Answer(self._url, None)
        state = replace(
            state,
            succeeded=now if whole else state.succeeded,
            changed=now if outcomes else state.changed,
            newest=max((entry.issued for entry in entries if entry.issued), default=state.newest),
            entries=len(entries),
            admitted=state.admitted + sum(one.taken is Taken.ADMITTED for one in outcomes),
            faults=state.faults + faults_of(outcomes),
            trouble=_trouble(outcomes),
        )
        stamps = {entry.key: entry.stamp for entry in fresh}
        done = {one.key: stamps[one.key] for one in outcomes if one.taken.is_final}
        await self._here.store.write(feeds.remember, state, done, [entry.key for entry in entries], now)
        self._count("changed" if outcomes else "unchanged", outcomes)
        watch.sound_refusals(self._here.alarms, self.settings.name, outcomes)
        return state, Polled(len(entries), outcomes, trouble=state.trouble)

    async def _answer(self, now: datetime) -> Answer:
        if self._rest is not None:
            until, error = self._rest
            if now < until:
                raise error
            self._rest = None
        return await self._fetcher.get(self._url, headers=self._reader.headers, since=self._last)

    async def _entries(self, body: bytes) -> Sequence[Entry]:
        """Raises InvalidAlert; the answer is then kept raw, the same one only once."""
        try:
            return await self._shown(body)
        except InvalidAlert as error:
            if (found := digest(body)) != self._unreadable:
                self._unreadable = found
                media = self._reader.content_type
                raw = RawMessage(self._here.new_id(), self.settings.source, media, body, self._here.now())
                await self._here.store.write(alerts.keep_raw, raw, Verdict.REFUSE, error.faults)
            raise

    async def _shown(self, body: bytes) -> Sequence[Entry]:
        return (await asyncio.to_thread(self._reader.entries, body))[-MOST:]

    async def _fresh(self, entries: Iterable[Entry]) -> list[Entry]:
        shown = {entry.key: entry for entry in entries}
        known = await self._here.store.read(feeds.seen, self.settings.name, list(shown))
        return [entry for key, entry in shown.items() if known.get(key) != entry.stamp]

    async def _take(
        self, fresh: Sequence[Entry], base: str, take: Callable[[str, bytes], Awaitable[Outcome]]
    ) -> tuple[Outcome, ...]:
        """
        Each by ``take``, of its key and bytes; in order, so that a warning is admitted before its end. What they link to
        is fetched some at a time.

        A host that answers none of some is not asked for the rest: that would take hours, and the feed its next polls.
        """
        outcomes = []
        dead: FeedUnreachable | None = None
        for start in range(0, len(fresh), _TOGETHER):
            some = fresh[start : start + _TOGETHER]
            fetching = (self._body(entry, base, dead=dead) for entry in some)
            bodies = await asyncio.gather(*fetching, return_exceptions=True)
            failures = [body for body in bodies if isinstance(body, FeedUnreachable) and body.passing]
            if len(failures) == len(some):
                dead = failures[0]
            for entry, body in zip(some, bodies, strict=True):
                if isinstance(body, bytes):
                    outcomes.append(await take(entry.key, body))
                elif isinstance(body, FeedUnreachable):
                    outcomes.append(_unfetched(entry, body))
                else:
                    raise body
        return tuple(outcomes)

    async def _body(self, entry: Entry, base: str, *, dead: FeedUnreachable | None = None) -> bytes:
        """Raises FeedUnreachable; the one that is given instead of asking."""
        if not entry.link:
            return entry.body
        if dead is not None:
            raise dead
        try:
            url = urljoin(base, entry.link)
        except ValueError:
            raise FeedUnreachable("its link is no address") from None
        answer = await self._fetcher.get(url, headers=self._reader.headers)
        return answer.body or b""

    # --- what is told of it -----------------------------------------------------------------------

    async def _failed(self, state: FeedState, trouble: str, result: str) -> tuple[FeedState, Polled]:
        log.warning("feed.failed", feed=self.settings.name, trouble=trouble[:200])
        state = replace(state, trouble=trouble[:500])
        await self._here.store.write(feeds.keep_state, state)
        self._count(result)
        return state, Polled(state.entries, trouble=state.trouble)

    def _sound(self, state: FeedState, now: datetime) -> None:
        alarms, name = self._here.alarms, self.settings.name
        if (span := watch.silence(self.settings, state, now)) is not None:
            alarms.sound(
                "feed_silent",
                name,
                case="failing" if state.trouble else "unasked",
                seconds=int(span.total_seconds()),
                detail=state.trouble,
            )
        else:
            alarms.clear("feed_silent", name)
        if (span := watch.staleness(self.settings, state, now)) is not None:
            alarms.sound("feed_stale", name, seconds=int(span.total_seconds()))
        else:
            alarms.clear("feed_stale", name)

    def _count(self, result: str, outcomes: Iterable[Outcome] = ()) -> None:
        metrics, name = self._here.metrics, self.settings.name
        metrics.feed_polls.labels(name, result).inc()
        for one in outcomes:
            metrics.feed_entries.labels(name, one.taken.value).inc()


def _unfetched(entry: Entry, error: FeedUnreachable) -> Outcome:
    taken = Taken.REFUSED if error.gone else Taken.UNFETCHED
    return Outcome(entry.key, taken, findings=(Fault("link", "unfetched", str(error)),))


def _trouble(outcomes: Sequence[Outcome]) -> str:
    failed = [one for one in outcomes if not one.taken.is_final]
    if not failed:
        return ""
    why = next((fault.message for one in failed for fault in one.findings), "see the log")
    return f"{len(failed)} of {len(outcomes)} new entries could not be taken in: {why}"
