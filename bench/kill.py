"""``kill -9`` in the middle of a broadcast and a restart, judged by the gateway's own account."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.gateway import sms_gateway
from bench.process import home
from bench.until import until

SLOTS, BATCH = 8, 100
_LATENCY_MS = 10
_PATIENCE = 120.0

_IN_FLIGHT = "SELECT coalesce(sum(size), 0) FROM batches WHERE state = 'sending'"
_MARKED = """
SELECT coalesce(sum(json_extract(body, '$.size')), 0) FROM journal
WHERE kind = 'attempt.ended' AND json_extract(body, '$.possible_repeat')
"""


@dataclass(frozen=True, slots=True)
class Killed:
    """Recipients in each case: never reached, reached twice, in flight when it died, marked as possible repeats."""

    lost: int
    repeated: int
    in_flight: int
    marked: int


def kill_and_restart(audience: Path, people: int, *, after: int) -> Killed:
    """Kill a red broadcast once the gateway has taken ``after`` numbers, restart, wait for the end."""
    with sms_gateway(latency_ms=_LATENCY_MS) as gateway:
        channel = {
            "adapter": "sms.http", "max_batch": BATCH, "slots": SLOTS, "receipts": False, **gateway.options,
        }  # fmt: skip
        with home(audience, {"sms": channel}) as here:
            with here.daemon("red") as running:
                until(
                    lambda: gateway.counts()["taken"] >= after,
                    "so many are taken",
                    patience=_PATIENCE,
                    every=0.002,
                )
                running.kill()
            in_flight = here.look(_IN_FLIGHT)
            with here.daemon() as running:
                if running.process.wait(timeout=_PATIENCE) != 0:
                    raise RuntimeError("the restarted daemon broke down; see above")
            counts = gateway.counts()
            return Killed(
                lost=people - counts["numbers"],
                repeated=counts["taken"] - counts["numbers"],
                in_flight=in_flight,
                marked=here.look(_MARKED),
            )
