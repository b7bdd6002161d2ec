"""One reading in a process of its own: how long it took, what memory it cost, and whether it died of it."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What came of it: ``outcome`` is what the reading returned, or how it ended otherwise.

    ``seconds`` are of the processor, so that a busy machine changes nothing; ``megabytes`` what the peak rose by.
    """

    outcome: str
    seconds: float
    megabytes: float


def watched(work: Callable[[], str], *, patience: int = 60) -> Reading:
    """
    Do it in a child; the parent should have loaded beforehand what the work needs.

    After ``patience`` seconds of the clock it is taken for stuck.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(readable)
            signal.alarm(patience)
            with os.fdopen(writable, "w") as pipe:
                json.dump(asdict(_measured(work)), pipe)
            os._exit(0)
        finally:
            os._exit(1)  # whatever happens, the child never goes on as its parent
    os.close(writable)
    with os.fdopen(readable) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return Reading(**json.loads(said))
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"killed itself with code {code}"
    return Reading(how, float(patience), 0.0)


def _measured(work: Callable[[], str]) -> Reading:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        outcome = work()
    except Exception as error:  # noqa: BLE001  whatever it raises is what is looked for
        outcome = f"raised {type(error).__name__}: {error}"[:300]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Reading(outcome, time.process_time() - began, (peak - before) / 1024)
