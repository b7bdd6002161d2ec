"""Open SMTP connections, each lent to one transaction at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from channels.email.dialogue import Dialogue

MESSAGES = 100
"""Relays like a connection to end some time; this many messages are sent over one."""

IDLE_SECONDS = 30.0
"""A connection that nobody wanted for so long is closed, before the relay does it."""


@dataclass(slots=True, eq=False)
class Line:
    """
    One connection.

    ``sent`` counts the messages that went over it; ``unsettled``: a transaction was refused half-way and has
    to be reset; ``idle_since`` is when it was last given back (loop time).
    """

    dialogue: Dialogue
    sent: int = 0
    unsettled: bool = False
    idle_since: float = 0.0

    def settle(self, *, taken: bool) -> None:
        """Note how its last transaction ended."""
        self.sent += taken
        self.unsettled = not taken


class Pool:
    """
    Lends the connection that was used last, or a new one that ``dial`` opens.

    It sets no bound: at most as many are open as there are sends at once, and those the core's slots bound.
    """

    def __init__(self, dial: Callable[[], Awaitable[Dialogue]]) -> None:
        self._dial = dial
        self._idle: deque[Line] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def borrow(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if line.dialogue.is_open:
                return line
        return Line(await self._dial())

    def give_back(self, line: Line) -> None:
        """After a transaction that ended cleanly; one that did not is hung up instead."""
        if self._closed or line.sent >= MESSAGES or not line.dialogue.is_open:
            line.dialogue.hang_up()
            return
        loop = asyncio.get_running_loop()
        line.idle_since = loop.time()
        self._idle.append(line)
        if self._sweep is None:
            self._sweep = loop.call_later(IDLE_SECONDS, self._close_idle)

    def close(self) -> None:
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop().dialogue.hang_up()

    def _close_idle(self) -> None:
        """The longest idle stand on the left; come back when the next one is due."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        while self._idle and self._idle[0].idle_since <= loop.time() - IDLE_SECONDS:
            self._idle.popleft().dialogue.hang_up()
        if self._idle:
            self._sweep = loop.call_at(self._idle[0].idle_since + IDLE_SECONDS, self._close_idle)
