"""What feeds need of the application around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warnd.app.board import AlarmBoard
from warnd.app.metrics import Metrics
from warnd.errors import Fault
from warnd.intake.signature import Checked
from warnd.model.alert import Parsed
from warnd.model.hazard import HazardCatalogue
from warnd.pipeline.admit import Speaker
from warnd.store.alerts import Admitted, RawMessage
from warnd.store.threads import ThreadedStore


class Admit(Protocol):
    """Keep what was read from a raw message and act on it. Raises Conflict."""

    def __call__(self, parsed: Parsed, raw: RawMessage, speaker: Speaker) -> Awaitable[Admitted]: ...


@dataclass(frozen=True, slots=True)
class Reception:
    """
    ``speaker`` finds a source by its name; ``check_signature`` says what may be read of its body, and raises
    InvalidAlert for what is forged. ``refuse`` keeps what no alert could be made of. ``now`` is the time of day.
    """

    store: ThreadedStore
    alarms: AlarmBoard
    metrics: Metrics
    catalogue: HazardCatalogue
    speaker: Callable[[str], Speaker]
    check_signature: Callable[[bytes, Speaker], Checked]
    admit: Admit
    refuse: Callable[[RawMessage, Sequence[Fault]], Awaitable[None]]
    new_id: Callable[[], str]
    now: Callable[[], datetime]
