"""What a message says, apart from the form it came in: the same warning as JSON and as CAP says the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from warnd.model.alert import Alert
from warnd.model.alert_body import ENDS

_LONGEST_CODE = 12
_TIMES = frozenset({"sent", "effective", "onset", "expires"})


def digest_of(alert: Alert) -> str:
    """
    SHA-256, in hex, of what matters to people: equal for a repeat, different for a conflict.

    That is kind, hazard, color, words, times, places, and what it refers to. Division codes count with and without
    padding as one; shapes only where there is no code. White space in the words, the offset of a time and whatever
    else a format adds make no difference.
    """
    effective = alert.effective if alert.effective is not None else alert.sent
    codes = {code.ljust(_LONGEST_CODE, "0") for area in alert.areas for code in area.regions}
    shapes = {shape for area in alert.areas for shape in (*area.polygons, *area.circles)}
    return _hashed(
        {
            "status": alert.status.value,
            "type": alert.type.value,
            "ends": alert.parameters.get(ENDS) == "true",
            "hazard": alert.hazard,
            "color": alert.color.value if alert.color is not None else None,
            "texts": {
                tag: [_plain(text.headline), _plain(text.description), _plain(text.instruction)]
                for tag, text in alert.texts.items()
            },
            "effective": _utc(effective),
            "onset": _utc(alert.onset if alert.onset is not None else effective),
            "expires": _utc(alert.expires) if alert.expires is not None else None,
            "where": sorted(codes or shapes),
            "references": sorted({one.identifier for one in alert.references} - {alert.identifier}),
        }
    )


def words_of(alert: Alert) -> str:
    """SHA-256, in hex, of what it tells people to expect and to do, without its title; empty if nothing."""
    words = {tag: [_plain(text.description), _plain(text.instruction)] for tag, text in alert.texts.items()}
    spoken = {tag: said for tag, said in words.items() if any(said)}
    return _hashed(spoken) if spoken else ""


def differing(kept: Mapping[str, Any], came: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of a second body that say something else than the kept one; what it leaves out is no difference."""
    return tuple(
        key for key, value in came.items() if value and _instant(key, value) != _instant(key, kept.get(key))
    )


def _instant(key: str, value: Any) -> Any:
    """A time as the instant it is, whatever its offset."""
    return datetime.fromisoformat(value) if key in _TIMES and value else value


def _hashed(said: Mapping[str, Any]) -> str:
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _plain(text: str) -> str:
    return " ".join(text.split())


def _utc(when: datetime) -> str:
    """To the second, as CAP knows no fraction of it."""
    return when.astimezone(UTC).replace(microsecond=0).isoformat()
