"""Date-times as warnings carry them: ISO 8601 with an offset, and the small liberties real feeds take."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_SHAPE = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?P<gap>[Tt ])(?P<clock>\d{2}:\d{2}(?::\d{2})?)"
    r"(?P<fraction>[.,]\d+)?(?P<offset>[Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_BEIJING = "+08:00"
_YEARS = range(1970, 3000)
_WIDEST_OFFSET = timedelta(hours=14)


def read_time(text: str) -> tuple[datetime, str]:
    """
    The aware time, and what CAP 1.2 (3.3.2) would not have: ``Z``, a fraction, a space; empty if nothing.

    Raises ValueError saying what is wrong. A time without offset is wrong: whose clock it is cannot be known.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError("is not a date and time like 2026-07-14T08:00:00+08:00")
    if shape["offset"] is None:
        raise ValueError("has no offset from UTC")
    return _instant(shape), _liberty(shape)


def read_beijing_time(text: str) -> datetime:
    """
    The aware time of a format whose clock is Beijing's: without offset, or as ``20260714080000``, it is meant so.

    Raises ValueError saying what is wrong.
    """
    basic = _BASIC.fullmatch(text)
    said = "{}-{}-{}T{}:{}:{}".format(*basic.groups()) if basic is not None else text
    shape = _SHAPE.fullmatch(said)
    if shape is not None and shape["offset"] is None:
        said += _BEIJING
    return read_time(said)[0]


def _instant(shape: re.Match[str]) -> datetime:
    clock, day = shape["clock"], timedelta()
    if clock in {"24:00", "24:00:00"}:
        clock, day = "00:00", timedelta(days=1)
    fraction = (shape["fraction"] or "").replace(",", ".")[:7]
    if fraction and len(clock) == len("00:00"):
        raise ValueError("has a fraction but no seconds")
    try:
        when = datetime.fromisoformat(f"{shape['date']}T{clock}{fraction}{shape['offset'].upper()}")
    except ValueError:
        raise ValueError("names a day, an hour or an offset that does not exist") from None
    if when.year not in _YEARS:
        raise ValueError(f"lies outside the years {_YEARS[0]} to {_YEARS[-1]}")
    if abs(when.utcoffset() or timedelta()) > _WIDEST_OFFSET:
        raise ValueError("is more than 14 hours off UTC")
    return when + day


def _liberty(shape: re.Match[str]) -> str:
    if shape["offset"] in "Zz":
        return "writes Z for the offset; CAP wants +00:00"
    if shape["fraction"]:
        return "has a fraction of a second"
    if shape["gap"] == " ":
        return "has a space instead of T"
    return ""
