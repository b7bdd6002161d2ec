"""What alarms say: each kind has its sentence among the phrases, and its facts fill it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from warnd.app.phrases import Phrases, phrases
from warnd.model.release import Hold, Then
from warnd.ports import Fact, Facts
from warnd.store import alarms
from warnd.store.alarms import Alarm
from warnd.store.journal import Entry

_OWN_LANGUAGE = "en"
"""In which findings, the log and the journal speak."""


def in_words(alarm: Alarm, say: Phrases) -> str:
    """In the reader's language; as it was said in English where the phrases do not fit, as another version's may not."""
    try:
        return _sentence(alarm.kind, alarm.subject, alarm.facts, say)
    except (KeyError, TypeError, ValueError):
        return alarm.message


def in_english(kind: str, subject: str, facts: Facts) -> str:
    """For the log, the journal and programs. Raises KeyError for what there is no sentence for."""
    return _sentence(kind, subject, facts, phrases(_OWN_LANGUAGE))


@dataclass(frozen=True, slots=True)
class Concern:
    """What a person must act on, to be sounded in the very commit that brought it about."""

    kind: str
    subject: str
    facts: Facts

    def write(self, connection: Connection, *, id: str, now: datetime) -> list[Entry]:
        """What the journal is to say of it; ``id`` is the alarm's."""
        message = in_english(self.kind, self.subject, self.facts)
        _, entries = alarms.sound(connection, self.kind, self.subject, message, self.facts, id=id, now=now)
        return entries


def concern(kind: str, subject: str, /, **facts: Fact) -> Concern:
    return Concern(kind, subject, facts)


def held(alert_id: str, headline: str, hold: Hold, zone: ZoneInfo) -> Concern:
    """A second person is waited for."""
    return concern(
        "alert_held",
        alert_id,
        case="release" if hold.then is Then.RELEASE else "reject",
        headline=headline,
        due=hold.due.astimezone(zone).isoformat(timespec="seconds"),
    )


def _sentence(kind: str, subject: str, facts: Mapping[str, Any], say: Phrases) -> str:
    key = ".".join(filter(None, ("alarm_sentences", kind, facts.get("case"))))
    values = {name: _written(name, value, say) for name, value in facts.items()}
    sentence = say(key, subject=subject, **values)
    if detail := facts.get("detail"):
        return say("alarm_sentences.with_detail", sentence=sentence, detail=detail)
    return sentence


def _written(name: str, value: Any, say: Phrases) -> Any:
    match name:
        case "seconds":
            return say.span(value)
        case "due":
            return f"{datetime.fromisoformat(value):%F %T}"
        case "findings":
            return say("alarm_sentences.semicolon").join(_finding(one, say) for one in value)
        case _:
            return say("alert.comma").join(value) if isinstance(value, list) else value


def _finding(one: Mapping[str, str], say: Phrases) -> str:
    """A finding's own sentence where its language is read; else the words for its code, and what it is about."""
    key = f"doubts.{one['code']}"
    about = one.get("about")
    if say.language == _OWN_LANGUAGE or key not in say:
        return one["message"]
    return say("alarm_sentences.about", what=say(key), about=about) if about else say(key)
