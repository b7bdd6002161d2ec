"""Findings as the store keeps them, beside the message or the alert that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from warnd.errors import Fault


def written(findings: Iterable[Fault]) -> list[dict[str, str]]:
    """As they go into a JSON column."""
    return [
        {"path": one.path, "code": one.code, "message": one.message}
        | ({"about": one.about} if one.about else {})
        for one in findings
    ]


def found(kept: Iterable[Mapping[str, str]] | None) -> tuple[Fault, ...]:
    """As they come out of it; none where nothing was kept."""
    return tuple(Fault(one["path"], one["code"], one["message"], one.get("about", "")) for one in kept or ())
