"""``warnd doctor``: each check finds what it looks for, and the whole leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import insert
from typer.testing import CliRunner, Result

from servers.postgres import PostgresServer
from servers.valkey import ValkeyServer
from tests.fakes.certificates import of_server, self_signed
from warnd.cli import channel_checks, checks, connections, shared_checks
from warnd.cli.connections import Service
from warnd.cli.doctor import doctor
from warnd.cli.finding import Finding, Health
from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason
from warnd.errors import ConfigError
from warnd.queue.redis.link import faults
from warnd.settings import load
from warnd.store import tables
from warnd.store.database import engine_over, open_writer, upgrade

NOW = datetime(2026, 7, 14, tzinfo=UTC)
MIB = 1024 * 1024

Examine = Callable[..., Result]


class Silent:
    """A channel that opens as it is told to and counts how often it was closed."""

    name = "silent"
    capabilities = Capabilities(kind="sms")

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.closed = 0
        self.fault = options.get("fault")

    async def open(self, sink: Sink) -> None:
        if self.fault:
            raise self.fault

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        raise AssertionError("a check sends nothing")

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "warnd.toml"
    file.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/var/warnd.db"\n'
        '[channels.desk]\nadapter = "console.print"\nemulated = true\n'
    )
    return file


@pytest.fixture
def examine(config: Path) -> Examine:
    """Calls ``warnd doctor``."""
    app = typer.Typer()
    app.command()(doctor)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--config", str(config), *arguments])

    return call


def made(path: Path, *, with_regions: bool) -> None:
    with closing(open_writer(path)) as raw, engine_over(raw).connect() as connection:
        upgrade(connection)
        if with_regions:
            connection.execute(insert(tables.regions), [{"code": "62", "name": "甘肃省"}])


def found(result: Result) -> dict[str, dict[str, str]]:
    return {one["check"]: one for one in map(json.loads, result.stdout.splitlines())}


def test_a_sound_place_is_found_good(examine: Examine, tmp_path: Path) -> None:
    """Settings, disk, clock, database, templates, and each channel by its name."""
    made(tmp_path / "var" / "warnd.db", with_regions=True)
    result = examine("--json")
    assert result.exit_code == 0
    health = {check: one["health"] for check, one in found(result).items()}
    assert set(health) == {
        "settings", "data directory", "free space", "SQLite", "clock", "database", "schema", "divisions",
        "templates", "leases", "channel desk",
    }  # fmt: skip
    health.pop("free space")
    assert set(health.values()) == {"good"}


def test_before_the_first_start_there_is_no_database_to_look_at(examine: Examine, tmp_path: Path) -> None:
    """Worth attention, no failure; and looking makes none."""
    result = examine()
    assert result.exit_code == 0
    assert "the first start makes it" in " ".join(result.stdout.split())
    assert list((tmp_path / "var").iterdir()) == []


def test_a_database_without_divisions_fails(examine: Examine, tmp_path: Path) -> None:
    """No warning could be matched; the message says what to do."""
    made(tmp_path / "var" / "warnd.db", with_regions=False)
    result = examine("--json")
    assert result.exit_code == 1
    assert "warnd regions import" in found(result)["divisions"]["message"]


def test_a_misspelt_key_fails_and_is_named(examine: Examine, config: Path) -> None:
    """Nothing else can be looked at, and starting again will not help."""
    config.write_text("[serwer]\nport = 1\n")
    result = examine("--json")
    assert result.exit_code == 78
    assert list(found(result)) == ["settings"]
    assert "serwer" in found(result)["settings"]["message"]


def test_every_fault_of_the_settings_has_its_row(examine: Examine, config: Path) -> None:
    """Whoever mends them goes down the list."""
    config.write_text('[server]\nport = "x"\n[issue]\nsender = "a b"\n')
    rows = [json.loads(line) for line in examine("--json").stdout.splitlines()]
    assert [(one["check"], one["message"].partition(":")[0]) for one in rows] == [
        ("settings", "server.port"),
        ("settings", "issue.sender"),
    ]


def test_what_a_source_may_speak_for_is_held_against_hazards_and_divisions(
    examine: Examine, config: Path, tmp_path: Path
) -> None:
    """A hazard there is not is a fault of the settings; a division may only be missing from the tree."""
    made(tmp_path / "var" / "warnd.db", with_regions=True)
    with config.open("a") as file:
        file.write('[sources.weather]\nregions = ["62", "6299"]\n')
    result = examine("--json")
    assert result.exit_code == 0
    assert found(result)["sources"]["health"] == "attention"
    assert found(result)["sources"]["message"] == "no such division: weather: 6299"
    with config.open("a") as file:
        file.write('hazards = ["*", "rainstrom"]\n')
    result = examine("--json")
    assert result.exit_code == 78
    assert (
        "sources.weather.hazards[1]: there is no hazard 'rainstrom'" in found(result)["settings"]["message"]
    )


def test_templates_that_can_never_be_used_have_their_rows(
    examine: Examine, config: Path, tmp_path: Path
) -> None:
    """Each is tried on a warning, as it would be rendered: that it compiles says little."""
    own = tmp_path / "own"
    for path in ("sms/default.zh.txt", "wechat/default.zh.md"):
        (own / path).parent.mkdir(parents=True)
        (own / path).write_text("hello")
    with config.open("a") as file:
        file.write(f'[templates]\ndirectory = "{own}"\n')
    result = examine("--json")
    assert result.exit_code == 1
    rows = [one for one in map(json.loads, result.stdout.splitlines()) if one["check"] == "templates"]
    assert {one["health"] for one in rows} == {"failed"}
    lacking = "does not print mark, issuer, hazard_name, color_name, area, sent, change_name"
    messages = [one["message"] for one in rows]
    assert {f"sms/default.zh.txt: {lacking}", f"wechat/default.zh.md: {lacking}"} <= set(messages)
    assert all(one.count(": ") == 1 for one in messages), "a fault a row"


@pytest.mark.parametrize(
    ("options", "service"),
    [
        pytest.param({"url": "https://gateway.example/send"}, Service("gateway.example", 443, tls=True), id="https"),
        pytest.param({"base_url": "http://127.0.0.1:81/"}, Service("127.0.0.1", 81), id="a port of its own"),
        pytest.param({"host": "mail.example", "port": 587}, Service("mail.example", 587), id="host and port"),
        pytest.param({"url": "https://[gateway"}, None, id="no address"),
        pytest.param({"stream": "stdout"}, None, id="no network"),
    ],
)  # fmt: skip
def test_an_adapters_table_says_where_its_provider_is(
    options: Mapping[str, Any], service: Service | None
) -> None:
    """Where it says so in a way that many adapters share."""
    assert connections.service(options) == service


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Service, asyncio.Queue[bytes]]]:
    """A service that keeps what it hears until the other side is done."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read())
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0, ssl=tls) as server:
        yield Service("127.0.0.1", server.sockets[0].getsockname()[1], tls=tls is not None), heard


