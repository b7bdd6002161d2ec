"""
Where an alert holds when its codes do not tell: by the names of its areas, or else by their shapes.

A code that is known stands. An area without one is placed by its name if that means one division only, given who
speaks and what else is warned; by its polygons and circles only if a name is missing, unknown or ambiguous. Of two
divisions with one name neither is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, islice

from warnd.errors import Fault
from warnd.intake.findings import MAX_FINDINGS
from warnd.intake.place_names import chosen, parts, relative
from warnd.model.admission import Known
from warnd.model.alert import Alert, Area, Parsed
from warnd.model.division_names import Candidate
from warnd.model.episode import ends
from warnd.model.region import WIDTHS, Region, ancestors, candidates

UNPLACED = frozenset(
    {"unknown_region", "area_ambiguous", "area_name_unknown", "shape_unplaced", "no_boundaries"}
)
"""Codes of findings that say of an area that it, or a part of it, is warned nowhere."""

MOST_NAMES = 300
"""Names of one message that are looked at: it is done while the store waits."""

_SHOWN = 8
"""Divisions that one finding names."""

_PASSES = 4
"""How often names may help others: 两水镇 by 武都区 beside it, 城关镇 by 两水镇."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """
    What the division tree and the boundary layer know of the areas that codes do not place.

    ``areas`` are these, by their number in the alert; ``named`` what their names may mean, ``shaped`` what their
    shapes touch (with full names). ``home`` is the sender's division and those above it, the deepest first.
    ``more`` is how many further areas were not looked at. ``whole``: the tree is of the whole country, so that a
    name found once is there once. ``layer``: there are boundaries.
    """

    areas: Mapping[int, Area] = field(default_factory=dict)
    named: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    shaped: Mapping[int, Sequence[Region]] = field(default_factory=dict)
    home: Sequence[Region] = ()
    more: int = 0
    whole: bool = True
    layer: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Divisions found beside those of the codes, how, and why a person must look before anybody is told."""

    regions: tuple[str, ...]
    findings: tuple[Fault, ...]
    doubts: tuple[Fault, ...]


@dataclass(slots=True)
class _Name:
    """One name of an area, and what it can still mean."""

    area: int
    text: str
    possible: Sequence[Candidate]
    code: str = ""


def needs_place(alert: Alert) -> bool:
    """An end reaches exactly those who were told, wherever they are."""
    return alert.reaches_people and not ends(alert)


def placed(parsed: Parsed, known: Known, lookup: Lookup, *, source: Sequence[str]) -> tuple[Parsed, Known]:
    """Both with what ``place`` found; ``source`` are the divisions in which the message's source may speak."""
    episode = [code for one in known.episode for code in one.regions]
    found = place(lookup, beside=known.regions, source=source, episode=episode)
    return (
        replace(
            parsed,
            warnings=(*parsed.warnings, *found.findings),
            doubts=(*parsed.doubts, *found.doubts),
        ),
        replace(known, regions=tuple(dict.fromkeys((*known.regions, *found.regions)))),
    )


def place(
    lookup: Lookup,
    *,
    beside: Sequence[str] = (),
    source: Sequence[str] = (),
    episode: Sequence[str] = (),
) -> Placed:
    """
    Place the areas of ``lookup``; ``beside`` are the divisions that the alert's codes tell.

    What stays ambiguous is a doubt if nothing else of the alert is placed. Otherwise the rest must not wait for it.
    """
    names = [name for n, area in lookup.areas.items() for name in _names(n, area, lookup)]
    _decide(names, lookup, beside, source, episode)
    regions: list[str] = []
    findings: list[Fault] = []
    ambiguous: list[Fault] = []
    for n, area in lookup.areas.items():
        mine = [name for name in names if name.area == n]
        open_ = [name for name in mine if not name.code]
        shapes = lookup.shaped.get(n, ())
        regions += [name.code for name in mine if name.code]
        if taken := [name for name in mine if name.code]:
            findings.append(_from_name(n, taken))
        if (open_ or not mine) and shapes:
            regions += [one.code for one in shapes]
            findings.append(_from_shape(n, shapes))
            continue
        ambiguous += [_ambiguous(name) for name in open_ if name.possible]
        if not area.regions:
            findings += [_unknown(name) for name in open_ if not name.possible]
        if (area.polygons or area.circles) and not taken:
            findings.append(_shape_unplaced(n, layer=lookup.layer))
    if lookup.more:
        message = f"{lookup.more} further areas without a known code were not looked at"
        findings.append(Fault("areas", "area_name_unknown", message))
    doubtful = not (beside or regions)
    return Placed(
        tuple(dict.fromkeys(regions)),
        tuple(findings if doubtful else [*ambiguous, *findings])[:MAX_FINDINGS],
        tuple(ambiguous if doubtful else ())[:MAX_FINDINGS],
    )


def looked_at(areas: Mapping[int, Area]) -> dict[int, Area]:
    """The first of the areas, with no more names together than are looked at."""
    counts = accumulate(max(1, len(parts(area.name))) for area in islice(areas.values(), MOST_NAMES))
    return {n: area for (n, area), names in zip(areas.items(), counts, strict=False) if names <= MOST_NAMES}


def finest(codes: Iterable[str]) -> set[str]:
    """Those that have no other of them below."""
    all_ = set(codes)
    upper = {above for code in all_ for above in ancestors(code)}
    return all_ - upper


