"""A warning that an operator issues by hand: JSON like any other, with the identity that warnd gives it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import orjson

from warnd.errors import Fault, InvalidAlert
from warnd.model.ulid import made_at

PREFIX = "hand-"
"""``hand-`` and a ULID: no other platform's identifier looks so, and a request that is repeated says the same."""

_IDENTIFIER = re.compile(PREFIX + r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_CLOCKS_DIFFER = timedelta(minutes=15)


def completed(body: bytes, *, sender: str, sender_name: str, ulid: str, now: datetime) -> bytes:
    """
    The message in the form that feeds send. ``ulid`` is for one that brings no identifier.

    ``sent`` is when the identifier was made, so that a repeat is known for one. Raises InvalidAlert.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidAlert([Fault("body", "json_invalid", f"is not JSON: {error}")]) from error
    if not isinstance(given, dict):
        raise InvalidAlert([Fault("body", "model_type", "is no JSON object")])
    identifier = given.get("identifier") or PREFIX + ulid
    faults = [*_foreign(given, sender), *_misnamed(identifier, now)]
    if faults:
        raise InvalidAlert(faults)
    issued = {"status": "actual", "type": "alert", **given}
    issued["sender_name"] = given.get("sender_name") or sender_name
    issued |= {
        "identifier": identifier,
        "sender": sender,
        "sent": made_at(identifier.removeprefix(PREFIX)).replace(microsecond=0).isoformat(),
    }
    return orjson.dumps(issued)


def _foreign(given: dict[str, Any], sender: str) -> list[Fault]:
    faults = []
    if given.get("sender") not in (None, sender):
        faults.append(Fault("sender", "not_ours", f"what is issued here comes from {sender}; leave it out"))
    if given.get("sent") is not None:
        faults.append(Fault("sent", "not_given", "is when the identifier was made; leave it out"))
    return faults


def _misnamed(identifier: Any, now: datetime) -> list[Fault]:
    if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
        return [Fault("identifier", "not_ours", f"is {PREFIX} and a ULID; left out, it is given one")]
    if abs(made_at(identifier.removeprefix(PREFIX)) - now) > _CLOCKS_DIFFER:
        message = "was made more than 15 minutes from the clock here; issue it anew"
        return [Fault("identifier", "not_now", message)]
    return []
