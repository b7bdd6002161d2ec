"""The divisions of the country: bringing them in, finding them, and what a padded code means among them."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, and_, func, or_, select

from warnd.errors import ConfigError, Fault, Invalid, NotFound
from warnd.model.division_names import FICTIONS
from warnd.model.region import LEVELS, WIDTHS, Level, Region, ancestors, candidates, covers
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.paging import MOST, Page, in_chunks, in_subtree
from warnd.store.statement import Statement
from warnd.store.tables import regions

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""

_CHUNK = 20_000

_UPSERT = Statement("""
INSERT INTO regions (code, name) SELECT j.code, j.name FROM rows(?) j(code text, name text) WHERE true
ON CONFLICT (code) DO UPDATE SET name = excluded.name WHERE regions.name <> excluded.name
""")


@dataclass(frozen=True, slots=True)
class ImportedRegions:
    """``offered`` are the divisions of the file that were asked for, ``changed`` those new or renamed."""

    offered: int
    changed: int


def import_regions(
    connection: Connection, path: Path, *, under: str | None = None, progress: Progress | None = None
) -> ImportedRegions:
    """
    Bring in a division file (``code,name`` as CSV, packed with xz), or of it the division ``under`` (maybe padded)
    with all below and above it.

    Doing it again changes nothing; what the file lacks stays. Raises NotFound when the file has no such
    division, ConfigError when it cannot be read.
    """
    rows = list(_divisions(path)) if under is None else _lineage(path, under)
    changed = 0
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        changed += raw_of(connection).execute(_UPSERT, (bulk.rows(chunk),)).rowcount
        if progress is not None:
            progress(start + len(chunk), len(rows))
    return ImportedRegions(len(rows), changed)


def count(connection: Connection) -> int:
    """How many divisions there are."""
    return connection.execute(select(func.count()).select_from(regions)).scalar_one()


def get(connection: Connection, code: str) -> Region:
    """Raises NotFound."""
    name = connection.execute(select(regions.c.name).where(regions.c.code == code)).scalar_one_or_none()
    if name is None:
        raise NotFound("region", code)
    return Region(code, name)


def search(
    connection: Connection,
    text: str = "",
    *,
    parent: str | None = None,
    level: Level | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Region]:
    """
    Divisions whose name holds ``text``, or whose code begins with it; the widest first, then by code.

    With ``parent`` only what lies below it: its children, or with a text or a level anything down to
    villages. Without anything: the provinces.
    """
    code, width = regions.c.code, func.length(regions.c.code)
    statement = select(code, regions.c.name)
    if wanted := text.strip():
        by_code = wanted.isascii() and wanted.isdigit()
        found = in_subtree(code, wanted) if by_code else regions.c.name.contains(wanted, autoescape=True)
        statement = statement.where(found)
    elif level is None:
        level = _below(parent)
        if level is None:
            return Page(())
    if parent is not None:
        statement = statement.where(in_subtree(code, parent), code != parent)
    if level is not None:
        statement = statement.where(width == WIDTHS[level])
    if cursor is not None:
        statement = statement.where(or_(width > len(cursor), and_(width == len(cursor), code > cursor)))
    size = max(1, min(limit, MOST))
    rows = connection.execute(statement.order_by(width, code).limit(size + 1)).all()
    items = tuple(Region(row.code, row.name) for row in rows[:size])
    return Page(items, items[-1].code if len(rows) > size else None)


def names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """The names of those codes that are known."""
    found: dict[str, str] = {}
    for chunk in in_chunks(codes):
        rows = connection.execute(select(regions.c.code, regions.c.name).where(regions.c.code.in_(chunk)))
        found.update((code, name) for code, name in rows)
    return found


def known(connection: Connection, codes: Iterable[str]) -> set[str]:
    """Those of the codes that are divisions, just as they are written."""
    return set(names(connection, codes))


def full_name(connection: Connection, code: str) -> str:
    """The whole path as one says it, e.g. 甘肃省陇南市武都区; the code itself where it is unknown."""
    return full_names(connection, (code,)).get(code, code)


def full_names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """``full_name`` of many, without the unknown ones."""
    wanted = dict.fromkeys(codes)
    named = names(connection, (part for code in wanted for part in (*ancestors(code), code)))
    return {code: _path(code, named) for code in wanted if code in named}


def resolve(connection: Connection, raw_codes: Iterable[str]) -> tuple[list[str], list[str]]:
    """The divisions that codes as received mean, each once and in order; and the codes that mean none."""
    raw = list(dict.fromkeys(raw_codes))
    meant = meanings(connection, raw)
    unknown = [code for code in raw if code not in meant]
    return list(dict.fromkeys(meant[code] for code in raw if code in meant)), unknown


def meanings(connection: Connection, raw_codes: Iterable[str]) -> dict[str, str]:
    """
    From each code as received, maybe padded with zeros, to its division; those that mean none are left out.

    It is the deepest that exists, except that a division with the name of the one it pads is that one: the
    statistics make up a county 441900 of Dongguan, since the city (4419) has none, and likewise 350527000000.
    """
    possible = {code: candidates(code.strip()) for code in dict.fromkeys(raw_codes)}
    named = names(connection, (candidate for each in possible.values() for candidate in each))
    meant = {}
    for raw, deepest_first in possible.items():
        code = _meant(deepest_first, named)
        if code is not None:
            meant[raw] = code
    return meant


def division(connection: Connection, raw_code: str) -> str:
    """The division that a body's ``region`` means. Raises Invalid when there is none."""
    meant = meanings(connection, (raw_code,)).get(raw_code)
    if meant is None:
        raise Invalid([Fault("region", "unknown_region", f"there is no division {raw_code}")])
    return meant


def _meant(deepest_first: Iterable[str], named: Mapping[str, str]) -> str | None:
    existing = [candidate for candidate in deepest_first if candidate in named]
    same_place = [candidate for candidate in existing if named[candidate] == named[existing[0]]]
    return same_place[-1] if same_place else None


def _lineage(path: Path, under: str) -> list[tuple[str, str]]:
    """What the file has of a division, all below and above it. Raises NotFound."""
    possible = candidates(under)
    if not possible:
        raise NotFound("region", under)
    widest = possible[-1]
    rows = [row for row in _divisions(path) if _belongs(row[0], widest)]
    meant = _meant(possible, {code: name for code, name in rows if code in possible})
    if meant is None:
        raise NotFound("region", under)
    return [row for row in rows if _belongs(row[0], meant)]


def _divisions(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if next(reader, None) != ["code", "name"]:
                raise ConfigError(path.name, "is no division file: its header is not code,name")
            yield from ((row[0], row[1]) for row in reader)
    except (OSError, EOFError, ValueError, IndexError, lzma.LZMAError, csv.Error) as error:
        raise ConfigError(path.name, f"cannot be read: {error}") from error


def _belongs(code: str, under: str) -> bool:
    return covers(under, code) or covers(code, under)


def _below(parent: str | None) -> Level | None:
    """The level of a division's children; None for a village's, or a code of no division."""
    if parent is None:
        return Level.PROVINCE
    widths = [width for width in WIDTHS if width > len(parent)]
    return LEVELS[widths[0]] if widths else None


def _path(code: str, named: Mapping[str, str]) -> str:
    parts: list[str] = []
    for part in (*ancestors(code), code):
        name = named.get(part, "")
        middle = part != code and name in FICTIONS
        if name and not middle and parts[-1:] != [name]:
            parts.append(name)
    return "".join(parts)