async def test_a_connection_is_made_and_nothing_is_said() -> None:
    """A port that nobody listens on fails, and is told in plain words by whatever name it goes."""
    async with listening() as (service, heard):
        assert (await connections.connection("sms", service)).health is Health.GOOD
        assert await heard.get() == b""
    for host in ("127.0.0.1", "localhost"):
        finding = await connections.connection("sms", replace(service, host=host))
        assert (finding.check, finding.health) == ("connection sms", Health.FAILED)
        assert (
            finding.message
            == f"{host} port {service.port} refuses the connection: nothing seems to listen there"
        )


async def test_a_name_that_nobody_knows_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it could be a name or not; the resolver's own words tell nobody anything."""

    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert _unknown(await connections.connection("sms", Service("gateway..example", 443, tls=True)))
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert _unknown(await connections.connection("sms", Service("gateway.example", 443, tls=True)))


def _unknown(finding: Finding) -> bool:
    return finding.health is Health.FAILED and finding.message.startswith(
        "no address is known for the name gate"
    )


async def test_a_certificate_that_holds_is_found_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who shows it is whom this machine trusts; and nothing is said."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with listening(of_server(certificate)) as (service, heard):
        finding = await connections.connection("sms", service)
        assert await heard.get() == b""
    assert finding.health is Health.GOOD
    assert finding.message == f"{service} can be reached, its certificate holds"


async def test_a_certificate_that_is_not_trusted_fails(tmp_path: Path) -> None:
    """As every message to that gateway would, however well its port answers."""
    async with listening(of_server(self_signed(tmp_path))) as (service, _):
        finding = await connections.connection("sms", service)
    assert finding.health is Health.FAILED
    assert finding.message == f"{service} shows a certificate that is not trusted: self-signed certificate"


