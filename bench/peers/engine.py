"""What every engine of the comparison is: started, handed a broadcast, weighed, killed, started again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from bench.gateway import Counting

CONNECTIONS = 64
"""Requests at once, of engines that can be told."""

TEXT = (
    "县气象台07月14日08时10分发布暴雨红色预警。范围：武都区。预计未来3小时降雨量将达100毫米以上。\n"
    "低洼和沿河地区人员立即转移。"
)


@dataclass(frozen=True, slots=True)
class Errand:
    """Who is told by way of which gateway; ``home`` is an empty directory for what an engine keeps."""

    gateway: Counting
    addresses: Sequence[str]
    home: Path

    @property
    def url(self) -> str:
        return str(self.gateway.options["url"])

    @property
    def token(self) -> str:
        return str(self.gateway.options["token"])


class Engine(Protocol):
    """
    One engine on one errand. ``quiet`` is after how many seconds without a message no more will come of it.

    ``start`` returns when it is ready, ``hand_over`` when it has answered for all recipients (of a library: when it
    was called). ``kill`` is ``kill -9`` of all that it consists of; ``start`` may follow, on the same home.
    """

    name: ClassVar[str]
    quiet: ClassVar[float]

    def __init__(self, errand: Errand) -> None: ...

    @staticmethod
    def missing() -> str | None:
        """Why it cannot run here; None if it can."""

    def start(self) -> None: ...

    def hand_over(self) -> None: ...

    def kill(self) -> None: ...

    def processes(self) -> Sequence[int]:
        """The ids of those that run it, without their children."""
