"""
The one shape of XML signature that is checked: enveloped, over the whole document, by a pinned key.

Of all that XMLDSIG allows, only what warnings are signed with is understood: one reference to the whole document,
the enveloped transform and a canonicalization, RSA (PKCS 1.5) or ECDSA, SHA-2 or, where allowed, SHA-1. Transforms
that are programs, references by id or address, and what a signature says of its own key are never followed. What
may be read afterwards is rebuilt from the very octets that were signed.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, Hash, HashAlgorithm
from lxml import etree

from warnd.intake.canonical import Canon, algorithm_of, bounded, canon_of, parsed, unsupported
from warnd.intake.pinned_key import PinnedKey, made

MAX_SIGNATURES = 4
"""Real messages carry up to two: the author's and the distributor's."""

_DS = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"
_SIGNATURE = f"{{{_DS}}}Signature"
_XML = "{http://www.w3.org/XML/1998/namespace}"


class Standing(Enum):
    """
    What can be said of a document's signature.

    ``unverified``: there is one that cannot be judged here. ``forged``: there is one that can, and it is not of
    this text or by none of the pinned keys.
    """

    MISSING = "missing"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Check:
    """
    ``why`` completes the sentence "the signature …", ``wrong`` is what is ``forged``: the "text" or the "key";
    ``signed`` is all of a verified document that may be read.
    """

    standing: Standing
    why: str = ""
    signed: bytes = b""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a pinned key says: in this canonical form the document has this digest."""

    canon: Canon
    algorithm: HashAlgorithm
    digest: bytes

    def holds_for(self, octets: bytes) -> bool:
        digest = Hash(self.algorithm)
        digest.update(octets)
        return digest.finalize() == self.digest


_METHODS: Mapping[str, tuple[type[PinnedKey], HashAlgorithm]] = {
    f"{_DS}rsa-sha1": (RSAPublicKey, SHA1()),  # noqa: S303  only where a source's settings allow it
    f"{_MORE}rsa-sha256": (RSAPublicKey, SHA256()),
    f"{_MORE}rsa-sha384": (RSAPublicKey, SHA384()),
    f"{_MORE}rsa-sha512": (RSAPublicKey, SHA512()),
    f"{_MORE}ecdsa-sha256": (EllipticCurvePublicKey, SHA256()),
    f"{_MORE}ecdsa-sha384": (EllipticCurvePublicKey, SHA384()),
    f"{_MORE}ecdsa-sha512": (EllipticCurvePublicKey, SHA512()),
}
_DIGESTS: Mapping[str, HashAlgorithm] = {
    f"{_DS}sha1": SHA1(),  # noqa: S303
    f"{_ENC}sha256": SHA256(),
    f"{_MORE}sha384": SHA384(),
    f"{_ENC}sha512": SHA512(),
}


def verify(text: str, keys: Sequence[PinnedKey], *, sha1: bool = False) -> Check:
    """
    Judge the signatures that are children of a document's root; whatever it holds, nothing is raised.

    Of several, one that verifies is enough; each may have been made before the others were added.
    """
    try:
        return _verified(text, keys, sha1=sha1)
    except ValueError as reason:
        return Check(Standing.UNVERIFIED, str(reason))


def _verified(text: str, keys: Sequence[PinnedKey], *, sha1: bool) -> Check:
    root = bounded(text)
    signatures = root.findall(_SIGNATURE)
    if not signatures:
        if next(root.iter(_SIGNATURE), None) is None:
            return Check(Standing.MISSING)
        raise ValueError("stands deep in the document and not right under its root")
    if len(signatures) > MAX_SIGNATURES:
        raise ValueError(f"is one of {len(signatures)}; no more than {MAX_SIGNATURES} are looked at")
    judged = [_judged(signature, keys, sha1=sha1) for signature in signatures]
    everyone = frozenset(range(len(signatures)))
    claims = {place: claim for place, claim in enumerate(judged) if isinstance(claim, _Claim)}
    for place, claim in claims.items():
        for removed in {frozenset({place}), everyone}:
            octets = claim.canon.octets(_without(text.encode(), removed))
            if claim.holds_for(octets):
                return Check(Standing.VERIFIED, signed=_text_of(_without(octets, everyone)))
    if claims:
        why = "is of another text: this one was changed after it was signed"
        return Check(Standing.FORGED, why, wrong="text")
    if len(judged) > 1:
        raise ValueError(
            f"is there {len(judged)} times, but not once by a pinned key in a form understood here"
        )
    return next(check for check in judged if isinstance(check, Check))


