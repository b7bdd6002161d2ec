"""``WARND_SECTION__KEY``: what the environment puts in place of the file's words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from warnd.settings.secrets import holds_secret

PREFIX = "WARND_"

_TOML = re.compile(r'-?(0|[1-9]\d*)(\.\d+)?|true|false|\[.*\]|\{.*\}|".*"', re.DOTALL | re.ASCII)


def override(
    tree: dict[str, Any], environ: Mapping[str, str], *, top: Collection[str], faults: dict[str, str]
) -> None:
    """
    Put each ``WARND_SECTION__KEY`` in its place in ``tree``; those that lead nowhere are added to ``faults``.

    A name without ``__`` counts only if it is one of ``top``, the keys at the top of the file: ``WARND_URL``
    and ``WARND_KEY`` speak to the command line.
    """
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX):
            continue
        *sections, key = variable.removeprefix(PREFIX).lower().split("__")
        if not sections and key not in top:
            continue
        table = _table(tree, sections)
        if table is None or not key:
            faults[".".join([*sections, key])] = f"{variable} leads to no key"
        else:
            table[_spelled(table, key)] = text if holds_secret(key) else _value(text)


def _table(tree: dict[str, Any], sections: list[str]) -> dict[str, Any] | None:
    """The table under these sections, made where there is none; None where something else stands."""
    table: Any = tree
    for section in sections:
        if not isinstance(table, dict) or not section:
            return None
        table = table.setdefault(_spelled(table, section), {})
    return table if isinstance(table, dict) else None


def _spelled(table: Mapping[str, Any], name: str) -> str:
    """The key as the file spells it: a variable's name has neither hyphens nor small letters."""
    return next((key for key in table if key.lower().replace("-", "_") == name), name)


def _value(text: str) -> Any:
    """Numbers, booleans, quoted text, lists and tables are read as TOML; all else is text as it is."""
    if _TOML.fullmatch(text):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text
