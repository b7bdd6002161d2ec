"""What the documents promise to name: every setting, reason, state, alarm, command and route."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from channels.options import Options
from tests.sounded import soundings
from warnd.api import ROUTES
from warnd.api.routing import PREFIX, Route
from warnd.audience.csv_rows import COLUMNS
from warnd.cli.main import COMMANDS
from warnd.contract.outcome import Reason
from warnd.contract.registry import channel_factories, channel_factory
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.model.alert import Verdict
from warnd.model.delivery import State, Why
from warnd.resources import config_dir
from warnd.settings import ChannelSettings, FeedSettings, SourceSettings, load
from warnd.settings.policy import PolicyTable, RetryTable
from warnd.settings.reading import File
from warnd.settings.values import HoldTable
from warnd.store.alarms import ENDED_BY_WORD
from warnd.store.keys import Role

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "warnd.toml"
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MANUAL = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"#[# ]*(\[[a-z]|[a-z][a-z0-9_]* = )")


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


@pytest.mark.parametrize(
    "section",
    ["server", "store", "queue", "workers", "release", "issue", "regions", "templates", "retention", "logs"],
)
def test_the_shipped_file_has_every_key_of_a_plain_table(tables: Mapping[str, Any], section: str) -> None:
    """Not one more, either: those would be refused."""
    [settings] = [each.default_factory for each in fields(File) if each.name == section]
    assert isinstance(settings, type)
    assert set(tables[section]) == names(settings)


def test_the_shipped_file_has_every_key_of_tables_that_go_by_name(
    tables: Mapping[str, Any],
) -> None:
    """Of tables that go by name, the examples together show every key."""
    assert set(tables["retry"]) == names(RetryTable)
    assert set(tables["policy"]["responsible"]["red"]) == names(PolicyTable) | {"hazards"}
    shown = {"hmac_secret" if key == "hmac_secret_file" else key for key in tables["sources"]["weather"]}
    assert shown == names(SourceSettings) - {"name"}
    assert set(tables["release"]["hold"]["red"]) == names(HoldTable)
    fed = set[str]().union(*tables["feeds"].values())
    assert names(FeedSettings) - {"name"} == {key.removesuffix("_file") for key in fed}
    shown = set[str]().union(*tables["channels"].values())
    assert names(ChannelSettings) - {"name", "options"} <= shown


def options_of(adapter: str) -> type[Options]:
    """The one table that the adapter's own module describes."""
    module = import_module(channel_factories()[adapter].module)
    [found] = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Options) and each.__module__ == module.__name__
    ]
    return found


def missing_options(table: Mapping[str, Any], options: type[Options], path: str) -> Iterator[str]:
    """The adapter's keys, by path, that its example leaves out; ``token_file`` stands for ``token``."""
    for key, each in options.model_fields.items():
        if key not in table and f"{key}_file" not in table:
            yield f"{path}.{key}"
        elif isinstance(each.annotation, type) and issubclass(each.annotation, Options):
            yield from missing_options(table[key], each.annotation, f"{path}.{key}")


