"""One letter to one mailbox over one line: what is said, and how far it came."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from aiosmtplib import SMTPResponse

from channels.email.classify import Step
from channels.email.pool import Line

_GO_AHEAD = 354


class Transaction:
    """
    ``step`` is what it waits for: how far it came, also when it is broken off.

    ``sender`` and ``recipient`` are mailboxes that can say nothing but themselves. ``message`` ends with CRLF.
    """

    def __init__(self, sender: str, recipient: str, message: bytes) -> None:
        self.step = Step.CONNECT
        parameters = "" if recipient.isascii() else " SMTPUTF8 BODY=8BITMIME"
        self._commands = (
            (Step.SENDER, f"MAIL FROM:<{sender}>{parameters}".encode()),
            (Step.RECIPIENT, f"RCPT TO:<{recipient}>".encode()),
            (Step.DATA, b"DATA"),
        )
        self._message = message

    async def over(self, line: Line) -> SMTPResponse:
        """
        The reply that decides: the first refusal, or what the relay said to the text.

        Raises ConnectionResetError when the line breaks before it.
        """
        commands = ((Step.SENDER, b"RSET"), *self._commands) if line.unsettled else self._commands
        for group in (commands,) if line.dialogue.pipelining else zip(commands):
            line.dialogue.say(command for _, command in group)
            if (refusal := await self._refusal(line, [step for step, _ in group])) is not None:
                return refusal
        self.step = Step.TEXT
        line.dialogue.tell(self._message)
        return await line.dialogue.reply()

    async def _refusal(self, line: Line, steps: Sequence[Step]) -> SMTPResponse | None:
        """The first reply that is none to go on after; the others are heard out."""
        for heard, step in enumerate(steps, 1):
            self.step = step
            reply = await line.dialogue.reply()
            if not (reply.code == _GO_AHEAD if step is Step.DATA else 200 <= reply.code < 300):
                await self._hear_out(line, len(steps) - heard)
                return reply
        return None

    async def _hear_out(self, line: Line, replies: int) -> None:
        """Of a group whose first half was refused: a relay that now wants the text gets none, but is hung up."""
        with suppress(ConnectionResetError):
            for _ in range(replies):
                if (await line.dialogue.reply()).code == _GO_AHEAD:
                    line.dialogue.close()
