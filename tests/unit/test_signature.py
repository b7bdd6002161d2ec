"""What a source's policy makes of a signature that is right, wrong, beyond checking, or not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.signing import ec_key, rsa_key, signed
from warnd.errors import Fault, InvalidAlert
from warnd.intake.hazards import load_hazards
from warnd.intake.read import MAX_BYTES, read
from warnd.intake.signature import SignaturePolicy, check_signature
from warnd.model.alert import Parsed, Verdict
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
DATA = Path(__file__).parent.parent / "data"
RED = (DATA / "cap" / "rainstorm-red.xml").read_text("utf-8")
JSON = (DATA / "json" / "rainstorm-red.json").read_bytes()
ISSUER, FORGER = rsa_key("issuer"), rsa_key("forger")
VERIFY = SignaturePolicy((ISSUER.public_key(),), required=False)
REQUIRE = replace(VERIFY, required=True)
BY_ISSUER, BY_FORGER = signed(RED, ISSUER).encode(), signed(RED, FORGER).encode()
SHA1 = signed(RED, ISSUER, digest="sha1").encode()
TWO_UNKNOWN = signed(signed(RED, FORGER), ec_key("other"), method="ecdsa-sha256").encode()


def judged(body: bytes, policy: SignaturePolicy) -> Parsed:
    """As a source with that policy would have it read."""
    checked = check_signature(body, policy)
    return checked.judge(read(checked.body, None, CATALOGUE))


def codes(findings: tuple[Fault, ...]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize("policy", [VERIFY, REQUIRE], ids=["verify", "require"])
def test_a_verified_message_is_read_as_if_it_had_no_signature(policy: SignaturePolicy) -> None:
    """What is read is what was signed; nothing more is said of it."""
    assert judged(BY_ISSUER, policy) == read(RED.encode(), None, CATALOGUE)


@pytest.mark.parametrize(
    "before", [b"\xef\xbb\xbf" * 2, b"\r\n\xef\xbb\xbf"], ids=["two marks", "a blank and a mark"]
)
def test_what_stands_before_a_message_hides_no_signature(before: bytes) -> None:
    """Such a body is read as if it began with its message; so is it verified, and known for forged."""
    assert judged(before + BY_ISSUER, REQUIRE).verdict is Verdict.ACCEPT
    with pytest.raises(InvalidAlert) as refused:
        judged(before + BY_FORGER, VERIFY)
    assert codes(tuple(refused.value.faults)) == ["signature_forged"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(RED.encode(), "signature_missing", id="unsigned CAP"),
        pytest.param(JSON, "signature_missing", id="JSON, which carries no signature"),
        pytest.param(SHA1, "signature_unverified", id="SHA-1"),
        pytest.param(TWO_UNKNOWN, "signature_unverified", id="two signatures by others"),
    ],
)
def test_what_is_not_verified_is_remarked_or_waits_for_a_person(body: bytes, code: str) -> None:
    """Said once and first; it goes out only where a signature is not required."""
    lenient, strict = judged(body, VERIFY), judged(body, REQUIRE)
    assert (lenient.verdict, codes(lenient.warnings)) == (Verdict.ACCEPT_WITH_WARNINGS, [code])
    assert (strict.verdict, codes(strict.doubts)) == (Verdict.QUARANTINE, [code])
    assert strict.warnings == ()
    assert lenient.alert == strict.alert


@pytest.mark.parametrize("policy", [VERIFY, REQUIRE], ids=["verify", "require"])
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        pytest.param(BY_FORGER, "key", id="another key"),
        pytest.param(BY_ISSUER.replace(b"Evacuate", b"AllClear"), "text", id="another text"),
    ],
)
def test_a_forged_message_is_refused(body: bytes, wrong: str, policy: SignaturePolicy) -> None:
    """Not even as something to look at: its identity belongs to the message it imitates. It is said what is wrong."""
    with pytest.raises(InvalidAlert) as refused:
        check_signature(body, policy)
    assert [(fault.path, fault.code, fault.about) for fault in refused.value.faults] == [
        ("alert/Signature", "signature_forged", wrong)
    ]


def test_sha1_is_verified_where_the_policy_allows_it() -> None:
    """For the services that sign with nothing better."""
    assert judged(SHA1, replace(REQUIRE, sha1=True)).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"\xff", "bad_encoding", id="no text"),
        pytest.param(b"<!DOCTYPE a>" + BY_ISSUER, "doctype", id="a DOCTYPE"),
        pytest.param(BY_ISSUER[:-20], "not_well_formed", id="cut off"),
        pytest.param(b"<a>" + b" " * MAX_BYTES, "too_large", id="too large"),
    ],
)
def test_what_cannot_be_read_is_refused_as_without_a_policy(body: bytes, code: str) -> None:
    """The check of a signature is no second door."""
    with pytest.raises(InvalidAlert) as refused:
        judged(body, REQUIRE)
    assert codes(refused.value.faults) == [code]