async def test_a_service_without_tls_is_no_https() -> None:
    """It answers the greeting of TLS in plain words."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        service = Service("127.0.0.1", server.sockets[0].getsockname()[1], tls=True)
        finding = await connections.connection("sms", service)
    assert finding.health is Health.FAILED
    assert f"{service} does not speak TLS as it should" in finding.message


def test_a_database_that_is_none_fails(tmp_path: Path) -> None:
    """A file of that name with anything else in it."""
    path = tmp_path / "warnd.db"
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 40)
    assert [one.health for one in checks.database(path, load(None, {}))] == [Health.FAILED]


def test_a_directory_that_cannot_be_made_fails(tmp_path: Path) -> None:
    """A file stands in its way."""
    (tmp_path / "var").write_text("")
    assert checks.directory(tmp_path / "var").health is Health.FAILED
    assert checks.space(tmp_path / "missing").health is Health.FAILED


@pytest.mark.parametrize(
    ("finding", "health"),
    [
        pytest.param(checks.enough(100 * MIB), Health.FAILED, id="a full disk"),
        pytest.param(checks.enough(1000 * MIB), Health.ATTENTION, id="a disk that fills"),
        pytest.param(checks.enough(100_000 * MIB), Health.GOOD, id="room"),
        pytest.param(checks.sqlite_version((3, 37, 2)), Health.FAILED, id="an old SQLite"),
        pytest.param(checks.sqlite_version((3, 38, 0)), Health.GOOD, id="the oldest SQLite that will do"),
        pytest.param(checks.clock(NOW, [NOW + timedelta(days=1)]), Health.FAILED, id="a clock before its files"),
        pytest.param(checks.clock(NOW, [NOW - timedelta(days=1)]), Health.GOOD, id="a clock after its files"),
        pytest.param(checks.clock(NOW, []), Health.GOOD, id="nothing to hold the clock against"),
        pytest.param(checks.schema(None, "0001"), Health.FAILED, id="no schema"),
        pytest.param(checks.schema("9999", "0001"), Health.FAILED, id="a newer schema"),
        pytest.param(checks.schema("0001", "0001"), Health.GOOD, id="the schema"),
    ],
)  # fmt: skip
def test_a_check_judges(finding: Finding, health: Health) -> None:
    """By what it was shown alone."""
    assert finding.health is health


@pytest.mark.parametrize(
    ("fault", "health"),
    [
        pytest.param(None, Health.GOOD, id="one that opens"),
        pytest.param(ConfigError("url", "nobody is there"), Health.FAILED, id="one that is misconfigured"),
        pytest.param(RuntimeError("surprise"), Health.FAILED, id="one that breaks"),
    ],
)
async def test_a_channel_is_opened_and_closed(fault: Exception | None, health: Health) -> None:
    """Whatever opening it came to."""
    channel = Silent("silent", {"fault": fault})
    (finding,) = await channel_checks.channel("silent", channel)
    assert (finding.health, finding.check) == (health, "channel silent")
    assert channel.closed == 1
    if fault is not None:
        assert finding.message == str(fault)


class Rehearsed(Silent):
    """One that can also tell whether a message would leave."""

    def __init__(self, found: Outcome | Exception) -> None:
        super().__init__("silent", {})
        self.found = found

    async def rehearse(self) -> Outcome:
        assert not self.closed
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.mark.parametrize(
    ("found", "health", "message"),
    [
        pytest.param(Accepted(), Health.GOOD, "a message would get through; none was sent", id="it would"),
        pytest.param(
            Deferred(Reason.UNREACHABLE, detail="its certificate is not trusted"),
            Health.FAILED,
            "no message would get through: unreachable; its certificate is not trusted",
            id="it would not",
        ),
        pytest.param(RuntimeError("surprise"), Health.FAILED, "surprise", id="it breaks"),
    ],
)
async def test_a_channel_that_can_rehearse_does(
    found: Outcome | Exception, health: Health, message: str
) -> None:
    """While it is open: what stands in a message's way is known before there is one."""
    channel = Rehearsed(found)
    _, finding = await channel_checks.channel("silent", channel)
    assert finding == Finding("connection silent", health, message)
    assert channel.closed == 1


