"""Which channels are unfit, as far as a process knows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from warnd.app.metrics import Metrics
from warnd.app.watching import Watching


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
