"""A signed request: what holds, and everything that does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.intake.proof import NONCE, SIGNATURE, SOURCE, TIMESTAMP, holds, read_proof, signed_headers

NOW = datetime(2026, 7, 14, 0, 0, tzinfo=UTC)
SECRET = "an invented secret of some length"
BODY = b'{"identifier":"62120241600000_20260714080000"}'

VECTOR = {
    SOURCE: "weather",
    TIMESTAMP: "1783987200",
    NONCE: "b2Zcz1-invented_nonce-01",
    SIGNATURE: "sha256=dfd31e02db184288895b00f23a8bde5fbf49fcf48f751ffc469a7270af4e9baf",
}
"""The one of docs/api.md, reckoned there with openssl."""


def signed(**changes: str) -> dict[str, str]:
    made = signed_headers(SECRET, "weather", BODY, query="", now=NOW, nonce=VECTOR[NONCE])
    return made | {f"X-Warnd-{name.capitalize()}": text for name, text in changes.items()}


def test_the_documented_vector_comes_out() -> None:
    """Whoever writes a feed checks theirs against it."""
    assert signed() == VECTOR
    assert holds(read_proof(VECTOR, now=NOW), SECRET, BODY, query="")


@pytest.mark.parametrize(
    ("changes", "body", "query", "secret"),
    [
        pytest.param({}, BODY + b" ", "", SECRET, id="another body"),
        pytest.param({}, BODY, "dry_run=true", SECRET, id="a dry run of what was meant"),
        pytest.param({}, BODY, "", SECRET + "!", id="another secret"),
        pytest.param({"source": "water"}, BODY, "", SECRET, id="another source of the same secret"),
        pytest.param({"timestamp": "1783987201"}, BODY, "", SECRET, id="another time"),
        pytest.param({"nonce": "c" * 24}, BODY, "", SECRET, id="another nonce"),
        pytest.param({"signature": "sha256=" + "0" * 64}, BODY, "", SECRET, id="another signature"),
    ],
)
def test_nothing_but_what_was_signed_holds(
    changes: dict[str, str], body: bytes, query: str, secret: str
) -> None:
    """Each part of the request is under the signature."""
    assert not holds(read_proof(signed(**changes), now=NOW), secret, body, query=query)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"source": ""}, SOURCE, id="no source"),
        pytest.param({"timestamp": "2026-07-14"}, TIMESTAMP, id="a time in words"),
        pytest.param({"timestamp": "9" * 30}, TIMESTAMP, id="a time beyond all times"),
        pytest.param({"timestamp": "１７８３９８７２００"}, TIMESTAMP, id="digits of another script"),
        pytest.param({"nonce": "short"}, NONCE, id="a nonce that could be guessed"),
        pytest.param({"nonce": "n" * 65}, NONCE, id="a nonce that fills the disk"),
        pytest.param({"signature": "md5=" + "0" * 32}, SIGNATURE, id="another scheme"),
        pytest.param({"signature": "sha256=" + "A" * 64}, SIGNATURE, id="capitals"),
    ],
)
def test_headers_that_are_no_use_are_named(changes: dict[str, str], named: str) -> None:
    """Whoever writes a feed reads which."""
    with pytest.raises(ValueError, match=named):
        read_proof(signed(**changes), now=NOW)


@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_a_stale_time_is_refused_either_way(off: timedelta) -> None:
    """Five minutes are for clocks that differ."""
    with pytest.raises(ValueError, match="5 minutes"):
        read_proof(signed(), now=NOW + off)
    assert read_proof(signed(), now=NOW + off * 0.99)


@given(body=st.binary(max_size=200), query=st.text("abc=&%1", max_size=20), secret=st.text(min_size=1))
def test_whatever_is_signed_holds(body: bytes, query: str, secret: str) -> None:
    """With a nonce of its own each time."""
    first, second = (signed_headers(secret, "weather", body, query=query, now=NOW) for _ in range(2))
    assert first[NONCE] != second[NONCE]
    assert holds(read_proof(first, now=NOW), secret, body, query=query)
