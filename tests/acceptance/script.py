"""Reading a scenario: a page that a duty officer could read aloud, as steps with what each is to bring about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path

DAY = datetime(2026, 7, 14, tzinfo=timezone(timedelta(hours=8)))
"""All scenarios play on this day, in Beijing time."""

NOTHING = "–"

_FIXED = ("at", "what happens", "it is", "it says")
_MESSAGE = re.compile(
    r"(?P<source>weather|emergency|village) (?P<verb>sends|relays) (?P<drill>drill )?"
    r"(?P<kind>alert|update|cancel) (?P<name>[A-Z])(?: of (?P<of>[A-Z](?: and [A-Z])*))?"
    r"(?:: (?P<color>blue|yellow|orange|red), (?P<places>[^;]+))?(?P<more>(?:; [^;]+)*)"
)


@dataclass(frozen=True, slots=True)
class Message:
    """
    A message to be sent: by which source, in whose name (``relayed`` ones are the observatory's), about what.

    ``more`` are its peculiarities, each in a few words: ``sent 08:00``, ``as CAP``, ``titled …``.
    """

    source: str
    relayed: bool
    drill: bool
    kind: str
    name: str
    of: tuple[str, ...]
    color: str | None
    places: tuple[str, ...]
    more: tuple[str, ...]

    def said(self, key: str) -> str | None:
        """What follows that word among its peculiarities; None if it is not among them."""
        return next((one.removeprefix(key).strip() for one in self.more if one.startswith(key)), None)


@dataclass(frozen=True, slots=True)
class Step:
    """
    A row: at ``at`` something happens, the message ``becomes`` something, and people hear of it.

    ``heard`` are "channel change" by person. ``meanwhile``: before what came before has been sent.
    """

    at: datetime
    meanwhile: bool
    happens: str
    message: Message | None
    becomes: str
    words: str
    heard: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    steps: Sequence[Step]


def read(path: Path) -> Scenario:
    """A page: its title, some words for the reader, one table. Raises ValueError naming what cannot be read."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [_cells(line) for line in lines if line.startswith("|")]
    header, people = rows[0], rows[0][len(_FIXED) :]
    if tuple(header[: len(_FIXED)]) != _FIXED:
        raise ValueError(f"{path.name}: the table begins with {header}, not with {_FIXED}")
    return Scenario(lines[0].removeprefix("# "), [_step(path, people, row) for row in rows[2:]])


def clock(text: str) -> datetime:
    """``08:00`` of the day."""
    hour, minute = text.split(":")
    return datetime.combine(DAY, time(int(hour), int(minute)), DAY.tzinfo).astimezone(UTC)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _step(path: Path, people: Sequence[str], row: Sequence[str]) -> Step:
    if len(row) != len(_FIXED) + len(people):
        raise ValueError(f"{path.name}: a row of {len(row)} cells: {row}")
    at, happens, becomes, words, *heard = row
    return Step(
        clock(at.removeprefix("meanwhile").strip()),
        at.startswith("meanwhile"),
        happens,
        _message(happens),
        becomes,
        words,
        {person: frozenset(_heard(cell)) for person, cell in zip(people, heard, strict=True)},
    )


def _heard(cell: str) -> Iterator[str]:
    if cell and cell != NOTHING:
        yield from (each.strip() for each in cell.split(","))


def _message(happens: str) -> Message | None:
    found = _MESSAGE.fullmatch(happens)
    if found is None:
        return None
    return Message(
        found["source"],
        found["verb"] == "relays",
        found["drill"] is not None,
        found["kind"],
        found["name"],
        tuple(found["of"].split(" and ")) if found["of"] else (),
        found["color"],
        tuple(re.split(r", | and ", found["places"])) if found["places"] else (),
        tuple(one for one in found["more"].split("; ") if one),
    )
