"""What one gateway calls the parts of a request, an answer and a receipt, and what its codes mean."""

from __future__ import annotations

import re
from enum import Enum
from functools import cached_property
from typing import Annotated

from pydantic import BeforeValidator, Field

from channels.options import Options

Name = Annotated[str, Field(min_length=1)]


class Fields(Options):
    """``[channels.NAME.fields]``, the request: ``to`` is a list in JSON and joined with commas in a form."""

    to: Name = "to"
    text: Name = "text"
    ref: Name = "ref"


class Answer(Options):
    """
    ``[channels.NAME.answer]``, the reply: a code for the whole request and ``results``, one row a number.

    A row's own code and words are called as the whole request's are, unless ``result_code`` and
    ``result_message`` say otherwise.
    """

    code: Name = "code"
    message: Name = "message"
    results: Name = "results"
    to: Name = "to"
    id: Name = "id"
    result_code: Name | None = None
    result_message: Name | None = None


class ReceiptNames(Options):
    """``[channels.NAME.receipt]``, the status report: ``delivered`` and ``undelivered`` are final words of ``status``."""

    receipts: Name = "receipts"
    id: Name = "id"
    to: Name = "to"
    status: Name = "status"
    at: Name = "at"
    reason: Name = "reason"
    delivered: Name = "delivered"
    undelivered: Name = "undelivered"


class Meaning(Enum):
    """Of what a code speaks."""

    ACCEPTED = "accepted"
    ADDRESS = "address"
    CONTENT = "content"
    ACCOUNT = "account"
    TEMPORARY = "temporary"


_NUMBER = re.compile(r"-?\d{1,9}")
_RANGE = re.compile(r"(-?\d{1,9})(?:-(-?\d{1,9}))?")


def _ranges(value: object) -> tuple[range, ...]:
    """``"1000-1999, 4001"``, ``4001`` or a list of such."""
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    return tuple(part if isinstance(part, range) else _range(str(part).strip()) for part in parts)


def _range(text: str) -> range:
    if (match := _RANGE.fullmatch(text)) is None:
        raise ValueError("should be codes or ranges such as 1000-1999, separated by commas")
    low = int(match[1])
    high = int(match[2]) if match[2] is not None else low
    if high < low:
        raise ValueError(f"the range {text} ends before it begins")
    return range(low, high + 1)


Ranges = Annotated[tuple[range, ...], BeforeValidator(_ranges)]


class Codes(Options):
    """``[channels.NAME.codes]``: ranges of codes by their meaning; where two overlap, the earlier has it."""

    accepted: Ranges = (range(1),)
    address: Ranges = (range(1000, 2000),)
    content: Ranges = (range(2000, 3000),)
    account: Ranges = (range(3000, 4000),)
    temporary: Ranges = (range(9000, 10000),)

    @cached_property
    def by_range(self) -> tuple[tuple[range, Meaning], ...]:
        """Every range with its meaning, in the order in which they count."""
        return tuple((each, meaning) for meaning in Meaning for each in getattr(self, meaning.value))

    def meaning(self, code: object) -> Meaning | None:
        """Of a whole number or its decimal text; None for anything else and for codes of no range."""
        if isinstance(code, str):
            code = int(code) if _NUMBER.fullmatch(code.strip()) else None
        if type(code) is not int:  # ``False`` is no zero: it is a gateway that says "success": false
            return None
        for each, meaning in self.by_range:
            if code in each:
                return meaning
        return None


class Dialect(Options):
    """All of it: the part of the channel's table that the pure functions need."""

    fields: Fields = Fields()
    answer: Answer = Answer()
    receipt: ReceiptNames = ReceiptNames()
    codes: Codes = Codes()
