"""What reading one message turned up, gathered so that every fault is named at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn

from warnd.errors import Fault, InvalidAlert

MAX_FINDINGS = 100
"""Of each weight; whoever broke a rule a hundred times knows by then."""


class Weight(Enum):
    """How much a finding matters, see the package."""

    FAULT = "fault"
    DOUBT = "doubt"
    WARNING = "warning"


@dataclass(slots=True)
class Findings:
    """Faults, doubts and warnings, each in the order found."""

    faults: list[Fault] = field(default_factory=list)
    doubts: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def add(self, weight: Weight, path: str, code: str, message: str) -> None:
        found = {Weight.FAULT: self.faults, Weight.DOUBT: self.doubts, Weight.WARNING: self.warnings}[weight]
        if len(found) < MAX_FINDINGS:
            found.append(Fault(path, code, message))

    def fault(self, path: str, code: str, message: str) -> None:
        self.add(Weight.FAULT, path, code, message)

    def doubt(self, path: str, code: str, message: str) -> None:
        self.add(Weight.DOUBT, path, code, message)

    def warn(self, path: str, code: str, message: str) -> None:
        self.add(Weight.WARNING, path, code, message)

    def refusal(self) -> InvalidAlert:
        """What to raise when there is a fault. It names the doubts too: who mends one wants them all."""
        return InvalidAlert([*self.faults, *self.doubts])


def refuse(path: str, code: str, message: str) -> NoReturn:
    """Raise InvalidAlert for the one thing that makes looking further pointless."""
    raise InvalidAlert([Fault(path, code, message)])
