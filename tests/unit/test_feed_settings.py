"""The tables of feeds: what they need, and what is said of what cannot work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from warnd.errors import ConfigError
from warnd.settings import Settings, load

GOOD = 'kind = "nmc"\nurl = "https://feed.example/alarms"\nsource = "weather"\n'


def loaded(directory: Path, table: str) -> Settings:
    path = directory / "warnd.toml"
    path.write_text(f'[sources.weather]\nregions = ["6212"]\n[feeds.national]\n{table}')
    return load(path, {})


def test_a_feed_needs_a_kind_an_address_and_a_source(tmp_path: Path) -> None:
    """All else has a default."""
    (feed,) = loaded(tmp_path, GOOD).feeds.values()
    assert (feed.name, feed.every, feed.silent_after) == (
        "national",
        timedelta(minutes=1),
        timedelta(minutes=30),
    )


def test_a_key_does_not_show(tmp_path: Path) -> None:
    """Read from its file like any other credential."""
    (tmp_path / "key").write_text("s3cret\n")
    table = f'{GOOD}key_file = "{tmp_path}/key"\nkey_header = "X-Key"\n'
    (feed,) = loaded(tmp_path, table).feeds.values()
    assert feed.key is not None
    assert feed.key.reveal() == "s3cret"
    assert "s3cret" not in repr(feed)


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        pytest.param({"kind": "gopher"}, "kind", "cap.atom", id="an unknown kind is told the known ones"),
        pytest.param({"source": "nobody"}, "source", "'nobody'", id="a source there is not"),
        pytest.param({"url": "ftp://x.example"}, "url", "https://", id="no web address"),
        pytest.param({"url": "https://u:p@x.example"}, "url", "login", id="a login in the address"),
        pytest.param({"url": "https://x.example/{key}"}, "key", "is missing", id="a place for a key without one"),
        pytest.param({"key": "k"}, "key_header", "where the key goes", id="a key that goes nowhere"),
        pytest.param({"key_header": "X-Key"}, "key_header", "no key to carry", id="a header without a key"),
        pytest.param({"silent_after": "60s"}, "silent_after", "longer than every", id="silent at once"),
        pytest.param({"every": "100ms"}, "every", "1", id="hammering"),
        pytest.param({"kind": "weathercn"}, "detail_url", "weathercn", id="rows without their pages"),
        pytest.param({"detail_url": "https://x.example/{file}"}, "detail_url", "weathercn", id="pages without rows"),
        pytest.param({"detail_url": "https://x.example/"}, "detail_url", "{file}", id="pages without their names"),
        pytest.param({"hosts": "https://x.example"}, "hosts", "", id="an address for hosts"),
        pytest.param({"kind": "caiyun.webhook"}, "key", "signed", id="calls that nobody signs"),
        pytest.param({"name": "x"}, "name", "by its table", id="a name of its own"),
        pytest.param({"colour": "x"}, "colour", "no such key", id="an unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_named(tmp_path: Path, change: dict[str, str], key: str, words: str) -> None:
    """By its dotted key; the daemon does not start."""
    base = {"kind": "nmc", "url": "https://feed.example/alarms", "source": "weather", **change}
    table = "".join(f'{name} = "{value}"\n' for name, value in base.items())
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, table)
    assert f"feeds.national.{key}" in str(error.value)
    assert words in str(error.value)
