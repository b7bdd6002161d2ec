"""The page of what the sources sent, whatever came of it: what was refused lately, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from yarl import URL

from warnd.app.phrases import Phrases
from warnd.model.alert import Verdict
from warnd.store.messages import MessageFilter, MessageRow, list_messages

_LINES = 50
_FINDINGS = 3


@dataclass(frozen=True, slots=True)
class Message:
    """A message with the first of its findings; ``more`` is how many are not shown."""

    row: MessageRow
    findings: Sequence[tuple[str, str]]
    more: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A verdict to narrow by; ``value`` is empty for all."""

    value: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Messages:
    """A page of messages. ``chosen`` is the verdict it is narrowed to."""

    chosen: str
    choices: Sequence[Choice]
    rows: Sequence[Message]
    first_url: str
    next_url: str


def messages(connection: Connection, say: Phrases, address: URL) -> Messages:
    """``address`` is the page's own, with its query; a verdict there is not narrows nothing."""
    asked = address.query.get("verdict", "")
    verdict = next((one for one in Verdict if one.value == asked), None)
    cursor = address.query.get("cursor")
    found = list_messages(connection, MessageFilter(verdict), limit=_LINES, cursor=cursor)
    following = found.next_cursor
    return Messages(
        verdict.value if verdict else "",
        [
            Choice("", say("messages.all"), "/messages"),
            *(
                Choice(one.value, say(f"verdicts.{one.value}"), f"/messages?verdict={one.value}")
                for one in Verdict
            ),
        ],
        [_message(row) for row in found.items],
        str(address.without_query_params("cursor")) if cursor else "",
        str(address.update_query({"cursor": following})) if following else "",
    )


def _message(row: MessageRow) -> Message:
    shown = [(one.path, one.message) for one in row.findings[:_FINDINGS]]
    return Message(row, shown, len(row.findings) - len(shown))
