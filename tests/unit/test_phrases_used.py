"""Every phrase a command asks for by name is there, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import warnd.cli
from warnd.app.phrases import phrases

_ASKED = re.compile(r"""say\(\s*"([a-z_]+\.[a-z_]+)\"""")
_LISTED = re.compile(r"""say\(f"([a-z_]+)\.\{column\}"\)\s*for column in (\w+|\([^)]*\))""")


def _keys() -> set[str]:
    keys: set[str] = set()
    for file in Path(warnd.cli.__file__).parent.glob("*.py"):
        text = file.read_text()
        keys.update(_ASKED.findall(text))
        for section, columns in _LISTED.findall(text):
            if not columns.startswith("("):
                columns = re.findall(rf"{columns} = (\([^)]*\))", text)[0]
            keys.update(f"{section}.{column}" for column in re.findall(r'"(\w+)"', columns))
    return keys


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command_line_finds_all_its_words(language: str) -> None:
    """A missing word would end a listing on the worst night."""
    keys = _keys()
    say = phrases(language)
    assert {"log.address", "home.color"} <= keys
    for key in sorted(keys):
        assert key in say, key
