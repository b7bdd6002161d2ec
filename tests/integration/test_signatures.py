"""Signed messages through the whole door: what is kept, what sounds, and what never goes out."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fakes.signing import certificate, public_pem, rsa_key, signed
from warnd.app import App
from warnd.errors import ConfigError, InvalidAlert
from warnd.model.alert import AlertState, Verdict
from warnd.settings import load
from warnd.store import alarms
from warnd.store.tables import raw_messages

NOW = datetime(2026, 7, 14, 0, 10, tzinfo=UTC)
RED = (Path(__file__).parent.parent / "data" / "cap" / "rainstorm-red.xml").read_text("utf-8")
ISSUER = rsa_key("issuer")
GENUINE = signed(RED, ISSUER).encode()
FORGED = signed(RED, rsa_key("forger"), embedded=True).encode()

CONFIG = """
[store]
url = "sqlite:///{directory}/warnd.db"

[sources.strict]
regions = ["6212"]
official = true
signature = "require"
signature_key_file = "{directory}/issuer.pem"

[sources.lenient]
regions = ["6212"]
official = true
signature = "verify"
signature_key_file = "{directory}/issuer.pem"

[sources.deaf]
regions = ["6212"]
official = true
"""


@dataclass(frozen=True, slots=True)
class Site:
    app: App

    async def post(self, source: str, body: bytes) -> tuple[AlertState, Verdict, list[str]]:
        """State, verdict and findings of a message from that source."""
        admitted = await self.app.intake.receive(body, "application/cap+xml", self.app.speakers[source])
        return admitted.state, admitted.verdict, [one.code for one in admitted.findings]

    async def open_alarms(self) -> list[tuple[str, str]]:
        await self.app.alarms.settle()
        return [(one.kind, one.subject) for one in await self.app.store.read(alarms.open_alarms)]


@pytest.fixture
async def site(tmp_path: Path, county: Path) -> AsyncIterator[Site]:
    """Open, not started."""
    shutil.copy(county, tmp_path / "warnd.db")
    (tmp_path / "issuer.pem").write_bytes(certificate(ISSUER))
    (tmp_path / "warnd.toml").write_text(CONFIG.format(directory=tmp_path))
    app = App(load(tmp_path / "warnd.toml", {}), wall=lambda: NOW)
    await app.open()
    yield Site(app)
    await app.close()


@pytest.mark.parametrize("source", ["strict", "lenient"])
async def test_a_genuine_message_is_released(site: Site, source: str) -> None:
    """At once, with nothing to remark."""
    assert await site.post(source, GENUINE) == (AlertState.RELEASED, Verdict.ACCEPT, [])


@pytest.mark.parametrize("source", ["strict", "lenient"])
async def test_a_forged_message_is_kept_raw_alarms_and_leaves_its_identity_free(
    site: Site, source: str
) -> None:
    """The genuine one, which comes after it, is not taken for its repeat."""
    with pytest.raises(InvalidAlert, match="none of the pinned keys"):
        await site.post(source, FORGED)
    assert await site.open_alarms() == [("signature_forged", source)]
    [alarm] = await site.app.store.read(alarms.open_alarms)
    assert (alarm.facts, "none of the pinned keys" in alarm.message) == ({"case": "key"}, True)
    [row] = await site.app.store.read(lambda connection: connection.execute(select(raw_messages)).all())
    assert (row.body, row.verdict, row.alert_id) == (FORGED, "refuse", None)
    assert [one["code"] for one in row.findings] == ["signature_forged"]
    assert await site.post(source, GENUINE) == (AlertState.RELEASED, Verdict.ACCEPT, [])


async def test_an_unsigned_message_waits_where_signatures_are_required(site: Site) -> None:
    """An operator sees it; nobody is told."""
    state, verdict, codes = await site.post("strict", RED.encode())
    assert (state, verdict, codes) == (AlertState.QUARANTINED, Verdict.QUARANTINE, ["signature_missing"])
    assert "alert_quarantined" in dict(await site.open_alarms())


async def test_an_unsigned_message_is_remarked_where_signatures_are_verified_if_present(site: Site) -> None:
    """It goes out as before."""
    state, verdict, codes = await site.post("lenient", RED.encode())
    assert (state, codes) == (AlertState.RELEASED, ["signature_missing"])
    assert verdict is Verdict.ACCEPT_WITH_WARNINGS


async def test_a_source_without_policy_takes_any_signature_for_none(site: Site) -> None:
    """And says that it did not look."""
    state, _, codes = await site.post("deaf", FORGED)
    assert (state, codes) == (AlertState.RELEASED, ["signature_unverified"])


async def test_a_dry_run_refuses_a_forged_message_and_alarms_nobody(site: Site) -> None:
    """Nothing is kept of it."""
    with pytest.raises(InvalidAlert, match="none of the pinned keys"):
        await site.app.intake.forecast(FORGED, None, site.app.speakers["lenient"])
    assert await site.open_alarms() == []


async def test_acknowledging_a_forgery_closes_its_alarm(site: Site) -> None:
    """No condition ends it: it happened."""
    with pytest.raises(InvalidAlert):
        await site.post("strict", FORGED)
    await site.app.alarms.settle()
    [alarm] = await site.app.store.read(alarms.open_alarms)
    await site.app.store.record(alarms.acknowledge, alarm.id, by="operator", now=NOW)
    assert await site.open_alarms() == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "cannot be read: No such file", id="no file"),
        pytest.param(b"hello", "holds 0 PEM blocks", id="no PEM"),
    ],
)
def test_keys_that_cannot_be_read_stop_the_daemon(tmp_path: Path, content: bytes | None, why: str) -> None:
    """Before the first message, and with the setting's name; ``warnd doctor`` says the same."""
    if content is not None:
        (tmp_path / "issuer.pem").write_bytes(content)
    (tmp_path / "warnd.toml").write_text(CONFIG.format(directory=tmp_path))
    with pytest.raises(ConfigError, match=rf"sources\.strict\.signature_key_file: .*{why}"):
        App(load(tmp_path / "warnd.toml", {}))


def test_a_policy_without_keys_stops_the_daemon(tmp_path: Path) -> None:
    """It could verify nothing."""
    text = CONFIG.format(directory=tmp_path).replace("signature_key_file", "# signature_key_file")
    (tmp_path / "warnd.toml").write_text(text)
    with pytest.raises(ConfigError, match='signature_key_file: is missing, but signature is "require"'):
        App(load(tmp_path / "warnd.toml", {}))


def test_the_public_key_of_a_certificate_is_the_same_pinned_key(tmp_path: Path) -> None:
    """Whichever of the two the issuer publishes."""
    (tmp_path / "issuer.pem").write_bytes(public_pem(ISSUER))
    (tmp_path / "warnd.toml").write_text(CONFIG.format(directory=tmp_path))
    app = App(load(tmp_path / "warnd.toml", {}))
    parsed = app.intake.read(GENUINE, "application/cap+xml", app.speakers["strict"])
    assert "signature" not in " ".join(one.code for one in (*parsed.warnings, *parsed.doubts))
