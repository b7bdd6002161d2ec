"""Cells of a CSV file that a spreadsheet cannot take for a formula, and back."""

from __future__ import annotations

import re

_DANGEROUS = tuple("=+-@\t\r＝＋－＠﹢﹣﹦﹫")
_PHONE_NUMBER = re.compile(r"\+[0-9]{5,15}")


def guarded(text: str) -> str:
    """
    The cell with a leading ``'`` if a spreadsheet might compute it.

    A telephone number keeps its bare ``+``: digits alone compute to themselves. What already looks guarded is
    guarded once more, so that ``unguarded`` always gives the same text back.
    """
    return "'" + text if _looks_dangerous(text) and not _PHONE_NUMBER.fullmatch(text) else text


def unguarded(cell: str) -> str:
    """What ``guarded`` was given."""
    return cell[1:] if cell.startswith("'") and _looks_dangerous(cell) else cell


def _looks_dangerous(text: str) -> bool:
    return text.lstrip("'").startswith(_DANGEROUS)
