"""ULIDs: ids that sort by the time they were made, 26 characters of Crockford's base 32."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_PAIR = 1024
_COUNTER_BITS = 40


class UlidMaker:
    """
    Makes ULIDs that rise strictly, also within one millisecond and when the clock steps back.

    The 80 random bits of the ULID specification are split into 40 drawn once a millisecond and a
    40-bit counter that starts at a random place in its lower half.
    """

    def __init__(self) -> None:
        self._millisecond = -1
        self._prefix = ""
        self._counter = 0

    def many(self, count: int, now: datetime) -> list[str]:
        """``count`` new ids, rising, stamped with ``now`` (or the latest time seen, if that is later)."""
        millisecond = int(now.timestamp() * 1000)
        if millisecond > self._millisecond or self._counter + count >= 1 << _COUNTER_BITS:
            self._millisecond = max(millisecond, self._millisecond + 1)
            self._prefix = _encode(self._millisecond, 10) + _encode(secrets.randbits(40), 8)
            self._counter = secrets.randbits(_COUNTER_BITS - 1)
        first = self._counter
        self._counter += count
        prefix, pairs = self._prefix, _PAIRS
        return [
            prefix + pairs[n >> 30] + pairs[n >> 20 & 1023] + pairs[n >> 10 & 1023] + pairs[n & 1023]
            for n in range(first, first + count)
        ]

    def one(self, now: datetime) -> str:
        """One new id."""
        return self.many(1, now)[0]


def made_at(ulid: str) -> datetime:
    """When the id was made, to the millisecond, in UTC."""
    millisecond = 0
    for character in ulid[:10]:
        millisecond = millisecond * 32 + _ALPHABET.index(character)
    return datetime.fromtimestamp(millisecond / 1000, UTC)


def floor(when: datetime) -> str:
    """The smallest id that can have been made at ``when``; for ranges over ids."""
    return _encode(max(int(when.timestamp() * 1000), 0), 10) + "0" * 16


def _encode(number: int, width: int) -> str:
    parts = []
    for _ in range(width // 2):
        number, low = divmod(number, _PAIR)
        parts.append(_PAIRS[low])
    return "".join(reversed(parts))
