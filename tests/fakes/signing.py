"""Keys and signatures as issuers and forgers make them; the issuer's own are made by another implementation, signxml."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml import CanonicalizationMethod, SignatureConstructionMethod, XMLSigner

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f'<ds:Transform Algorithm="{DS}enveloped-signature"/>'
CANONICAL = f'<ds:Transform Algorithm="{EXCLUSIVE}"/>'

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class _Signer(XMLSigner):
    """Signs over SHA-1 too, as some services do to this day."""

    def check_deprecated_methods(self) -> None:
        pass


@cache
def rsa_key(whose: str) -> rsa.RSAPrivateKey:
    """One key for each name."""
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(whose: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate(key: PrivateKey) -> bytes:
    """Self-signed, and expired long ago."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Duty office")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2001, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2002, 1, 1, tzinfo=UTC))
    )
    return built.sign(key, SHA256()).public_bytes(Encoding.PEM)


def signed(
    text: str,
    key: PrivateKey,
    *,
    method: str = "rsa-sha256",
    digest: str = "sha256",
    canonical: str = EXCLUSIVE,
    embedded: bool = False,
) -> str:
    """The document with an enveloped signature at its end; ``embedded`` adds the key's own certificate."""
    signer = _Signer(SignatureConstructionMethod.enveloped, method, digest, CanonicalizationMethod(canonical))
    root = etree.fromstring(text.encode())
    cert = certificate(key).decode() if embedded else None
    return etree.tostring(signer.sign(root, key=key, cert=cert), encoding="unicode")


def digest_of(text: str) -> str:
    """Of the whole document in exclusive canonical form."""
    octets = etree.tostring(
        etree.fromstring(text.encode()), method="c14n", exclusive=True, with_comments=False
    )
    return b64encode(sha256(octets).digest()).decode()


def reference(
    digest: str, *, uri: str | None = "", transforms: str = ENVELOPED + CANONICAL, shown: str = ""
) -> str:
    """One ``Reference``; ``shown`` takes the place of the digest as it is written."""
    address = "" if uri is None else f' URI="{uri}"'
    return (
        f"<ds:Reference{address}><ds:Transforms>{transforms}</ds:Transforms>"
        f'<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f"<ds:DigestValue>{shown or digest}</ds:DigestValue></ds:Reference>"
    )


def signature(references: str, key: rsa.RSAPrivateKey, *, more: str = "") -> str:
    """A ``Signature`` made by hand over references of any form, truly by that key."""
    info = (
        f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f"{references}</ds:SignedInfo>"
    )
    octets = etree.tostring(etree.fromstring(info), method="c14n", exclusive=True, with_comments=False)
    value = b64encode(key.sign(octets, PKCS1v15(), SHA256())).decode()
    return f'<ds:Signature xmlns:ds="{DS}">{info}<ds:SignatureValue>{value}</ds:SignatureValue>{more}</ds:Signature>'


def with_child(text: str, child: str) -> str:
    """The alert with one more child at its end."""
    return text.replace("</alert>", f"{child}</alert>")
