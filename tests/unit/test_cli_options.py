"""What the shared options of the command line make of what is typed."""

from __future__ import annotations

import pytest

from warnd.cli.options import language


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