def test_a_mail_relay_is_tried_as_a_letter_would_try_it(examine: Examine, config: Path) -> None:
    """One row of its connection: not a second one for its bare port."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        with config.open("a") as file:
            file.write(
                '[channels.mail]\nadapter = "email.smtp"\nhost = "127.0.0.1"\nsender = "warn@example.org"\n'
                f"port = {unheard.getsockname()[1]}\n"
            )
        result = examine("--json")
    assert result.exit_code == 1
    rows = [one for one in map(json.loads, result.stdout.splitlines()) if one["check"].endswith(" mail")]
    assert [(one["check"], one["health"], one["message"]) for one in rows] == [
        ("channel mail", "good", "opens"),
        ("connection mail", "failed", "no message would get through: unreachable; Connection refused"),
    ]


@pytest.fixture
def on_postgresql(config: Path, shared_county: str, postgres: PostgresServer) -> Iterator[str]:
    """The same configuration on a database of a server; its name there."""
    name = postgres.database(shared_county)
    config.write_text(re.sub('sqlite:[^"]*', postgres.place(name).url, config.read_text()))
    yield name
    postgres.drop(name)


def test_a_sound_postgresql_database_is_found_good(examine: Examine, on_postgresql: str) -> None:
    """The connection, what a commit means there, its schema and divisions, and the time it has."""
    found = examine().output
    for words in (
        rf"database .*{on_postgresql} .*synchronous_commit on",
        r"clock .* s (ahead|behind)",
        r"schema",
        r"divisions",
    ):
        assert re.search(words, found), found


def test_a_postgresql_database_that_may_lose_commits_is_found_out(
    examine: Examine, postgres: PostgresServer, on_postgresql: str
) -> None:
    """Before a warning is: and nothing more is said of it."""
    postgres.run(f"ALTER DATABASE {on_postgresql} SET synchronous_commit = off")
    found = examine()
    assert found.exit_code == 1
    assert "synchronous_commit is off" in found.output
    assert "divisions" not in found.output


def test_a_postgresql_server_that_is_away_is_named(examine: Examine, config: Path) -> None:
    """In a sentence."""
    config.write_text('[store]\nurl = "postgresql://warnd@127.0.0.1:9/county"\n')
    found = examine()
    assert found.exit_code == 1
    assert "database county on 127.0.0.1" in found.output


@pytest.mark.parametrize(
    ("ahead", "health"),
    [
        pytest.param(timedelta(milliseconds=300), Health.GOOD, id="as good as the same"),
        pytest.param(timedelta(seconds=-5), Health.ATTENTION, id="seconds behind"),
        pytest.param(timedelta(minutes=3), Health.FAILED, id="minutes ahead"),
    ],
)
def test_the_stores_clock_is_held_against_this_machines(ahead: timedelta, health: Health) -> None:
    """Leases of several machines are judged by their clocks."""
    assert shared_checks.skew(ahead, "the store's").health is health


@pytest.fixture
def with_redis(config: Path, on_postgresql: str, valkey: ValkeyServer) -> ValkeyServer:
    """The same configuration with a Valkey beside its database."""
    config.write_text(f'{config.read_text()}\n[queue]\nurl = "{valkey.url}"\n')
    return valkey


@pytest.mark.parametrize(
    ("setting", "value", "exit_code", "words"),
    [
        pytest.param(
            "appendonly", "yes", None, r"queue .*good.*Valkey 8.*noeviction, append-only", id="sound"
        ),
        pytest.param(
            "appendonly", "no", None, r"queue .*attention.*appendonly is off", id="forgets at a restart"
        ),
        pytest.param("maxmemory-policy", "allkeys-lru", 1, r"queue .*failed.*allkeys-lru", id="may evict"),
    ],
)
def test_a_redis_is_looked_at(
    examine: Examine, with_redis: ValkeyServer, setting: str, value: str, exit_code: int | None, words: str
) -> None:
    """Its version, whether it may throw away or forget what is shared, and what time it has."""
    with with_redis.client() as client:
        before = client.config_get(setting)[setting]
        client.config_set(setting, value)
        try:
            found = examine()
        finally:
            client.config_set(setting, before)
    assert re.search(words, found.output), found.output
    assert exit_code in (None, found.exit_code)
    assert exit_code or re.search(r"clock .*that of Redis is 0\.\d s", found.output), found.output


def test_a_redis_that_is_away_is_named(examine: Examine, config: Path, on_postgresql: str) -> None:
    """In a sentence."""
    config.write_text(f'{config.read_text()}\n[queue]\nurl = "redis://127.0.0.1:9/0"\n')
    found = examine()
    assert found.exit_code == 1
    assert "redis://127.0.0.1:9/0" in found.output


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"redis_version": "6.2.1", "maxmemory_policy": "noeviction"}, "Redis 6.2.1; 7.0"),
        (
            {"redis_version": "7.2.4", "valkey_version": "7.1.0", "maxmemory_policy": "noeviction"},
            "Valkey 7.1.0; 7.2",
        ),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.8", "maxmemory_policy": "noeviction"}, ""),
    ],
    ids=["too old a Redis", "too old a Valkey", "a Valkey that gives itself out as a Redis"],
)
def test_an_old_server_is_refused(info: dict[str, str], words: str) -> None:
    """Its scripts may not read the clock and write."""
    found = "; ".join(faults(info))
    assert found.startswith(words)
    assert bool(found) is bool(words)


def test_leases_are_held_against_the_time_outs() -> None:
    """Or another process could send what is still under way."""
    found = shared_checks.leases({"sms": timedelta(seconds=10), "email": timedelta(seconds=30)})
    assert (found.health, found.message) == (
        Health.GOOD,
        "longer than each channel's time-out, 45 s at the most",
    )
