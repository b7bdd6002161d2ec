"""Amounts as people write them: ``500ms``, ``20/min``, ``4MiB``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from warnd.queue.rates import Rate

_SPANS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SIZES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", re.ASCII)
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|min|h)", re.ASCII)


def duration(text: str) -> timedelta:
    """``500ms``, ``60s``, ``5m``, ``6h`` or ``365d``. Raises ValueError for anything else, zero included."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or (unit := _SPANS.get(found[2])) is None:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 60s, 5m, 6h or 365d")
    try:
        span = float(found[1]) * unit
    except OverflowError:
        raise ValueError(f"{text!r} is too long a duration") from None
    if not span:
        raise ValueError("a duration is longer than nothing")
    return span


def rate(text: str) -> Rate:
    """``500/s``, ``20/min`` or ``100/h``. Raises ValueError for anything else, zero included."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a rate such as 500/s, 20/min or 100/h")
    if not (count := float(found[1])):
        raise ValueError("a rate is more than none")
    return Rate(count, _SPANS[found[2]].total_seconds())


def size(text: str) -> int:
    """Bytes of ``4MiB``, ``512KiB``. Raises ValueError for anything else."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or (unit := _SIZES.get(found[2])) is None:
        raise ValueError(f"{text!r} is not a size such as 512KiB or 4MiB")
    return int(float(found[1]) * unit)


def _text(value: Any, example: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f'write it with its unit, such as "{example}"')  # noqa: TRY004  pydantic takes ValueError
    return value


def _per_second(value: Any) -> float:
    return rate(_text(value, "500/s")).per_second


def _size(value: Any) -> Any:
    return size(value) if isinstance(value, str) and not value.isdecimal() else value


Duration = Annotated[timedelta, BeforeValidator(lambda value: duration(_text(value, "60s")))]
TargetRate = Annotated[Rate, BeforeValidator(lambda value: rate(_text(value, "20/min")))]
PerSecond = Annotated[float, BeforeValidator(_per_second)]
Size = Annotated[int, BeforeValidator(_size)]
