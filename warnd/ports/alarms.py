"""How whatever runs says that a person must act."""

from __future__ import annotations

from typing import Protocol


class Alarms(Protocol):
    """Where a condition goes that a person must act on."""

    def sound(self, kind: str, subject: str, message: str) -> None:
        """It stands, as ``message`` says; the same ``subject`` again is one alarm that came twice."""
