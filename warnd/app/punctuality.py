"""Watching whether broadcasts come in time: a word to a person while there still is something to be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from warnd.app.board import AlarmBoard
from warnd.model.color import Lane
from warnd.model.policy import Policies
from warnd.pipeline.punctual import Late, Unsent, late
from warnd.store import unsent
from warnd.store.threads import ThreadedStore
from warnd.store.unsent import UnderWay

_LOOK_EVERY = 5_000_000
_MICROSECOND = timedelta(microseconds=1)


class Punctuality:
    """
    Looks every few seconds at what is under way, whichever process sends it. ``clock`` gives microseconds since 1970.
    """

    def __init__(
        self,
        store: ThreadedStore,
        *,
        policies: Policies,
        alarms: AlarmBoard,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._policies = policies
        self._alarms = alarms
        self._clock = clock
        self._since: dict[str, int] = {}
        self._looked: int | None = None
        self._handed_over: dict[tuple[str, str], int] = {}
        self._busy: frozenset[str] = frozenset()

    def began(self, alert_id: str) -> None:
        """Its broadcast is under way from now on, if it was not."""
        self._since.setdefault(alert_id, self._clock())

    async def round(self) -> None:
        """Sound for what will be late, if it is time to look."""
        now = self._clock()
        if self._looked is None:
            for alert_id, since in await self._store.read(unsent.in_force):
                self._since.setdefault(alert_id, since)
        elif now - self._looked < _LOOK_EVERY:
            return
        found = await self._store.read(unsent.under_way, list(self._since)) if self._since else []
        pace = self._pace(found, now)
        left = [one for one in found if one.deliveries]
        going = {one.alert_id for one in found if one.deliveries or not one.planned}
        for alert_id in self._since.keys() - going:
            del self._since[alert_id]
            self._alarms.clear("broadcast_late", alert_id)
        self._busy = frozenset(one.channel for one in left)
        headlines = {one.alert_id: one.headline for one in left}
        for one in late([self._unsent(each) for each in left if each.lane is not Lane.DRILL], pace, now):
            self._sound(one, headlines[one.unsent.alert_id])

    def _pace(self, found: Sequence[UnderWay], now: int) -> Mapping[str, float]:
        """
        Deliveries a second since the last look, of the channels that have had something to send ever since.
        """
        before, since = self._handed_over, self._looked
        self._handed_over = {(one.alert_id, one.channel): one.handed_over for one in found}
        self._looked = now
        if since is None or now <= since:
            return {}
        seconds = (now - since) / 1e6
        pace = dict.fromkeys(self._busy, 0.0)
        for (alert_id, channel), n in self._handed_over.items():
            if channel in pace:
                pace[channel] += (n - before.get((alert_id, channel), 0)) / seconds
        return pace

    def _sound(self, one: Late, headline: str) -> None:
        alert_id, n, channel = one.unsent.alert_id, one.unsent.deliveries, one.unsent.channel
        if one.ends is None:
            self._alarms.sound(
                "broadcast_late", alert_id, case="stuck", headline=headline, n=n, channel=channel
            )
            return
        seconds = max(one.ends - one.unsent.late_at, 0) // 1_000_000
        self._alarms.sound(
            "broadcast_late", alert_id, case="slow", headline=headline, n=n, channel=channel, seconds=seconds
        )

    def _unsent(self, one: UnderWay) -> Unsent:
        since = self._since[one.alert_id]
        patience = self._policies.late_after(one.color, one.hazard, one.channel) // _MICROSECOND
        return Unsent(one.alert_id, one.channel, one.lane.value, since, one.deliveries, since + patience)
