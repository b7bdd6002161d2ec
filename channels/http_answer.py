"""An HTTP gateway's answer, read from bytes as they come, and never more of it than any answer has."""

from __future__ import annotations

from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LARGEST = 1 << 20
"""Bytes of a body that are read; a thousand rows of an SMS gateway take a tenth of it."""

LONGEST_HEAD = 64 << 10
"""Bytes that may stand around it: status line, headers, the frames of chunks."""


class Answer(NamedTuple):
    """``retry_after`` is the header as it came. ``body`` is whole, but for a refusal whose page broke off."""

    status: int
    retry_after: str | None
    body: bytes


class BrokenAnswer(Exception):
    """What came is no HTTP, or more than any answer has."""


class AnswerReader:
    """Reads the answers that come over one connection, one for each ``expect``."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._retry_after: str | None = None
        self._body: list[bytes] = []
        self.expect()

    def expect(self) -> None:
        """A request leaves: what comes is its answer."""
        self.connection_lasts = True
        self._answer: Answer | None = None
        self._size = 0
        self._forget()

    def feed(self, data: bytes) -> Answer | None:
        """
        The answer once it is whole. Raises BrokenAnswer.

        Interim answers (1xx) are passed over. Whatever stands behind the answer is nobody's: there was one request.
        """
        self._size += len(data)
        if self._size > LARGEST + LONGEST_HEAD:
            raise BrokenAnswer
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.connection_lasts = False
            if self._answer is None:
                raise BrokenAnswer from None
        return self._answer

    def ended(self) -> Answer | None:
        """The answer, if its end is that of the connection."""
        return self._so_far() if self._headed and not self._framed else self.refused()

    def refused(self) -> Answer | None:
        """What stands even where the rest never comes: a refusal, whose status says all."""
        return self._so_far() if self._headed and self._parser.get_status_code() >= 300 else None

    def _so_far(self) -> Answer:
        return Answer(self._parser.get_status_code(), self._retry_after, b"".join(self._body))

    def _forget(self) -> None:
        self._headed = False
        """The head of a final answer is read."""
        self._framed = False
        """Its body has an end of its own, so that one that just stops has broken off."""
        self._retry_after = None
        self._body = []
        self._body_size = 0

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._answer is None:
            self._forget()
        else:
            self.connection_lasts = False

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"content-length" | b"transfer-encoding":
                self._framed = True
            case b"retry-after":
                self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._headed = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        self._body_size += len(body)
        if self._body_size > LARGEST:
            raise BrokenAnswer

    def on_message_complete(self) -> None:
        if self._headed and self._answer is None:
            self._answer = self._so_far()
            self.connection_lasts = self._parser.should_keep_alive()
