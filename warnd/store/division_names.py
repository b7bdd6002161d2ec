"""Divisions by what people call them: every one that a name or a path of names may mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from warnd.model.division_names import FICTIONS, LONGEST, Candidate, beginning, endings, means, spellings
from warnd.model.region import WIDTHS, Level, Region, ancestors, covers
from warnd.store import bulk, regions
from warnd.store.database import raw_of
from warnd.store.paging import in_chunks
from warnd.store.statement import Statement
from warnd.store.tables import regions as table

_COUNTY = WIDTHS[Level.COUNTY]
_PROVINCES = 31
"""Those of which the statistics tell; with fewer the tree is of a part of the country."""

_RANGES = 50
_AFTER_ALL = "\U0010ffff"

_CHILDREN = Statement(f"""
WITH RECURSIVE child (parent, code) AS (
  SELECT given.code, (SELECT min(r.code) FROM {table.name} r
                      WHERE r.code > given.code AND r.code <= substr(given.code || '999999999999', 1, 12))
  FROM listed(?) given(code)
  UNION ALL
  SELECT parent, (SELECT min(next.code) FROM {table.name} AS next
                  WHERE next.code > substr(child.code || '999999999999', 1, 12)
                    AND next.code <= substr(child.parent || '999999999999', 1, 12))
  FROM child WHERE child.code IS NOT NULL
)
SELECT parent, code FROM child WHERE code IS NOT NULL
""")
"""Leaps from sibling to sibling: what lies below them is never read."""


def named(connection: Connection, texts: Iterable[str]) -> dict[str, tuple[Candidate, ...]]:
    """
    For each text the divisions it may mean, by code; texts that mean none, and longer ones than any path, are left out.

    A name in full leaves no room for shortened ones: 临夏县 is not 临夏州. Of a division and the one above it with
    the same name, which are one place (东莞市), the upper counts.
    """
    spoken = {text: endings(text) for text in texts if len(text) <= LONGEST}
    parts = {part for each in spoken.values() for part in each}
    plain, autonomous = _called(connection, parts), _autonomous(connection, parts)
    found = plain | autonomous
    above = regions.names(connection, (code for each in found for code in ancestors(each)))
    paths = {code: (*(above.get(one, "") for one in ancestors(code)), name) for code, name in found.items()}
    full = regions.full_names(connection, found)
    by_name: dict[str, list[str]] = {}
    for code, name in plain.items():
        by_name.setdefault(name, []).append(code)
    meant = {}
    for text, each in spoken.items():
        near = {code for part in each for name in spellings(part) for code in by_name.get(name, ())}
        best = _best(text, {code: paths[code] for code in (*near, *autonomous)})
        if best:
            meant[text] = tuple(Candidate(code, full[code], by_path) for code, by_path in best)
    return meant


def lineage(connection: Connection, raw_code: str) -> tuple[Region, ...]:
    """The division a code means and those above it, the deepest first; empty if it is unknown."""
    code = regions.meanings(connection, (raw_code,)).get(raw_code)
    if code is None:
        return ()
    up = [code, *reversed(ancestors(code))]
    called = regions.names(connection, up)
    return tuple(Region(one, called[one]) for one in up if one in called)


def is_whole(connection: Connection) -> bool:
    """Whether all provinces are here, so that a name that is found once is there once."""
    some = [str(number) for number in range(11, 66)]
    count = connection.execute(select(func.count()).select_from(table).where(table.c.code.in_(some)))
    return count.scalar_one() >= _PROVINCES


def children(connection: Connection, parents: Iterable[str]) -> dict[str, frozenset[str]]:
    """The divisions right below each of these."""
    found: dict[str, set[str]] = {parent: set() for parent in parents}
    for parent, code in raw_of(connection).execute(_CHILDREN, (bulk.rows(list(found)),)):
        found[parent].add(code)
    return {parent: frozenset(codes) for parent, codes in found.items()}


def _called(connection: Connection, parts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in in_chunks(spelling for part in parts for spelling in spellings(part)):
        found.update(_rows(connection, table.c.name.in_(chunk)))
    return found


def _autonomous(connection: Connection, parts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    stems = (stem for part in parts if (stem := beginning(part)) is not None)
    for chunk in in_chunks(stems, _RANGES):
        ranges = or_(*(table.c.name.between(stem, stem + _AFTER_ALL) for stem in chunk))
        autonomous = and_(ranges, func.length(table.c.code) <= _COUNTY, table.c.name.contains("自治"))
        found.update(_rows(connection, autonomous))
    return found


def _rows(connection: Connection, condition: ColumnElement[bool]) -> dict[str, str]:
    rows = connection.execute(select(table.c.code, table.c.name).where(condition))
    return {code: name for code, name in rows if name not in FICTIONS}


def _best(text: str, paths: Mapping[str, tuple[str, ...]]) -> list[tuple[str, bool]]:
    """Those of the paths that the text means with the fewest names shortened, and whether it says more than one."""
    said = {
        code: how
        for code, path in paths.items()
        if (how := means(text, path, upper=len(code) <= _COUNTY)) is not None
    }
    least = min((shortened for _, shortened in said.values()), default=0)
    places: list[tuple[str, bool]] = []
    for code in sorted(said):
        same = any(covers(one, code) and paths[one][-1] == paths[code][-1] for one, _ in places)
        if said[code][1] == least and not same:
            places.append((code, said[code][0] > 1))
    return places
