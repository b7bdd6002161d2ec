"""Addresses in the one form in which each kind of channel stores and compares them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

LONGEST = 512
"""Characters an address of any kind may have."""

_PHONE_FILLING = re.compile(r"[\s().\-\u2010-\u2015\u2212]|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_CHINESE_SMS = re.compile(r"1[3-9][0-9]{9}|1[04][0-9]{11}")
_CHINESE_VOICE = re.compile(r"1[3-9][0-9]{9}|10[0-9]{8,9}|[2-9][0-9]{8,10}")

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*|\"(?:[ !#-\[\]-~]|\\[ -~])*\"")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_ROBOT_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
_PLATFORM = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>/[!$&-;=?-Z_a-z~%]*)?",
    re.IGNORECASE | re.ASCII,
)
_IMPLIED = {"http": "80", "https": "443"}


def normalise(kind: str, address: str) -> str:
    """
    The address as a channel of this kind (``sms``, ``email``, …) takes it; applied twice it changes nothing.

    Raises ValueError with a plain sentence when no such address can exist.
    """
    if len(address) > LONGEST:
        raise ValueError(f"an address has at most {LONGEST} characters, this one {len(address)}")
    return _BY_KIND.get(kind, _other)(address)


def _sms(address: str) -> str:
    """
    E.164 (ITU-T), possible but maybe not assigned.

    Chinese numbers may come without +86: mobiles of 11 digits, and machines' of 13 (10… and 14…).
    """
    number = _e164(address, _dialled(address))
    if number.startswith("+86") and not _CHINESE_SMS.fullmatch(number[3:]):
        raise ValueError(f"{address!r} is no Chinese mobile number: +86, then 11 digits from 13 to 19")
    return number


def _voice(address: str) -> str:
    """E.164; a Chinese line may be written with the 0 of its area code."""
    dialled = _dialled(address)
    trunk = dialled.startswith("0") and not dialled.startswith("00")
    number = _e164(address, "+86" + dialled[1:] if trunk else dialled)
    if number.startswith("+86") and not _CHINESE_VOICE.fullmatch(number[3:]):
        raise ValueError(f"{address!r} is no Chinese telephone number")
    return number


def _e164(address: str, dialled: str) -> str:
    if dialled.startswith("00"):
        number = "+" + dialled[2:]
    elif _CHINESE_SMS.fullmatch(dialled):
        number = "+86" + dialled
    elif dialled.startswith("86") and _CHINESE_SMS.fullmatch(dialled[2:]):
        number = "+" + dialled
    else:
        number = dialled
    if not _E164.fullmatch(number):
        raise ValueError(
            f"{address!r} is no telephone number: + and 8 to 15 digits, or 11 for a Chinese mobile"
        )
    return number


def _dialled(address: str) -> str:
    """The number without what people put between digits."""
    return _PHONE_FILLING.sub("", unicodedata.normalize("NFKC", address))


def _email(address: str) -> str:
    """
    A mailbox of RFC 5321: the local part is the recipient's own business, letter case too; the domain is not.

    A domain in other letters becomes its ASCII form (punycode).
    """
    if any(unicodedata.category(character) == "Cc" for character in address):
        raise ValueError("an e-mail address holds no line breaks and no control characters")
    local, at, domain = unicodedata.normalize("NFKC", address).strip().rpartition("@")
    if not at:
        raise ValueError(f"{address!r} is no e-mail address: it has no @")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        raise ValueError(f"{address!r} is no e-mail address: what stands before the @ is not a mailbox name")
    mailbox = f"{local}@{_domain(domain)}"
    if len(mailbox) > 254:
        raise ValueError("an e-mail address has at most 254 characters")
    return mailbox


def _domain(domain: str) -> str:
    folded = domain.lower()
    if not folded.isascii():
        folded = _punycode(folded)
    labels = folded.split(".")
    if len(labels) < 2 or len(folded) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{domain!r} is no domain name such as mail.example")
    return folded


def _punycode(domain: str) -> str:
    written = re.sub("[。．｡]", ".", domain)
    try:
        encoded = written.encode("idna")
        faithful = encoded.decode("idna") == written
    except ValueError:
        faithful = False
    # The codec knows IDNA 2003, which makes another domain of ß and of joiners.
    if not faithful:
        raise ValueError(f"{domain!r} is no domain name; write its xn-- form")
    return encoded.decode("ascii").lower()


def _robot_key(address: str) -> str:
    key = address.strip()
    if not _ROBOT_KEY.fullmatch(key):
        raise ValueError(
            "a robot's key is 8 to 64 letters, digits and dashes: what follows key= in its webhook"
        )
    return key


def _platform(address: str) -> str:
    """
    Where another platform takes alerts; which of these may be posted to, the channel's ``origin`` decides.

    Scheme and host in lower case, without the port that the scheme implies: spelt twice, it is told once.
    """
    parts = _PLATFORM.fullmatch(address.strip())
    if parts is None:
        raise ValueError(
            "a platform's address is the URL it takes alerts at, such as https://warnd.example/api/v1/alerts, "
            "without a login and without a fragment"
        )
    scheme, host = parts["scheme"].lower(), parts["host"].lower()
    port = "" if parts["port"] == _IMPLIED[scheme] else parts["port"]
    return f"{scheme}://{host}{f':{port}' if port else ''}{parts['rest'] or '/'}"


def _other(address: str) -> str:
    trimmed = address.strip()
    if not trimmed:
        raise ValueError("an address cannot be empty")
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in trimmed):
        raise ValueError("an address holds no line breaks and no control characters")
    return trimmed


_BY_KIND: dict[str, Callable[[str], str]] = {
    "sms": _sms,
    "voice": _voice,
    "email": _email,
    "wechat": _robot_key,
    "cap": _platform,
}
