"""One connection to an HTTP gateway: one request at a time, and its answer or why there is none."""

from __future__ import annotations

import asyncio
from typing import cast

from channels.http_answer import Answer, AnswerReader, BrokenAnswer

IDLE_SECONDS = 4.0
"""
A connection that nobody wanted for so long is not used again: the gateway may be about to close it, and of what it then gets
nobody knows. Apache httpd, Node and uvicorn close after five seconds unless told otherwise, most others later.
"""


class Line(asyncio.Protocol):
    """
    Asks and listens, and closes itself where nothing more can be asked.

    ``patience``: seconds from a request to the end of its answer. A timer for each request would cost more than all
    the rest: one looks at ``_until`` when it is due, and is set anew where that has moved.
    """

    __slots__ = ("_answer", "_loop", "_patience", "_reader", "_transport", "_until", "_watch", "_watch_due")

    def __init__(self, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._patience = patience
        self._reader = AnswerReader()
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[Answer] | None = None
        self._until = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._watch_due = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it can be asked now."""
        return self._answer is None and self._loop.time() < self._until and not self._transport.is_closing()

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """
        The answer to a request, all of it.

        Raises TimeoutError, BrokenAnswer, and ConnectionError when the line breaks first. Whoever no longer waits
        closes the line: what comes later is nobody's.
        """
        self._answer = answer = self._loop.create_future()
        self._reader.expect()
        self._expect_until(self._loop.time() + self._patience)
        self._transport.write(request)
        return answer

    def close(self) -> None:
        """At once; an answer still waited for does not come."""
        self._transport.abort()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._expect_until(self._loop.time() + IDLE_SECONDS)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            # A gateway that speaks unasked says good-bye, or is confused.
            self.close()
            return
        try:
            answer = self._reader.feed(data)
        except BrokenAnswer as broken:
            self._break(broken)
            return
        if answer is not None:
            self._settle(answer)
            if not self._reader.connection_lasts or self._transport.get_write_buffer_size():
                self.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if error is None and (answer := self._reader.ended()) is not None:
            self._settle(answer)
        else:
            self._break(ConnectionResetError())

    # How long it may be quiet

    def _expect_until(self, until: float) -> None:
        self._until = until
        if self._watch is None:
            self._look_at(until)
        elif until < self._watch_due:
            self._watch.cancel()
            self._look_at(until)

    def _look_at(self, when: float) -> None:
        self._watch_due = when
        self._watch = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._loop.time() < self._until:
            self._look_at(self._until)
        else:
            self._break(TimeoutError())

    # What becomes of the answer

    def _break(self, reason: Exception) -> None:
        self._settle(self._reader.refused() or reason)
        self.close()

    def _settle(self, outcome: Answer | Exception) -> None:
        self._until = self._loop.time() + IDLE_SECONDS
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            return
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
