"""What ``warnd doctor`` finds of a channel: whether it opens, and whether a message would leave; none is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from warnd.cli.finding import Finding, Health, at_fault
from warnd.contract.channel import Channel, Rehearses
from warnd.contract.outcome import Accepted, Receipt
from warnd.errors import ConfigError, WarndError

_OPENING = 15.0


async def channel(name: str, adapter: Channel) -> list[Finding]:
    """Whether it opens, and whether a message would leave where it can tell that; none is sent."""
    try:
        found = [await _opening(f"channel {name}", adapter)]
        if found[0].health is Health.GOOD and isinstance(adapter, Rehearses):
            found.append(await _rehearsal(f"connection {name}", adapter, adapter.capabilities.timeout))
        return found
    finally:
        await adapter.close()


async def _opening(check: str, adapter: Channel) -> Finding:
    try:
        async with asyncio.timeout(_OPENING):
            await adapter.open(_nowhere)
    except TimeoutError:
        return Finding(check, Health.FAILED, f"did not open within {_OPENING:g} s")
    except ConfigError as error:
        return at_fault(check, error)
    except Exception as error:  # noqa: BLE001  a third party's adapter may raise anything
        return Finding(check, Health.FAILED, str(error) or type(error).__name__)
    return Finding(check, Health.GOOD, "opens")


async def _rehearsal(check: str, adapter: Rehearses, patience: timedelta) -> Finding:
    try:
        async with asyncio.timeout(patience.total_seconds()):
            outcome = await adapter.rehearse()
    except TimeoutError:
        return Finding(check, Health.FAILED, f"does not answer within {patience.total_seconds():g} s")
    except Exception as error:  # noqa: BLE001  a third party's adapter may raise anything
        return Finding(check, Health.FAILED, str(error) or type(error).__name__)
    if isinstance(outcome, Accepted):
        return Finding(check, Health.GOOD, "a message would get through; none was sent")
    why = outcome.reason.value.replace("_", " ")
    return Finding(
        check, Health.FAILED, f"no message would get through: {why}; {outcome.detail}".rstrip("; ")
    )


async def _nowhere(receipts: Sequence[Receipt]) -> None:
    """A receipt that comes just now is the daemon's to ask for again."""
    raise WarndError(f"{len(receipts)} receipts came during a check")
