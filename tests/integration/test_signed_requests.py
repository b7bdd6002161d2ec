"""A feed that signs its requests: let in once, never again, and nothing kept of what it did not sign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration import county as counties
from tests.integration.county import SECRET, Clock
from tests.integration.door import RED, Door
from warnd.intake.proof import signed_headers

BODY = orjson.dumps(RED)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def signing(tmp_path: Path, county: Path, clock: Clock) -> AsyncIterator[Door]:
    counties.settle(tmp_path, county)
    async with counties.opened(tmp_path, clock) as door:
        yield door


def headers(clock: Clock, *, body: bytes = BODY, query: str = "", source: str = "weather") -> dict[str, str]:
    return signed_headers(SECRET, source, body, query=query, now=clock())


async def send(
    door: Door, signed: dict[str, str], *, body: bytes = BODY, query: str = ""
) -> tuple[int, dict[str, Any]]:
    path = "alerts" + (f"?{query}" if query else "")
    status, answer = await door.ask(
        "POST", path, role=None, data=body, headers=signed | {"Content-Type": "application/json"}
    )
    return status, answer


async def rows(door: Door, table: str) -> int:
    def count(connection: Any) -> int:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar())

    return await door.app.store.read(count)


async def test_a_signed_warning_is_its_source_s(signing: Door, clock: Clock) -> None:
    """As if its key had been there; signed anew, the same body is a repeat."""
    status, answer = await send(signing, headers(clock))
    assert (status, answer["state"]) == (202, "released")
    status, again = await send(signing, headers(clock))
    assert (status, again["repeat"]) == (200, True)


async def test_the_same_request_again_is_a_replay(signing: Door, clock: Clock) -> None:
    """Within the window its nonce is known; after it its time is stale. In between there is no gap."""
    signed = headers(clock)
    assert (await send(signing, signed))[0] == 202
    for seconds in (0, 1, 299, 1, 1, 600):
        clock.pass_(seconds=seconds)
        status, problem = await send(signing, signed)
        assert status == 401
        assert ("nonce" in problem["detail"]) or ("5 minutes" in problem["detail"])


async def test_a_replay_is_known_for_one_after_a_restart(tmp_path: Path, county: Path, clock: Clock) -> None:
    """The nonces are on disk."""
    counties.settle(tmp_path, county)
    signed = headers(clock)
    async with counties.opened(tmp_path, clock) as door:
        assert (await send(door, signed))[0] == 202
    async with counties.opened(tmp_path, clock) as door:
        status, problem = await send(door, signed)
        assert (status, "used before" in problem["detail"]) == (401, True)


async def test_a_clock_ahead_leaves_no_gap_either(signing: Door, clock: Clock) -> None:
    """A nonce counts until its own time is stale, not until five minutes from now."""
    ahead = Clock(clock.now + timedelta(minutes=4))
    signed = headers(ahead)
    assert (await send(signing, signed))[0] == 202
    clock.pass_(minutes=8)
    await send(signing, headers(clock, body=b"{}"), body=b"{}")
    status, problem = await send(signing, signed)
    assert (status, "used before" in problem["detail"]) == (401, True)


@pytest.mark.parametrize(
    "fault", ["body", "query", "secret", "source", "unsigned source", "stale", "no nonce"]
)
async def test_what_its_source_did_not_sign_is_refused_and_not_kept(
    signing: Door, clock: Clock, fault: str
) -> None:
    """Anybody may have sent it: no raw message, no nonce, no word in the journal."""
    signed, body, query = headers(clock), BODY, ""
    match fault:
        case "body":
            body = BODY.replace(b"red", b"blue")
        case "query":
            query = "dry_run=true"
        case "secret":
            signed = signed_headers("guessed", "weather", BODY, query="", now=clock())
        case "source":
            signed = headers(clock, source="nobody")
        case "unsigned source":
            signed = headers(clock, source="village")
        case "stale":
            clock.pass_(minutes=5, seconds=1)
        case _:
            signed["X-Warnd-Nonce"] = ""
    before = [await rows(signing, table) for table in ("raw_messages", "nonces", "journal")]
    status, problem = await send(signing, signed, body=body, query=query)
    assert status == 401
    assert SECRET not in str(problem)
    assert [await rows(signing, table) for table in ("raw_messages", "nonces", "journal")] == before


async def test_a_dry_run_is_signed_as_one(signing: Door, clock: Clock) -> None:
    """The query is under the signature."""
    status, answer = await send(signing, headers(clock, query="dry_run=true"), query="dry_run=true")
    assert (status, answer["targeted"]) == (200, 0)


async def test_a_signature_opens_nothing_but_the_door_for_warnings(signing: Door, clock: Clock) -> None:
    """A feed only speaks."""
    signed = signed_headers(SECRET, "weather", b"", query="", now=clock())
    for method, path in (("GET", "alerts"), ("POST", "alerts/01ARZ3NDEKTSV4RRFFQ69G5FAV/approve")):
        status, _ = await signing.ask(method, path, role=None, headers=signed)
        assert status == 401


async def test_a_good_key_does_not_mend_a_bad_signature(signing: Door, clock: Clock) -> None:
    """Whoever signs is held to it."""
    await counties.hand_out_keys(signing)
    signed = headers(clock) | {"Authorization": f"Bearer {signing.texts['weather']}"}
    assert (await send(signing, signed, body=b"{}"))[0] == 401


async def test_nonces_are_forgotten_with_their_window(signing: Door, clock: Clock) -> None:
    """The table does not grow for ever."""
    for _ in range(3):
        await send(signing, headers(clock))
    clock.pass_(minutes=6)
    await send(signing, headers(clock))
    assert await rows(signing, "nonces") == 1
