"""How many pushes of receipts are taken in at once: what bounds the memory that a flood of them can ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from warnd.app.board import AlarmBoard
from warnd.errors import TooMany

MOST = 32
"""Each holds a body of at most ``server.max_body`` until its receipts are on disk."""

_RETRY_SECONDS = 1.0


class Pushes:
    """Those under way, of all channels."""

    def __init__(self, alarms: AlarmBoard) -> None:
        self._alarms = alarms
        self._under_way = 0

    @contextmanager
    def admitted(self, channel: str) -> Iterator[None]:
        """Take one more in. Raises TooMany when there are as many as may be; providers push again what got no 200."""
        if self._under_way >= MOST:
            self._alarms.sound("receipts_flood", "receipts", channel=channel)
            raise TooMany("more receipts come than can be stored at once; push them again", _RETRY_SECONDS)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
        if self._under_way < MOST // 2:
            self._alarms.clear("receipts_flood", "receipts")
