"""Taking in a body that may hold many messages: each is kept with its own verdict, and one costs the others nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from warnd.app.core import App
from warnd.errors import Conflict, Fault, InvalidAlert, TooMany
from warnd.intake.read import Message, read_all
from warnd.intake.signature import Checked
from warnd.model.alert import Parsed, Verdict
from warnd.pipeline.admit import Speaker
from warnd.store import alerts
from warnd.store.alerts import Admitted, RawMessage

Refusal = InvalidAlert | Conflict | TooMany
"""Why a message was not taken in."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one message, as if it were alone; ``path`` leads to it from the root of the document."""

    path: str
    result: Admitted | Refusal


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a body: its messages in order, and what is odd about their envelope."""

    messages: tuple[Taken, ...]
    warnings: tuple[Fault, ...] = ()


async def receive(app: App, body: bytes, content_type: str | None, speaker: Speaker) -> Received:
    """
    Admit every message of an authenticated source's body; all are on disk when this returns.

    Of several the body is kept once as it came, and each message's own bytes beside its verdict, so that it can
    be looked at, mended and verified by itself. Raises InvalidAlert for a body without any, kept all the same, and
    TooMany for one that is over the source's rate.
    """
    raw = RawMessage(app.new_id(), speaker.name, content_type or "", body, app.now())
    try:
        checked = app.check_signature(body, speaker)
        reading = read_all(checked.body, content_type, app.surroundings.catalogue)
    except InvalidAlert as error:
        app.count(speaker, None)
        await app.refuse(raw, error.faults)
        raise
    if reading.count == 1:
        message = next(reading.messages)
        taken = Taken(message.path, await _take(app, message, raw, speaker, checked))
        return Received((taken,), reading.warnings)
    verdict = Verdict.ACCEPT_WITH_WARNINGS if reading.warnings else Verdict.ACCEPT
    await app.store.write(alerts.keep_raw, raw, verdict, reading.warnings)
    messages = []
    for message in reading.messages:
        own = RawMessage(app.new_id(), speaker.name, content_type or "", message.body, app.now())
        messages.append(Taken(message.path, await _take(app, message, own, speaker, checked)))
        await asyncio.sleep(0)  # the next one is parsed on this thread: others get their turn between
    return Received(tuple(messages), reading.warnings)


async def _take(
    app: App, message: Message, raw: RawMessage, speaker: Speaker, checked: Checked
) -> Admitted | Refusal:
    try:
        match message.result:
            case InvalidAlert() as invalid:
                app.count(speaker, None)
                await app.refuse(raw, invalid.faults)
                return invalid
            case Parsed() as parsed:
                app.count(speaker, parsed.alert)
                return await app.admit(checked.judge(parsed), raw, speaker)
    except (Conflict, TooMany) as refusal:
        return refusal
