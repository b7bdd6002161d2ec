"""What the command line makes of what is typed: its shared options, and its own name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from warnd.cli.options import language
from warnd.cli.terminal import as_called


@pytest.mark.parametrize(
    ("chosen", "locale", "spoken"),
    [
        pytest.param(None, {"LANG": "zh_CN.UTF-8"}, "zh", id="a Chinese locale"),
        pytest.param(None, {"LANG": "en_GB.UTF-8"}, "en", id="an English locale"),
        pytest.param(None, {"LANG": "C.UTF-8"}, "en", id="no locale to speak of"),
        pytest.param(None, {}, "en", id="no locale at all"),
        pytest.param(None, {"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en", id="one overruled by LC_ALL"),
        pytest.param("zh", {"LANG": "en_GB.UTF-8"}, "zh", id="one overruled by the option"),
    ],
)  # fmt: skip
def test_the_language_follows_the_locale_unless_chosen(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, locale: dict[str, str], spoken: str
) -> None:
    """LC_ALL before LC_MESSAGES before LANG, as POSIX has it."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    assert language(chosen) == spoken


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        pytest.param(".venv/bin/warnd", ".venv/bin/warnd", id="by its path"),
        pytest.param("{bin}/warnd", "warnd", id="found on the path"),
        pytest.param("my own/warnd", "'my own/warnd'", id="where a shell needs quotes"),
    ],
)
def test_a_command_to_be_copied_begins_as_this_one_did(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, called: str, shown: str
) -> None:
    """Whoever ran it out of a checkout has no ``warnd`` on the path."""
    (tmp_path / "warnd").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [called.format(bin=tmp_path)])
    assert as_called() == shown


def test_a_module_is_called_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m warnd``."""
    monkeypatch.setattr(sys, "argv", ["/somewhere/warnd/__main__.py"])
    monkeypatch.setattr(sys, "executable", "/opt/python")
    assert as_called() == "/opt/python -m warnd"
