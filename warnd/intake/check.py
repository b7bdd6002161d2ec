"""What ``warnd check`` says of one file: how it was read and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from warnd.errors import Fault, InvalidAlert
from warnd.intake.catalogue import CATALOGUE
from warnd.intake.read import guess_kind, located, read_all
from warnd.model.alert import Parsed, Verdict
from warnd.model.alert_body import as_body
from warnd.model.hazard import HazardCatalogue

_WORST = (Verdict.REFUSE, Verdict.QUARANTINE, Verdict.ACCEPT_WITH_WARNINGS, Verdict.ACCEPT)


def check_object(file_name: str, body: bytes, catalogue: HazardCatalogue) -> dict[str, Any]:
    """
    ``file, kind, valid, verdict, errors[], warnings[], alerts[]`` of one file.

    ``valid`` speaks of the file as a document of its format, ``verdict`` of what warnd would do with it. ``errors`` are the
    faults and doubts that make it invalid; a doubt that is only about its release is among ``warnings``. ``alerts``
    holds what would be admitted. Of several messages the worst counts, and paths begin at the document's root.
    """
    try:
        reading = read_all(body, None, catalogue)
    except InvalidAlert as invalid:
        return refused(file_name, guess_kind(body), invalid.faults)
    errors: list[Fault] = []
    warnings = [*reading.warnings]
    verdicts = {Verdict.ACCEPT_WITH_WARNINGS if warnings else Verdict.ACCEPT}
    alerts = []
    for message in reading.messages:
        place = partial(located, message.path)
        match message.result:
            case Parsed(alert=alert, warnings=odd, doubts=doubts) as parsed:
                alerts.append(as_body(alert))
                errors.extend(place(doubt) for doubt in doubts if not _of_release(doubt))
                warnings.extend(place(doubt) for doubt in doubts if _of_release(doubt))
                warnings.extend(map(place, odd))
                verdicts.add(parsed.verdict)
            case InvalidAlert(faults=faults):
                errors.extend(map(place, faults))
                verdicts.add(Verdict.REFUSE)
    verdict = next(one for one in _WORST if one in verdicts)
    return {
        "file": file_name,
        "kind": reading.kind,
        "valid": not errors,
        "verdict": verdict.value,
        "errors": _listed(errors),
        "warnings": _listed(warnings),
        "alerts": alerts,
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


def _of_release(doubt: Fault) -> bool:
    return CATALOGUE[doubt.code].of_release


def _listed(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [{"path": one.path, "code": one.code, "message": one.message} for one in faults]
