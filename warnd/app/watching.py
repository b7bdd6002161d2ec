"""What sending tells: counted, and sounded where a person must act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from warnd.app.board import AlarmBoard
from warnd.app.metrics import Metrics
from warnd.app.wiring import Line
from warnd.contract.outcome import Accepted, Outcome, Reason, Rejected, Scope
from warnd.model.delivery import Batch, BatchState, State
from warnd.ports import Settlement
from warnd.queue.breaker import looks_dead


class Watching:
    """
    ``pipeline.worker.Watcher``. ``content_refused`` hears of a batch whose text will not pass on its channel,
    ``not_all_accepted`` of each of whose deliveries some were not; ``clock`` gives microseconds since 1970.
    """

    def __init__(
        self,
        lines: Mapping[str, Line],
        *,
        metrics: Metrics,
        alarms: AlarmBoard,
        content_refused: Callable[[Batch], None],
        not_all_accepted: Callable[[Batch, Sequence[Outcome]], None],
        clock: Callable[[], int],
    ) -> None:
        self._lines = lines
        self._metrics = metrics
        self._alarms = alarms
        self._content_refused = content_refused
        self._not_all_accepted = not_all_accepted
        self._clock = clock
        self._unfit: dict[tuple[str, str], int] = {}

    def unfit(self) -> Mapping[str, int]:
        """The channels that are down, or paused for our account, each with since when, in microseconds."""
        since: dict[str, int] = {}
        for (_, channel), at in self._unfit.items():
            since[channel] = min(at, since.get(channel, at))
        for channel, line in self._lines.items():
            if (seconds := line.lanes.pace.unfit_for) is not None:
                at = self._clock() - int(seconds * 1e6)
                since[channel] = min(at, since.get(channel, at))
        return since

    def found_well(self, channel: str, *, up: bool, paid: bool) -> None:
        """Another process had an answer: what was sounded here of its being down, or paused, is over."""
        if up:
            self._well("channel_down", channel)
        if paid:
            self._well("channel_paused", channel)

    def settled(self, settlement: Settlement, outcomes: Sequence[Outcome]) -> None:
        """One request came to an end."""
        channel = settlement.batch.channel
        accepted = sum(type(one) is Accepted for one in outcomes)
        others = len(outcomes) - accepted
        seconds = (settlement.ended - settlement.started) / 1e6
        self._metrics.sending(channel).settled(seconds=seconds, accepted=accepted, others=others)
        if accepted:
            # One bad number among a hundred is no fault of the account.
            self._well("channel_paused", channel)
        if not others:
            self._well("channel_down", channel)
            return
        self._not_all_accepted(settlement.batch, outcomes)
        for one in settlement.each:
            self._sound(one.batch, one, outcomes)

    def _sound(self, batch: Batch, settlement: Settlement, outcomes: Sequence[Outcome]) -> None:
        channel = batch.channel
        first = next(one for one in outcomes if not isinstance(one, Accepted))
        if isinstance(first, Rejected) and first.scope is Scope.ACCOUNT:
            self._unfit.setdefault(("channel_paused", channel), settlement.ended)
            self._alarms.sound(
                "channel_paused",
                channel,
                case="out_of_credit" if first.reason is Reason.OUT_OF_CREDIT else "account_refused",
                detail=first.detail,
            )
        if settlement.content_refused:
            about = f"{channel}/{batch.alert_id}"
            self._alarms.sound(
                "content_refused", about, channel=channel, alert=batch.alert_id, detail=first.detail
            )
            self._content_refused(batch)
        if not self._lines[channel].lanes.pace.open:
            self._well("channel_down", channel)
        elif looks_dead(first):
            self._unfit.setdefault(("channel_down", channel), settlement.ended)
            self._alarms.sound("channel_down", channel, case=first.reason.value, detail=first.detail)
        if settlement.state is BatchState.SETTLED and _leaves_doubt(settlement):
            # Of the alert as a whole: its batches come to this one by one, each with a number of its own.
            self._alarms.sound("unknown_outcome", batch.alert_id)

    def _well(self, kind: str, channel: str) -> None:
        self._unfit.pop((kind, channel), None)
        self._alarms.clear(kind, channel)


def _leaves_doubt(settlement: Settlement) -> bool:
    """Whether it stays unknown of anybody in the batch."""
    fates = [fate for _, fate in settlement.fates] if settlement.uniform is None else [settlement.uniform]
    return any(fate.state is State.UNKNOWN for fate in fates)
