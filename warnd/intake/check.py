"""What ``warnd check`` says of one file: how it was read and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from warnd.errors import Fault, InvalidAlert
from warnd.intake.read import guess_kind, read
from warnd.model.alert import Verdict
from warnd.model.alert_body import as_body
from warnd.model.hazard import HazardCatalogue


def check_object(file_name: str, body: bytes, catalogue: HazardCatalogue) -> dict[str, Any]:
    """
    ``file, kind, valid, verdict, errors[], warnings[], alerts[]`` of one message.

    ``errors`` are the faults of a refused message or the doubts of a quarantined one; ``alerts`` holds what
    would be admitted.
    """
    try:
        parsed = read(body, None, catalogue)
    except InvalidAlert as invalid:
        return refused(file_name, guess_kind(body), invalid.faults)
    return {
        "file": file_name,
        "kind": parsed.kind,
        "valid": parsed.verdict in (Verdict.ACCEPT, Verdict.ACCEPT_WITH_WARNINGS),
        "verdict": parsed.verdict.value,
        "errors": _listed(parsed.doubts),
        "warnings": _listed(parsed.warnings),
        "alerts": [as_body(parsed.alert)],
    }


def refused(file_name: str, kind: str, faults: Iterable[Fault]) -> dict[str, Any]:
    """The same of a message, or a file, that nothing can be made of."""
    return {
        "file": file_name,
        "kind": kind,
        "valid": False,
        "verdict": Verdict.REFUSE.value,
        "errors": _listed(faults),
        "warnings": [],
        "alerts": [],
    }


def _listed(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [asdict(fault) for fault in faults]
