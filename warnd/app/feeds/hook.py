"""A feed that calls instead of being asked: the call is verified, what it leads to fetched, and taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from warnd.app.feeds import watch
from warnd.app.feeds.fetch import FeedUnreachable, Fetcher
from warnd.app.feeds.reception import Reception
from warnd.app.feeds.taking import Outcome, Taken, Taker, faults_of
from warnd.contract.secret import Secret
from warnd.errors import Fault, Invalid
from warnd.intake.feeds import Reader
from warnd.intake.feeds.caiyun import Event, event_with_alert, read_event
from warnd.settings import FeedSettings
from warnd.store import feeds
from warnd.store.alerts import RawMessage
from warnd.store.feed_calls import FeedCall, calls_like, remember_call
from warnd.store.feeds import FeedState

log = structlog.get_logger()

_EVER = datetime.fromtimestamp(0, UTC)

_NEVER_ON = Fault("alert_id", "never_on", "is no warning that this feed has called on")


class Hook:
    """
    Takes the calls of one feed, signed with ``key``.

    What a call wants done is not signed. So a signature serves for what it was first used for, and an end is of a
    warning that this feed called on itself. The same call again does no harm: its alert is here already.
    """

    def __init__(
        self, settings: FeedSettings, key: Secret, reader: Reader, fetcher: Fetcher, reception: Reception
    ) -> None:
        self.settings = settings
        self._key = key
        self._reader = reader
        self._fetcher = fetcher
        self._here = reception
        self._taker = Taker(reader, settings.source, reception)

    async def receive(self, body: bytes) -> Outcome:
        """
        Take in what a call tells of; it is on disk when this returns.

        Raises Invalid for a call that is none, not signed or signed as another was, FeedUnreachable when its alert
        cannot be fetched (the caller is to call again) and StoreError.
        """
        event = read_event(body)
        if not event.is_signed_with(self._key.reveal()):
            raise Invalid([Fault("signature", "bad_signature", "is not that of secret, alert_id and nonce")])
        call = FeedCall(self.settings.name, event.signature.lower(), event.event, event.warning, event.url)
        earlier = await self._here.store.read(calls_like, call)
        if any(one.signature == call.signature and one != call for one in earlier):
            about = event.alert_id[: watch.LONGEST]
            self._here.alarms.sound("feed_refused", call.feed, case="replay", warning=about)
            raise Invalid([Fault("nonce", "nonce_used", "was used before, for another call")])
        now = self._here.now()
        states = await self._here.store.read(feeds.states)
        before = states.get(self.settings.name, FeedState(self.settings.name, now, now))
        try:
            if _may_say(call, event, earlier):
                outcome = await self._taken(event, body)
            else:
                outcome = await self._refused(event, body)
        except FeedUnreachable as error:
            log.warning("feed.failed", feed=self.settings.name, trouble=str(error))
            await self._here.store.write(feeds.keep_state, replace(before, polled=now, trouble=str(error)))
            raise
        state = replace(
            before,
            polled=now,
            succeeded=now,
            changed=now,
            newest=outcome.alert.sent if outcome.alert is not None else before.newest,
            entries=1,
            admitted=before.admitted + (outcome.taken is Taken.ADMITTED),
            faults=before.faults + faults_of([outcome]),
            trouble="",
        )
        if outcome.taken is Taken.REFUSED:
            await self._here.store.write(feeds.keep_state, state)
        else:
            await self._here.store.write(remember_call, call, state, now)
        watch.sound_refusals(self._here.alarms, self.settings.name, [outcome])
        self._here.metrics.feed_entries.labels(self.settings.name, outcome.taken.value).inc()
        return outcome

    async def _taken(self, event: Event, body: bytes) -> Outcome:
        answer = await self._fetcher.get(event.url, headers=self._reader.headers)
        whole = event_with_alert(body, answer.body or b"")
        return await self._taker.take(event.alert_id, whole, since=_EVER)

    async def _refused(self, event: Event, body: bytes) -> Outcome:
        """What another feed or source brought is not this one's to end."""
        here = self._here
        raw = RawMessage(here.new_id(), self.settings.source, self._reader.content_type, body, here.now())
        await here.refuse(raw, (_NEVER_ON,))
        return Outcome(event.alert_id, Taken.REFUSED, findings=(_NEVER_ON,))


def _may_say(call: FeedCall, event: Event, earlier: Sequence[FeedCall]) -> bool:
    return not event.ends or any(one.warning == call.warning and one.event != call.event for one in earlier)
