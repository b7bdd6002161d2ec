"""Which message of the national platform it is, from whom, for whom, and of which earlier ones it speaks."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from warnd.intake.cap_grammar import word
from warnd.intake.findings import Findings
from warnd.intake.identity import MAX_REFERENCES, is_clean, is_short_enough
from warnd.intake.times import read_beijing_time
from warnd.intake.xml import Node
from warnd.model.alert import PUBLIC, RESTRICTED, AlertType, Reference, Status

UNCLASSIFIED = frozenset({"", "none", "0", "无", "公开", "非密", "unclassified", "public"})
"""What ``secClassification`` says, in lower case, of a message that is for everybody."""

_IDENTIFIER = re.compile(r"(?<![0-9])(?P<unit>\d{14})_(?P<entered>\d{14})(?:_\d{1,4})?(?![0-9_])", re.ASCII)
"""``ZZZZZZDDDUUUXX_YYYYMMDDhhmmss``, with or without the serial ``_N`` at its end."""

_IDENTITY = ("identifier", "senderCode", "sendTime", "status", "msgType")
_SEPARATORS = re.compile(r"[\s,，;；、|]+")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands outside a message's blocks, named as in an Alert."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    type: AlertType
    references: tuple[Reference, ...]
    scope: str


def read_envelope(root: Node, findings: Findings) -> Envelope | None:
    """The envelope of a spelled tree; None, with the faults in ``findings``, where it leaves open what this is."""
    _check_identity(root, findings)
    _check_secrecy(root, findings)
    identifier = _key(root, "identifier", root.value("identifier"), findings)
    sender = _key(root, "senderCode", _sender(root, findings), findings)
    sent = _sent(root, findings)
    status, kind = (_chosen(root, name, findings) for name in ("status", "msgType"))
    if findings.faults or sent is None:
        return None
    references = _references(root.value("references"))
    scope = word("scope", root.value("scope") or PUBLIC) or RESTRICTED
    return Envelope(identifier, sender, sent, Status(status), AlertType(kind), references, scope)


def _check_identity(root: Node, findings: Findings) -> None:
    """What says which message this is and what it is for must not say two things."""
    for name in _IDENTITY:
        if len({each.text for each in root.all(name)}) > 1:
            findings.fault(f"alert/{name}", "repeated", "stands more than once, each time with other words")


def is_classified(root: Node) -> bool:
    return root.value("secClassification").casefold() not in UNCLASSIFIED


def _check_secrecy(root: Node, findings: Findings) -> None:
    """Whom a message that is not for everybody may go to, a person must say."""
    if is_classified(root):
        secrecy = root.value("secClassification")
        findings.doubt(
            "alert/secClassification",
            "classified",
            f"is {secrecy[:40]}: whom it may go to, a person must say",
        )


def _key(root: Node, name: str, key: str, findings: Findings) -> str:
    path = f"alert/{name}"
    if not key:
        findings.fault(path, "missing", f"nothing says the {name} of the message")
    elif not is_short_enough(key):
        findings.fault(path, "key_length", "is longer than 256 characters")
    elif not is_clean(key):
        findings.warn(path, "key_characters", "holds a space, a comma, < or &, or a control character")
    return key


def _sender(root: Node, findings: Findings) -> str:
    """The code of the issuing unit, which is also how its identifiers begin; else the unit's name."""
    if code := root.value("senderCode"):
        return code
    named = _IDENTIFIER.fullmatch(root.value("identifier"))
    sender = named["unit"] if named is not None else root.value("sender")
    if sender:
        findings.warn("alert/senderCode", "missing", f"taken as {sender[:60]}, as the message says elsewhere")
    return sender


def _sent(root: Node, findings: Findings) -> datetime | None:
    """``sendTime``, else the time of entry that the identifier holds; a fault when neither can be read."""
    said, path = root.value("sendTime"), "alert/sendTime"
    try:
        return read_beijing_time(said)
    except ValueError as error:
        trouble = str(error) if said else "is missing"
    named = _IDENTIFIER.fullmatch(root.value("identifier"))
    with suppress(ValueError):
        entered = read_beijing_time(named["entered"] if named is not None else "")
        findings.warn(path, "time_guessed", f"{trouble}; the time in the identifier stands in for it")
        return entered
    findings.fault(path, "bad_time" if said else "missing", trouble)
    return None


def _chosen(root: Node, name: str, findings: Findings) -> str:
    """The word of that closed list in lower case."""
    said, path = root.value(name), f"alert/{name}"
    known = word(name, said)
    if known is None:
        findings.fault(path, "bad_value" if said else "missing", f"{said[:40]!r} is no {name}")
        return ""
    return known.lower()


def _references(text: str) -> tuple[Reference, ...]:
    """
    The identifiers named, whatever parts them, once each.

    Who sent them is not said: an empty sender means any. What else stands between platform identifiers (a sender,
    a time) is passed over.
    """
    found = [each[0] for each in _IDENTIFIER.finditer(text)] or [
        token for token in _SEPARATORS.split(text) if token and is_short_enough(token)
    ]
    return tuple(Reference("", identifier) for identifier in dict.fromkeys(found))[:MAX_REFERENCES]
