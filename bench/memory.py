"""What a daemon weighs with a long queue: its resident memory once a blue broadcast is planned and nothing leaves."""

from __future__ import annotations

from pathlib import Path

from bench.gateway import sms_gateway
from bench.process import home

_STILL_MS = 60_000
_PLANNED = "SELECT count(*) FROM alerts WHERE plan_done"


def resident_mebibytes(audience: Path) -> float:
    """The peak up to the end of the plan, as the kernel keeps it (VmHWM)."""
    with sms_gateway(latency_ms=_STILL_MS) as gateway:
        channel = {"adapter": "sms.http", "timeout": "300s", "receipts": False, **gateway.options}
        with home(audience, {"sms": channel}) as here, here.daemon("blue") as running:
            here.wait_for("the broadcast is planned", _PLANNED)
            return running.resident_mebibytes("VmHWM")
