"""The public keys that an operator pins for a source, and whether one of them made a signature."""

from __future__ import annotations

import re
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PinnedKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey

MAX_KEYS = 16
"""Of one source: those in force, and those that come next."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


def pinned_keys(pem: bytes) -> tuple[PinnedKey, ...]:
    """
    The keys of a PEM file, each block a public key or a certificate.

    A certificate is taken for its key alone: neither its dates nor its issuer say more of a key than the
    operator did by pinning it. Raises ValueError saying what is wrong with the file.
    """
    blocks = [(block[1], block[0] + b"\n") for block in _BLOCK.finditer(pem)]
    if not 0 < len(blocks) <= MAX_KEYS:
        raise ValueError(f"holds {len(blocks)} PEM blocks; 1 to {MAX_KEYS} are read")
    return tuple(_pinned_key(label, block) for label, block in blocks)


def _pinned_key(label: bytes, block: bytes) -> PinnedKey:
    if b"PRIVATE" in label:
        raise ValueError("holds a private key, which is the issuer's alone; give the public one")
    try:
        key = _public_key(label, block)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"holds a {label.decode()} that cannot be read") from error
    if not isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        raise ValueError("holds a key that is neither RSA nor of an elliptic curve")  # noqa: TRY004
    return key


def _public_key(label: bytes, block: bytes) -> object:
    if label == b"CERTIFICATE":
        return x509.load_pem_x509_certificate(block).public_key()
    return load_pem_public_key(block)


def made(key: PinnedKey, signature: bytes, octets: bytes, algorithm: HashAlgorithm) -> bool:
    """Whether this key made that signature, in XMLDSIG's form, of these octets."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, octets, PKCS1v15(), algorithm)
            return True
        width = (key.key_size + 7) // 8  # r and s stand side by side, each as wide as the curve
        if len(signature) != 2 * width:
            return False
        r, s = int.from_bytes(signature[:width], "big"), int.from_bytes(signature[width:], "big")
        key.verify(encode_dss_signature(r, s), octets, ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True
