"""What becomes of a quarantined alert that a person set right: it is admitted anew, as things are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from warnd.errors import Fault
from warnd.model.admission import Admission, Known
from warnd.model.alert import Parsed
from warnd.model.audience import EVERY_HAZARD
from warnd.model.color import Color
from warnd.model.mend import NEVER_OVERRIDDEN, SOURCE_BOUNDS, Mend, field_of
from warnd.pipeline.admit import Speaker, admit


def mended(parsed: Parsed, mend: Mend) -> Parsed:
    """The message as mended, without what was odd or doubtful about the parts that were."""
    return replace(
        parsed,
        alert=mend.apply(parsed.alert),
        warnings=_about_others(parsed.warnings, mend),
        doubts=_about_others(parsed.doubts, mend),
    )


def readmit(parsed: Parsed, known: Known, mend: Mend, *, speaker: Speaker, now: datetime) -> Admission:
    """
    Decide on a mended message as on any other.

    A doubt that was overridden becomes a remark. An official source's message is released, another's waits for
    the second person like all of its messages.
    """
    looked_at = [doubt for doubt in parsed.doubts if doubt.code in mend.overridden]
    left = tuple(doubt for doubt in parsed.doubts if doubt.code not in mend.overridden)
    parsed = replace(parsed, warnings=(*parsed.warnings, *looked_at), doubts=left)
    bounded = admit(parsed, known, speaker=speaker, now=now)
    allowed = SOURCE_BOUNDS.intersection(mend.overridden)
    beyond = [finding for finding in bounded.findings if finding.code in allowed]
    if not beyond:
        return bounded
    parsed = replace(parsed, warnings=(*parsed.warnings, *beyond))
    return admit(parsed, known, speaker=_unbound(speaker, allowed), now=now)


def faults(mend: Mend, admission: Admission, now: datetime) -> list[Fault]:
    """What is wrong with the mend itself, by its own paths: a slip of the hand must not decide anything."""
    found = []
    codes = {finding.code for finding in admission.findings}
    unknown = [one.message for one in admission.findings if one.code == "unknown_region"]
    if mend.regions is not None and unknown:
        found.append(Fault("regions", "unknown_region", "; ".join(unknown)))
    if mend.references is not None and admission.episode_id is None:
        found.append(Fault("references", "dangling_reference", "what it refers to has not come here"))
    if mend.expires is not None and mend.expires <= now:
        found.append(Fault("expires", "over", "is over already: nobody would be told"))
    for place, code in enumerate(mend.overridden):
        if code in NEVER_OVERRIDDEN or (code == "source_region" and not admission.regions):
            message = f"{code} cannot be overridden: mend what it is about, or reject the alert"
            found.append(Fault(f"override[{place}]", "not_overridable", message))
        elif code not in codes:
            message = f"there is no doubt {code}; there are {', '.join(sorted(codes)) or 'none'}"
            found.append(Fault(f"override[{place}]", "no_such_doubt", message))
    return found


def _about_others(findings: Sequence[Fault], mend: Mend) -> tuple[Fault, ...]:
    return tuple(finding for finding in findings if field_of(finding) not in mend.fields)


def _unbound(speaker: Speaker, allowed: frozenset[str]) -> Speaker:
    """The source as if it might speak for what was overridden."""
    return replace(
        speaker,
        hazards=frozenset({EVERY_HAZARD}) if "source_hazard" in allowed else speaker.hazards,
        colors=frozenset(Color) if "source_color" in allowed else speaker.colors,
        regions=() if "source_region" in allowed else speaker.regions,
    )
