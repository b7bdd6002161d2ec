"""A quarantined alert in words: what to do about each doubt, the command that does it, what was mended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from warnd.app.phrases import Phrases
from warnd.model.mend import OVERRIDE
from warnd.store.alert_views import AlertView
from warnd.store.mending import Doubt, Mended

_OPTIONS = {
    "color": "--color …",
    "hazard": "--hazard …",
    "regions": "--region …",
    "references": "--reference …",
    "effective": "--effective …",
    "expires": "--expires …",
}
"""How ``warnd alerts mend`` calls the fields of a mend; the values are for a person to find out."""


def doubt_in_words(doubt: Doubt, say: Phrases) -> str:
    """What it is about in the reader's language, where it has words for it; else the finding's own sentence."""
    code = doubt.finding.code
    return say(f"doubts.{code}") if f"doubts.{code}" in say else doubt.finding.message


def remedy_in_words(doubt: Doubt, say: Phrases) -> str:
    """What answers it, for whoever is on duty."""
    return say(f"quarantine.remedy_{doubt.remedy or 'none'}")


def command_for(view: AlertView) -> str:
    """What to type for all its doubts together; nothing where one of them can never be answered."""
    if not all(doubt.remedy for doubt in view.doubts):
        return ""
    options = [
        f"--override {doubt.finding.code}" if doubt.remedy == OVERRIDE else _OPTIONS[doubt.remedy]
        for doubt in view.doubts
    ]
    return " ".join(("warnd", "alerts", "mend", view.alert.id, *dict.fromkeys(options)))


def told_changes(mended: Mended, say: Phrases) -> Iterator[tuple[str, str, str]]:
    """Field, what was there, what is there since; doubts that were overridden stand as fields of their own."""
    for name, (old, new) in mended.changes.items():
        yield say.word("quarantine", f"field_{name}"), _written(name, old, say), _written(name, new, say)
    for code in mended.overridden:
        yield code, say("quarantine.doubt"), say("quarantine.overridden")


def _written(name: str, value: Any, say: Phrases) -> str:
    match value:
        case None | []:
            return say("quarantine.nothing")
        case str() if name == "color":
            return say(f"colors.{value}")
        case [*areas] if name == "areas":
            codes = [code for area in areas for code in area["regions"]]
            return " ".join(codes) or say("quarantine.nothing")
        case [*references] if name == "references":
            return " ".join(one["identifier"] for one in references)
        case _:
            return str(value)
