"""The words in which issuers say where, taken apart into names of divisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product

from warnd.model.region import Region

MOST_NAMES = 100
"""Parts of one list that are looked at; whoever names more villages has codes."""

_LONGEST = 10_000
"""Characters of such a list."""

Reading = tuple[str, ...]
"""The names that a part of a list consists of."""

_LIST = re.compile(r"[、，,；;／/|\n]+")
_PERHAPS_LIST = re.compile(r"(\s+|以及|[和及与])")
"""What may part names, and may stand in one: 和平区."""

_MOST_JOINTS = 4
"""Of these in a part, up to which every way to cut it is tried."""

_CUT = "\0"

_PART_OF = re.compile(
    r"(?:全境|全域|境内|大部分?(?:地区)?|部分(?:地区|乡镇|镇街|街镇)|局部(?:地区)?|局地|等地|一带|及?周边(?:地区)?"
    r"|[东西南北中]{1,2}部(?:地区)?)\Z"
)
"""Words for a part of a division. The whole is warned: nobody knows who lives in the part."""

_RELATIVE = re.compile(r"[全本我](?P<kind>[省市县区州旗盟])(?:各[市县区旗乡镇街道]+)?|全?辖区|全境|全域|本地")


def parts(text: str) -> tuple[tuple[Reading, ...], ...]:
    """
    The parts of a list, each with the ways to read it, the likelier first.

    武都区、文县 has two parts; 和平区和铁西区 is one, which may be two names. What a very long list has beyond the
    first hundred is one more part, which is no name.
    """
    seen = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    found = filter(None, (part.strip() for part in _LIST.split(seen, maxsplit=MOST_NAMES)))
    return tuple(_readings(part) for part in dict.fromkeys(found))


def chosen(readings: Sequence[Reading], known: Callable[[str], bool]) -> Reading:
    """The first whose names are all known; else that of which the most are, so that they are not lost."""
    whole = (reading for reading in readings if all(map(known, reading)))
    return next(whole, max(readings, key=lambda reading: sum(map(known, reading))))


def relative(text: str, home: Sequence[Region]) -> str | None:
    """
    The code that 全市, 本县 or 辖区 mean in the mouth of the division ``home`` (the deepest first); None if none.

    A county that says 全市 speaks of its city.
    """
    said = _RELATIVE.fullmatch(text)
    if said is None:
        return None
    return next((one.code for one in home if one.name.endswith(said["kind"] or "")), None)


def _readings(part: str) -> tuple[Reading, ...]:
    words = _PERHAPS_LIST.split(part, maxsplit=MOST_NAMES)
    if len(words) // 2 > _MOST_JOINTS:
        return (tuple(filter(None, map(_bare, words[::2]))) or (part,),)
    found: dict[Reading, None] = {("".join(part.split()),): None}
    for cuts in sorted(product((False, True), repeat=len(words) // 2), key=sum):
        joined = words[0]
        for cut, joint, word in zip(cuts, words[1::2], words[2::2], strict=True):
            joined += (_CUT if cut else joint) + word
        names = (_bare("".join(name.split())) for name in joined.split(_CUT))
        found[tuple(filter(None, names)) or (part,)] = None
    return tuple(found)


def _bare(name: str) -> str:
    return _PART_OF.sub("", name)
