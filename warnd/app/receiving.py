"""Taking in a body that may hold many messages: each is kept with its own verdict, and one costs the others nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from warnd.app.intake import Intake, aside
from warnd.errors import Conflict, Fault, InvalidAlert, TooMany
from warnd.intake.read import Message
from warnd.intake.signature import Checked
from warnd.model.alert import Parsed, Verdict
from warnd.pipeline.admit import Speaker
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


async def receive(intake: Intake, body: bytes, content_type: str | None, speaker: Speaker) -> Received:
    """
    Admit every message of an authenticated source's body; all are on disk when this returns.

    Of several the body is kept once as it came, and each message's own bytes beside its verdict, so that it can
    be looked at, mended and verified by itself. Raises InvalidAlert for a body without any, kept all the same, and
    TooMany for one that is over the source's rate.
    """
    raw = intake.raw(body, content_type, speaker)
    try:
        checked, reading = await aside(len(body), lambda: intake.open(body, content_type, speaker))
    except InvalidAlert as error:
        intake.count(speaker, None)
        await intake.refuse(raw, error.faults)
        raise
    taken: list[Taken] = []
    if reading.count > 1:
        verdict = Verdict.ACCEPT_WITH_WARNINGS if reading.warnings else Verdict.ACCEPT
        await intake.keep(raw, verdict, reading.warnings)
    while (message := await aside(len(body), lambda: next(reading.messages, None))) is not None:
        own = raw if reading.count == 1 else intake.raw(message.body, content_type, speaker)
        taken.append(Taken(message.path, await _take(intake, message, own, speaker, checked)))
        await asyncio.sleep(0)  # a small one is parsed on this thread: others get their turn between
    return Received(tuple(taken), reading.warnings)


async def _take(
    intake: Intake, message: Message, raw: RawMessage, speaker: Speaker, checked: Checked
) -> Admitted | Refusal:
    try:
        match message.result:
            case InvalidAlert() as invalid:
                intake.count(speaker, None)
                await intake.refuse(raw, invalid.faults)
                return invalid
            case Parsed() as parsed:
                intake.count(speaker, parsed.alert)
                return await intake.admit(checked.judge(parsed), raw, speaker)
    except (Conflict, TooMany) as refusal:
        return refusal
