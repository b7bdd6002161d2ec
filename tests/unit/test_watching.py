"""Which channels are unfit, as far as a process knows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from warnd.app.metrics import Metrics
from warnd.app.watching import Watching
from warnd.contract.outcome import Accepted, Deferred, Reason
from warnd.model.delivery import BatchState, State
from warnd.ports import Fate, Settlement


def test_what_other_processes_found_down_is_unfit_for_one_that_sends_nothing() -> None:
    """Its clerk falls over to the next channel at once, not when something is late."""
    paces = {"sms": SimpleNamespace(unfit_for=3.0), "email": SimpleNamespace(unfit_for=None)}
    lines = {name: SimpleNamespace(lanes=SimpleNamespace(pace=pace)) for name, pace in paces.items()}
    watching = Watching(
        cast(Any, lines),
        metrics=Metrics(),
        alarms=cast(Any, None),
        content_refused=lambda batch: None,
        not_all_accepted=lambda batch, outcomes: None,
        clock=lambda: 10_000_000,
    )
    assert watching.unfit() == {"sms": 7_000_000}


def test_who_stays_in_doubt_among_those_who_were_told_is_sounded() -> None:
    """Of a batch that came to several ends, too."""
    sounded: list[tuple[str, str]] = []
    line = SimpleNamespace(lanes=SimpleNamespace(pace=SimpleNamespace(open=True)))
    watching = Watching(
        cast(Any, {"sms": line}),
        metrics=Metrics(),
        alarms=cast(
            Any,
            SimpleNamespace(
                sound=lambda kind, subject, **facts: sounded.append((kind, subject)),
                clear=lambda kind, subject: None,
            ),
        ),
        content_refused=lambda batch: None,
        not_all_accepted=lambda batch, outcomes: None,
        clock=lambda: 0,
    )
    batch = cast(Any, SimpleNamespace(channel="sms", alert_id="A"))
    fates = ((0, Fate(State.ACCEPTED, told=True)), (1, Fate(State.UNKNOWN, Reason.NO_REPLY, told=True)))
    outcomes = [Accepted("key"), Deferred(Reason.NO_REPLY, maybe_sent=True)]
    again = Settlement(batch, 0, 1, BatchState.UNKNOWN, fates=fates[:1])
    watching.settled(again, outcomes)
    assert ("unknown_outcome", "A") not in sounded, "it is tried again"
    watching.settled(Settlement(batch, 0, 1, BatchState.SETTLED, fates=fates), outcomes)
    assert ("unknown_outcome", "A") in sounded