def _without(octets: bytes, removed: Set[int]) -> etree._ElementTree:
    """The document without those of the root's signatures; the text after each stays, for it is signed too."""
    root = parsed(octets)
    for place, signature in enumerate(root.findall(_SIGNATURE)):
        if place not in removed:
            continue
        before = signature.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + (signature.tail or "")
        else:
            root.text = (root.text or "") + (signature.tail or "")
        root.remove(signature)
    return root.getroottree()


def _text_of(document: etree._ElementTree) -> bytes:
    return etree.tostring(document, encoding="utf-8")


def _judged(signature: etree._Element, keys: Sequence[PinnedKey], *, sha1: bool) -> _Claim | Check:
    try:
        return _claimed(signature, keys, sha1=sha1)
    except ValueError as reason:
        return Check(Standing.UNVERIFIED, str(reason))


def _claimed(signature: etree._Element, keys: Sequence[PinnedKey], *, sha1: bool) -> _Claim | Check:
    """What a signature claims, if a pinned key made it."""
    info = _child(signature, "SignedInfo")
    canon = canon_of(_child(info, "CanonicalizationMethod"))
    if not canon.exclusive and _inherits(signature):
        raise ValueError("inherits xml: attributes, which its canonical form would have to repeat")
    octets = canon.octets(parsed(etree.tostring(info, with_tail=False)).getroottree())
    # Read again from what is signed and without comments: one inside a digest would cut it short.
    info = parsed(octets, comments=False)
    _, method, reference = _shaped(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    kind, algorithm = _method(method, sha1=sha1)
    claim = _claim(reference, sha1=sha1)
    value = _decoded(_child(signature, "SignatureValue"))
    if any(isinstance(key, kind) and made(key, value, octets, algorithm) for key in keys):
        return claim
    why = "was made by none of the pinned keys; ask whether the issuer has a new one"
    return Check(Standing.FORGED, why, wrong="key")


def _claim(reference: etree._Element, *, sha1: bool) -> _Claim:
    if reference.get("URI") != "":
        raise ValueError("is of a part or of something else, not of the whole document")
    transforms, method, digest = _shaped(reference, "Transforms", "DigestMethod", "DigestValue")
    algorithms = [
        algorithm_of(transform) for transform in _shaped(transforms, *("Transform" for _ in transforms))
    ]
    if algorithms[:1] != [f"{_DS}enveloped-signature"] or len(transforms[0]) or len(algorithms) > 2:
        raise ValueError("has transforms other than the enveloped one and a canonicalization")
    canon = canon_of(transforms[1]) if len(algorithms) == 2 else Canon()
    # Of a whole document comments are never signed, whatever its canonical form is called (XMLDSIG 4.4.3.3).
    return _Claim(replace(canon, comments=False), _digest(method, sha1=sha1), _decoded(digest))


def _child(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(f"{{{_DS}}}{name}")
    if len(found) != 1:
        raise ValueError(f"has {len(found)} times {name}, not once")
    return found[0]


def _shaped(parent: etree._Element, *names: str) -> list[etree._Element]:
    """The children, which must be these and no others, in this order."""
    children = list(parent)
    if [child.tag for child in children] != [f"{{{_DS}}}{name}" for name in names]:
        raise ValueError(f"has a {etree.QName(parent).localname} of a form that is not understood here")
    return children


def _method(element: etree._Element, *, sha1: bool) -> tuple[type[PinnedKey], HashAlgorithm]:
    found = _METHODS.get(algorithm_of(element))
    if found is None or len(element):
        raise unsupported(element)
    return found[0], _allowed(found[1], sha1=sha1)


def _digest(element: etree._Element, *, sha1: bool) -> HashAlgorithm:
    found = _DIGESTS.get(algorithm_of(element))
    if found is None or len(element):
        raise unsupported(element)
    return _allowed(found, sha1=sha1)


def _allowed(algorithm: HashAlgorithm, *, sha1: bool) -> HashAlgorithm:
    if isinstance(algorithm, SHA1) and not sha1:
        raise ValueError("uses SHA-1, which the source's settings do not allow")
    return algorithm


def _inherits(element: etree._Element) -> bool:
    lineage = (element, *element.iterancestors())
    return any(str(name).startswith(_XML) for each in lineage for name in each.attrib)


def _decoded(element: etree._Element) -> bytes:
    try:
        return b64decode("".join((element.text or "").split()), validate=True)
    except ValueError as error:
        raise ValueError(f"has a {etree.QName(element).localname} that is not base64") from error
