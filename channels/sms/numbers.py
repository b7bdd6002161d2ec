"""Numbers as gateways write them back: without the plus, with spaces, without the country."""

from __future__ import annotations

import re
from collections.abc import Sequence

HOME = "86"
"""The country whose numbers come back without their code (E.164 country code of mainland China)."""

_NATIONAL = re.compile(r"1\d{10}")
_WITH_COUNTRY = re.compile(r"861\d{10}")
_NOT_DIGITS = re.compile(r"\D")
_AMBIGUOUS = -1


class Spellings:
    """
    Finds the place of a number of a batch however the gateway spells it.

    A number with ``+`` or ``00`` is international and must be the same; a bare one may have lost its plus or
    its country. A bare one that could be two of the batch is neither.
    """

    __slots__ = ("_bare", "_international")

    def __init__(self, addresses: Sequence[str]) -> None:
        self._international: dict[str, int] = {}
        self._bare: dict[str, int] = {}
        for place, address in enumerate(addresses):
            digits = _NOT_DIGITS.sub("", address)
            self._international[digits] = place
            for spelling in {digits, digits.removeprefix(HOME)}:
                self._bare[spelling] = _AMBIGUOUS if spelling in self._bare else place

    def place(self, number: object) -> int | None:
        """Where in the batch that number stands; None when it is no number of it."""
        if not isinstance(number, str | int):
            return None
        text = str(number).strip()
        digits = _NOT_DIGITS.sub("", text)
        if text.startswith("+"):
            return self._international.get(digits)
        if text.startswith("00"):
            return self._international.get(digits[2:])
        place = self._bare.get(digits, _AMBIGUOUS)
        return None if place == _AMBIGUOUS else place


def e164(number: object) -> str | None:
    """
    The E.164 form of a number that stands alone, or None when its country cannot be told.

    Bare numbers are those of mainland China: ``154…`` with eleven digits, ``86154…`` with thirteen.
    """
    if not isinstance(number, str | int):
        return None
    text = str(number).strip()
    digits = _NOT_DIGITS.sub("", text)
    if text.startswith("+"):
        return f"+{digits}" if digits else None
    if text.startswith("00"):
        return f"+{digits[2:]}" if len(digits) > 2 else None
    if _NATIONAL.fullmatch(digits):
        return f"+{HOME}{digits}"
    return f"+{digits}" if _WITH_COUNTRY.fullmatch(digits) else None