def gathered(codes: Iterable[str], children: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The same place in fewer words: a division for all its ``children``, level by level upwards."""
    kept = set(codes)
    for width in reversed(WIDTHS[:-1]):
        for parent in {code[:width] for code in kept if len(code) > width}:
            below = children.get(parent, frozenset())
            if below and below <= kept:
                kept = (kept - below) | {parent}
    return tuple(sorted(kept))


# --- names ------------------------------------------------------------------------------------------


def _names(n: int, area: Area, lookup: Lookup) -> list[_Name]:
    def possible(text: str) -> Sequence[Candidate]:
        here = relative(text, lookup.home)
        if here is not None:
            name = next(one.name for one in lookup.home if one.code == here)
            return (Candidate(here, name, by_path=True),)
        found = lookup.named.get(text, ())
        return [one for one in found if _fits(one.code, area.regions)] if area.regions else found

    read = (chosen(each, lambda text: bool(possible(text))) for each in parts(area.name))
    texts = dict.fromkeys(text for reading in read for text in reading)
    return [_Name(n, text, possible(text)) for text in texts]


def _fits(code: str, unknown: Sequence[str]) -> bool:
    """
    Whether a name may stand in for a code that nobody knows: only for a sibling of what the code would be.

    So a renumbered county is found; and the one 城关镇 of a small tree is not taken for that of another county.
    """
    return any(ancestors(code) == ancestors(written[-1]) for one in unknown if (written := candidates(one)))


def _decide(
    names: Sequence[_Name],
    lookup: Lookup,
    beside: Sequence[str],
    source: Sequence[str],
    episode: Sequence[str],
) -> None:
    """Give each name its code as far as possible; each that has one may help others."""
    fixed = [_levels(one.code for one in lookup.home[:1]), _levels(source), _levels(episode)]
    for _ in range(_PASSES):
        codes: dict[int, list[str]] = {}
        for name in names:
            codes.setdefault(name.area, []).extend(filter(None, (name.code,)))
        lists = {area: _levels(_parents(taken)) for area, taken in codes.items()}
        around = _levels(_parents([*beside, *(code for taken in codes.values() for code in taken)]))
        left = [name for name in names if not name.code and name.possible]
        for name in left:
            home, *others = fixed
            contexts = (lists[name.area], home, around, *others)
            for context in contexts:
                name.possible = _nearest(name.possible, context)
            if len(name.possible) == 1 and (
                lookup.whole or name.possible[0].by_path or _pinned(name.possible[0].code, contexts)
            ):
                name.code = name.possible[0].code
        if not any(name.code for name in left):
            return


def _parents(codes: Iterable[str]) -> Iterator[str]:
    """Beside 文县 stand its siblings, not its townships."""
    return (ancestors(code)[-1] for code in codes if ancestors(code))


def _levels(codes: Iterable[str]) -> frozenset[str]:
    """The codes and all above them."""
    return frozenset(part for code in codes for part in (*ancestors(code), code))


def _nearest(possible: Sequence[Candidate], context: frozenset[str]) -> Sequence[Candidate]:
    """Those that share the most levels with one of the context; all of them where none shares any."""
    if len(possible) < 2 or not context:
        return possible
    shared = [sum(level in context for level in (*ancestors(one.code), one.code)) for one in possible]
    most = max(shared)
    return [one for one, levels in zip(possible, shared, strict=True) if levels == most]


def _pinned(code: str, contexts: Iterable[frozenset[str]]) -> bool:
    """Whether the parent is certain. In a part of the tree a name may be there once, and elsewhere in the country."""
    above = ancestors(code)
    return bool(above) and any(above[-1] in context for context in contexts)


# --- findings ---------------------------------------------------------------------------------------


def _from_name(n: int, names: Sequence[_Name]) -> Fault:
    taken = _listed(f"{name.text} as {name.code} {name.possible[0].full_name}" for name in names)
    return Fault(f"areas[{n}].name", "area_from_name", f"no known code; taken {taken}")


def _from_shape(n: int, found: Sequence[Region]) -> Fault:
    touched = _listed(f"{one.code} {one.name}" for one in found)
    return Fault(f"areas[{n}]", "area_from_shape", f"placed by its shapes: {touched}")


def _ambiguous(name: _Name) -> Fault:
    some = _listed(f"{one.code} {one.full_name}" for one in name.possible)
    if len(name.possible) == 1:
        message = f"{name.text[:40]} may be {some}, but the tree here is of a part of the country; say what it lies in"
    else:
        message = f"{name.text[:40]} may be any of {some}"
    return Fault(f"areas[{name.area}].name", "area_ambiguous", message, f"{name.text[:40]} ({some})")


def _unknown(name: _Name) -> Fault:
    about = name.text[:40]
    message = f"{about} is no division that is known here"
    return Fault(f"areas[{name.area}].name", "area_name_unknown", message, about)


def _shape_unplaced(n: int, *, layer: bool) -> Fault:
    if layer:
        message = "its shapes touch no division of the boundary layer, or are too many to look at"
        return Fault(f"areas[{n}]", "shape_unplaced", message)
    message = "has only shapes to place it by, and no boundary layer is configured (regions.boundaries)"
    return Fault(f"areas[{n}]", "no_boundaries", message)


def _listed(each: Iterable[str]) -> str:
    some = list(each)
    more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
    return ", ".join(some[:_SHOWN]) + more
