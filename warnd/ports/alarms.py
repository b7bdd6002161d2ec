"""How whatever runs says that a person must act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

Fact: TypeAlias = str | int | list[str] | list[dict[str, str]]

Facts: TypeAlias = Mapping[str, Fact]
"""
By name what an alarm's sentence is filled in with, as it goes into JSON.

``case`` says which sentence, where its kind has several; ``seconds`` is a length of time, ``due`` an ISO 8601 time,
``findings`` are faults as ``store.findings.written`` gives them, ``detail`` is somebody else's word, often empty.
"""


class Alarms(Protocol):
    """Where a condition goes that a person must act on."""

    def sound(self, kind: str, subject: str, /, **facts: Fact) -> None:
        """It stands, as ``facts`` tell; the same ``subject`` again is one alarm that came twice."""
