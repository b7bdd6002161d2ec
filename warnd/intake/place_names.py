"""The words in which issuers say where, taken apart into names of divisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from warnd.model.region import Region

MOST_NAMES = 100
"""Parts of one list that are looked at; whoever names more villages has codes."""

Reading = tuple[str, ...]
"""The names that a part of a list consists of."""

_LIST = re.compile(r"[、，,；;／/|\n]+")
_PERHAPS_LIST = re.compile(r"\s+|以及|[和及与]")
"""What may part names, and may stand in one: 和平区."""

_PART_OF = re.compile(
    r"(?:全境|全域|境内|大部分?(?:地区)?|部分(?:地区|乡镇|镇街|街镇)|局部(?:地区)?|局地|等地|一带|及?周边(?:地区)?"
    r"|[东西南北中]{1,2}部(?:地区)?)\Z"
)
"""Words for a part of a division. The whole is warned: nobody knows who lives in the part."""

_RELATIVE = re.compile(r"[全本我](?P<kind>[省市县区州旗盟])(?:各[市县区旗乡镇街道]+)?|全?辖区|全境|全域|本地")


def parts(text: str) -> tuple[tuple[Reading, ...], ...]:
    """
    The parts of a list, each with the ways to read it, the likelier first.

    武都区、文县 has two parts; 和平区和铁西区 is one, which may be two names.
    """
    found = filter(None, (part.strip() for part in _LIST.split(text)))
    return tuple(_readings(part) for part in dict.fromkeys(found))[:MOST_NAMES]


def chosen(readings: Sequence[Reading], known: Callable[[str], bool]) -> Reading:
    """The first whose names are all known; else the last, so that what is known of it is not lost."""
    return next((reading for reading in readings if all(map(known, reading))), readings[-1])


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
    whole = "".join(part.split())
    split = tuple(filter(None, map(_bare, _PERHAPS_LIST.split(part))))
    return tuple(dict.fromkeys(((whole,), (_bare(whole) or whole,), split or (whole,))))


def _bare(name: str) -> str:
    return _PART_OF.sub("", name)
