"""How divisions are spoken of: the full name, the short one without its 县 or 自治州, and a path of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FICTIONS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
"""Divisions that exist only so that every county has a prefecture; nobody says their names."""

LONGEST = 60
"""Characters of a path that is looked at: four levels of the longest names there are."""

_LEAST = 2
"""Characters of a name that is looked for, its short form included."""

_DROPPED = ("省", "市", "区", "县", "旗", "盟", "地区")
"""What the short name of a province, prefecture or county leaves out."""

_OFFICES = {
    "村": ("委会", "民委员会", "村委会", "村民委员会"),
    "社区": ("居委会", "居民委员会"),
}
"""What the statistics say after the name of a village or a neighbourhood (两水村委会)."""

_PEOPLES = (
    "壮|回|满|维吾尔|苗|彝|土家|藏|蒙古|侗|布依|瑶|白|朝鲜|哈尼|黎|哈萨克|傣|畲|傈僳|东乡|仡佬|拉祜|佤|水|纳西|羌|土|仫佬|锡伯|"
    "柯尔克孜|景颇|达斡尔|撒拉|布朗|毛南|塔吉克|普米|阿昌|怒|鄂温克|京|基诺|德昂|保安|俄罗斯|裕固|乌孜别克|门巴|鄂伦春|独龙|赫哲|"
    "高山|珞巴|塔塔尔|各"
)
_AUTONOMOUS = re.compile(rf"族?(?:(?:{_PEOPLES})族?)*自治(?P<kind>[区州县旗])")
"""What follows the short name of an autonomous division: 凉山|彝族自治州, 积石山|保安族东乡族撒拉族自治县."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A division that a text may mean. ``by_path``: the text names one above it too (陇南市武都区)."""

    code: str
    full_name: str
    by_path: bool


def endings(text: str) -> tuple[str, ...]:
    """The parts of a path that may be the name at its end, the whole first."""
    return tuple(text[start:] for start in range(len(text) - _LEAST + 1))


def spellings(text: str) -> tuple[str, ...]:
    """Full names that a text may stand for, itself first; autonomous divisions apart, see ``beginning``."""
    return tuple(dict.fromkeys((*_in_full(text), *(text + one for one in _DROPPED))))


def beginning(text: str) -> str | None:
    """With what the full name begins, if the text is short for an autonomous division; None if it cannot be."""
    stem = text[:-1] if text[-1:] in "州县旗" else text
    return stem if len(stem) >= _LEAST else None


def means(text: str, path: Sequence[str], *, upper: bool) -> tuple[int, int] | None:
    """
    Whether a text speaks of the last of ``path`` (names from the province down); None if not.

    Else how many names it says and how many of these it shortens. Any above the last may be left out, as in
    甘肃省武都区. ``upper``: the last is a county or above, whose name may be shortened.
    """
    *above, last = path
    for start in range(len(text) - _LEAST + 1):
        shortened = _shortened(text[start:], last, upper=upper)
        if shortened is None:
            continue
        before = _led_by(text[:start], above)
        if before is not None:
            return before[0] + 1, before[1] + shortened
    return None


def _in_full(text: str) -> tuple[str, ...]:
    """The name with and without the office of a township or a village."""
    offices = (office for kind, some in _OFFICES.items() if text.endswith(kind) for office in some)
    return text, text.removesuffix("办事处"), *(text + office for office in offices)


def _led_by(text: str, names: Sequence[str]) -> tuple[int, int] | None:
    if not text:
        return 0, 0
    if not names:
        return None
    first, *others = names
    for end in range(len(text), _LEAST - 1, -1):
        shortened = _shortened(text[:end], first, upper=True)
        if shortened is not None and (rest := _led_by(text[end:], others)) is not None:
            return rest[0] + 1, rest[1] + shortened
    return _led_by(text, others)


def _shortened(text: str, name: str, *, upper: bool) -> int | None:
    """0 where the text is the name, 1 where it is short for it."""
    if text == name:
        return 0
    if not upper:
        return 0 if name in _in_full(text) else None
    if any(text + one == name for one in _DROPPED):
        return 1
    stem = beginning(text)
    if stem is None or not name.startswith(stem):
        return None
    rest = _AUTONOMOUS.fullmatch(name, len(stem))
    return 1 if rest is not None and text[len(stem) :] in ("", rest["kind"]) else None
