"""Taking in a body that may hold many messages: each is kept with its own verdict, and one costs the others nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from warnd.app.core import App
from warnd.errors import Conflict, Fault, InvalidAlert
from warnd.intake.read import Message, read_all
from warnd.model.alert import Parsed, Verdict
from warnd.pipeline.admit import Speaker
from warnd.store import alerts
from warnd.store.alerts import Admitted, RawMessage


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one message, as if it were alone; ``path`` leads to it from the root of the document."""

    path: str
    result: Admitted | InvalidAlert | Conflict


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a body: its messages in order, and what is odd about their envelope."""

    messages: tuple[Taken, ...]
    warnings: tuple[Fault, ...] = ()


async def receive(app: App, body: bytes, content_type: str | None, speaker: Speaker) -> Received:
    """
    Admit every message of an authenticated source's body; all are on disk when this returns.

    Of several the body is kept once as it came, and each message's own bytes beside its verdict, so that it can
    be looked at, mended and verified by itself. Raises InvalidAlert for a body without any, kept all the same.
    """
    raw = RawMessage(app.new_id(), speaker.name, content_type or "", body, app.now())
    try:
        reading = read_all(body, content_type, app.surroundings.catalogue)
    except InvalidAlert as error:
        await app.refuse(raw, error.faults)
        raise
    if reading.count == 1:
        message = next(reading.messages)
        taken = Taken(message.path, await _take(app, message, raw, speaker))
        return Received((taken,), reading.warnings)
    verdict = Verdict.ACCEPT_WITH_WARNINGS if reading.warnings else Verdict.ACCEPT
    await app.store.write(alerts.keep_raw, raw, verdict, reading.warnings)
    messages = []
    for message in reading.messages:
        own = RawMessage(app.new_id(), speaker.name, content_type or "", message.body, app.now())
        messages.append(Taken(message.path, await _take(app, message, own, speaker)))
        await asyncio.sleep(0)  # the next one is parsed on this thread: others get their turn between
    return Received(tuple(messages), reading.warnings)


async def _take(
    app: App, message: Message, raw: RawMessage, speaker: Speaker
) -> Admitted | InvalidAlert | Conflict:
    match _read(app, message, raw.content_type, speaker):
        case InvalidAlert() as invalid:
            await app.refuse(raw, invalid.faults)
            return invalid
        case Parsed() as parsed:
            try:
                return await app.admit(parsed, raw, speaker)
            except Conflict as conflict:
                return conflict


def _read(app: App, message: Message, content_type: str, speaker: Speaker) -> Parsed | InvalidAlert:
    """As it was read; where its source signs, only what was signed, whatever it came wrapped in."""
    if speaker.name not in app.signatures:
        return message.result
    try:
        return app.read(message.body, content_type, speaker)
    except InvalidAlert as invalid:
        return invalid