def test_the_shipped_file_shows_every_option_of_every_adapter(tables: Mapping[str, Any]) -> None:
    """An operator need not read an adapter's source; a new option comes with its line here."""
    shown = {table["adapter"]: (name, table) for name, table in tables["channels"].items()}
    ours = {name for name, point in channel_factories().items() if point.module.startswith("channels.")}
    assert ours <= set(shown)
    for adapter in sorted(ours):
        name, table = shown[adapter]
        assert list(missing_options(table, options_of(adapter), f"channels.{name}")) == []


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
    for secret in ("sms", "email", "province", "weather", "feed"):
        (tmp_path / secret).write_text("made-up-and-long-enough\n")
    path = tmp_path / "warnd.toml"
    path.write_text(everything_enabled().replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    settings = load(path, {})
    assert list(settings.channels) == ["console", "sms", "wechat", "email", "province"]
    for name, channel in settings.channels.items():
        factory = channel_factory(channel.adapter, key=f"channels.{name}.adapter")
        assert factory(name, channel.options).name == name


@pytest.mark.parametrize("words", [Reason, State, Why])
def test_the_operations_manual_explains_every_word_of_the_delivery_log(words: type[Enum]) -> None:
    """Each has a row of its own that says what an operator does or should know."""
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", MANUAL, re.MULTILINE))
    assert {word.value for word in words} <= explained


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next of its kind."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """All that stands as code in the first cell of a row, in order."""
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


def alarm_kinds() -> set[str]:
    """What the code sounds."""
    return {one.kind for one in soundings()}


def test_the_operations_manual_says_what_each_alarm_asks_of_a_person() -> None:
    """One that is not there would be a riddle at three in the morning; one that is never sounded, a false hope."""
    kinds = alarm_kinds()
    assert "channel_down" in kinds
    assert set(first_cells(section(MANUAL, "Alarms"))) == kinds


def test_both_pages_say_which_alarms_go_with_their_acknowledgement() -> None:
    """Whoever waits for another to end by itself waits for nothing."""
    rows = re.findall(r"^\| (`[^|]*) \|.*\b[Aa]cknowledging\b", section(MANUAL, "Alarms"), re.MULTILINE)
    assert {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)} == set(ENDED_BY_WORD)
    [told] = re.findall(r"go with their\s+acknowledgement:([^.]*)\.", API)
    assert set(re.findall(r"`([a-z_]+)`", told)) == set(ENDED_BY_WORD)


def commands() -> Iterator[str]:
    """Every command, those below another with its name before."""
    for name, (attribute, _) in COMMANDS.items():
        target = getattr(import_module(f"warnd.cli.{name}"), attribute)
        if isinstance(target, typer.Typer):
            yield from (f"{name} {each}" for each in typer.main.get_group(target).commands)
        else:
            yield name


def test_the_operations_manual_lists_every_command() -> None:
    """And none that is not there; what it takes is written in capitals."""
    listed = [re.sub(r" [A-Z].*", "", each) for each in first_cells(section(MANUAL, "Commands"))]
    assert listed == [f"warnd {each}" for each in commands()]


def test_the_operations_manual_explains_every_column_of_the_audience_file() -> None:
    """In its table, and in an example that begins with them all."""
    text = section(MANUAL, "The audience file")
    table = re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)
    assert set(table) == set(COLUMNS)
    header, *people = re.findall(r"^    (\w.*)$", text, re.MULTILINE)
    assert header == ",".join(COLUMNS)
    assert {row.count(",") for row in people} == {len(COLUMNS) - 1}


LEAST = {"feed": {Role.FEED}, "viewer": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
         "operator": {Role.OPERATOR, Role.ADMIN}, "admin": {Role.ADMIN}, "–": set()}  # fmt: skip


def address(route: Route) -> str:
    """As the API's page writes it: without the prefix, and without the pattern of an id."""
    path = re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path)
    return f"{route.method} {path.removeprefix(f'{PREFIX}/')}"


def test_the_api_page_has_every_route_with_its_least_role() -> None:
    """And no other."""
    rows = re.findall(r"^\| (`.*?`) \| ([\w, ]+|–) \|", section(API, "Routes"), re.MULTILINE)
    described = {
        code: set().union(*(LEAST[role] for role in roles.split(", ")))
        for cell, roles in rows
        for code in re.findall(r"`([^`]+)`", cell)
    }
    assert described == {address(route): set(route.roles) for route in ROUTES}


def test_the_api_page_names_every_query_parameter() -> None:
    """Those of listings, of filters and the switches."""
    names = {param.name for route in ROUTES for param in route.query if param.name}
    assert [name for name in sorted(names) if not re.search(rf"`{name}[`=]", API)] == []


def test_the_examples_of_the_api_page_are_json() -> None:
    """Whoever copies one can parse it."""
    examples = re.findall(r"```json\n(.*?)```", API, re.DOTALL)
    assert len(examples) > 10
    for example in examples:
        json.loads(example)


@pytest.mark.parametrize("language", ["json", "xml"])
def test_the_warnings_of_the_api_page_are_taken_in_without_a_murmur(language: str) -> None:
    """They are what a feed's developer begins with."""
    examples = re.findall(rf"```{language}\n(.*?)```", section(API, "Posting a warning"), re.DOTALL)
    parsed = read(examples[0].encode(), None, load_hazards(config_dir() / "hazards.toml"))
    assert (parsed.verdict, parsed.alert.identifier) == (Verdict.ACCEPT, "62120241600000_20260714080000")


DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def anchors(document: Path) -> set[str]:
    """The headings as a page of the forge names them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    """To a file that is there, and to a heading in it."""
    for link in re.findall(r"\]\(([^):\s]+)\)", document.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        target = (document.parent / file) if file else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
@pytest.mark.parametrize("page", ["api", "architecture", "operations", "writing-a-channel"])
def test_every_readme_leads_to_every_page(readme: str, page: str) -> None:
    """Whoever begins here finds the rest, in either language."""
    assert f"](docs/{page}.md)" in (ROOT / readme).read_text(encoding="utf-8")


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_configuration_of_a_readme_loads(tmp_path: Path, readme: str) -> None:
    """Whoever copies it gets a daemon that starts."""
    (tmp_path / "sms").write_text("made-up\n")
    [text] = re.findall(r"```toml\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "warnd.toml"
    path.write_text(text.replace("/run/secrets/sms", str(tmp_path / "sms")), encoding="utf-8")
    assert load(path, {}).sources["weather"].official
