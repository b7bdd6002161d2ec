"""What the documents promise to name: every setting, every reason, every state."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from warnd.contract.outcome import Reason
from warnd.contract.registry import channel_factory
from warnd.model.delivery import State, Why
from warnd.settings import ChannelSettings, SourceSettings, load
from warnd.settings.policy import PolicyTable, RetryTable
from warnd.settings.reading import File

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "warnd.toml"
EXAMPLE = re.compile(r"#[# ]*(\[[a-z]|[a-z_]+ = )")


def everything_enabled() -> str:
    """The shipped file with its examples active; prose comments stay comments."""
    lines = CONFIG.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.lstrip("# ") if EXAMPLE.match(line) else line for line in lines)


@pytest.fixture(scope="module")
def tables() -> Mapping[str, Any]:
    return tomllib.loads(everything_enabled())


def names(settings: type) -> set[str]:
    return {each.name for each in fields(settings)}


def test_the_shipped_file_has_every_table_and_every_key_before_them(tables: Mapping[str, Any]) -> None:
    """An operator finds each setting by reading one file."""
    assert set(tables) == names(File)


@pytest.mark.parametrize("section", ["server", "store", "queue", "templates", "retention", "logs"])
def test_the_shipped_file_has_every_key_of_a_plain_table(tables: Mapping[str, Any], section: str) -> None:
    """Not one more, either: those would be refused."""
    [settings] = [each.default_factory for each in fields(File) if each.name == section]
    assert isinstance(settings, type)
    assert set(tables[section]) == names(settings)


def test_the_shipped_file_has_every_key_of_retries_policies_channels_and_sources(
    tables: Mapping[str, Any],
) -> None:
    """Of tables that go by name, the examples together show every key."""
    assert set(tables["retry"]) == names(RetryTable)
    assert set(tables["policy"]["responsible"]["red"]) == names(PolicyTable) | {"hazards"}
    assert set(tables["sources"]["weather"]) == names(SourceSettings) - {"name"}
    shown = set[str]().union(*tables["channels"].values())
    assert names(ChannelSettings) - {"name", "options"} <= shown


def test_the_shipped_file_loads_and_says_the_defaults() -> None:
    """What is active in it beside the console channel is what warnd does without it."""
    shipped, defaults = load(CONFIG, {}), load(None, {})
    assert list(shipped.channels) == ["console"]
    assert replace(shipped, channels={}, policies=defaults.policies) == defaults


def test_with_the_shipped_file_every_policy_reaches_the_console() -> None:
    """A first start shows every warning without any other channel."""
    policies = load(CONFIG, {}).policies
    assert {policy.channels for policy in policies.general.values()} == {("console",)}


def test_every_example_of_the_shipped_file_works(tmp_path: Path) -> None:
    """Uncommented, each table loads and each adapter takes its own."""
    secret = tmp_path / "sms"
    secret.write_text("made-up\n")
    path = tmp_path / "warnd.toml"
    path.write_text(everything_enabled().replace("/run/secrets/sms", str(secret)), encoding="utf-8")
    settings = load(path, {})
    assert list(settings.channels) == ["console", "sms", "wechat", "email"]
    for name, channel in settings.channels.items():
        factory = channel_factory(channel.adapter, key=f"channels.{name}.adapter")
        assert factory(name, channel.options).name == name


@pytest.mark.parametrize("words", [Reason, State, Why])
def test_the_operations_manual_explains_every_word_of_the_delivery_log(words: type[Enum]) -> None:
    """Each has a row of its own that says what an operator does or should know."""
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", manual, re.MULTILINE))
    assert {word.value for word in words} <= explained


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_link_of_a_readme_leads_to_a_file(readme: str) -> None:
    """Nothing promised is missing."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert [link for link in re.findall(r"\]\(([^)#:]+)\)", text) if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_configuration_of_a_readme_loads(tmp_path: Path, readme: str) -> None:
    """Whoever copies it gets a daemon that starts."""
    (tmp_path / "sms").write_text("made-up\n")
    [text] = re.findall(r"```toml\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "warnd.toml"
    path.write_text(text.replace("/run/secrets/sms", str(tmp_path / "sms")), encoding="utf-8")
    assert load(path, {}).sources["weather"].official
