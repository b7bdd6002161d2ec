"""The demo speaks Chinese or English, by the locale, and its settings are such as anybody could write."""

from __future__ import annotations

from dataclasses import astuple, fields
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from warnd.contract.secret import Secret
from warnd.demo.configuration import SOURCE, toml
from warnd.demo.words import EN, ZH, words
from warnd.settings import load


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        pytest.param({"LANG": "zh_CN.UTF-8"}, "zh", id="a Chinese locale"),
        pytest.param({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en", id="LC_ALL before LANG"),
        pytest.param({"LC_ALL": "", "LC_MESSAGES": "zh_TW", "LANG": "de_DE"}, "zh", id="an empty one says nothing"),
        pytest.param({}, "en", id="no locale"),
    ],
)  # fmt: skip
def test_the_locale_chooses_the_language(environ: dict[str, str], language: str) -> None:
    assert words(environ).language == language


def test_both_languages_say_the_same_things() -> None:
    """The same places to fill in, the same columns, the same names."""
    for field, zh, en in zip(fields(ZH), astuple(ZH), astuple(EN), strict=True):
        assert _shape(zh) == _shape(en), field.name


def _shape(said: Any) -> object:
    match said:
        case str():
            return {name for _, name, _, _ in Formatter().parse(said) if name}
        case dict():
            return set(said)
        case _:
            return len(said)


def test_the_settings_are_a_file_that_any_daemon_reads(tmp_path: Path) -> None:
    """What the gateways want of an adapter goes into its channel's table, credentials in clear: they open nothing."""
    file = tmp_path / "warnd.toml"
    options = {"sms": {"url": "http://127.0.0.1:1/send", "token": Secret("t")}, "email": {"port": 25}}
    file.write_text(toml(tmp_path, port=8081, prefecture="6212", options=options), encoding="utf-8")
    settings = load(file, {})
    assert settings.server.port == 8081
    assert settings.store.path == tmp_path / "warnd.db"
    assert settings.sources[SOURCE].official
    assert settings.channels["sms"].emulated
    assert settings.channels["sms"].options["token"] == Secret("t")
    assert settings.channels["email"].adapter == "email.smtp"
