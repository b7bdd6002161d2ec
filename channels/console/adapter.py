"""Prints each message instead of sending it: for drills at a desk and for development."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from channels.options import Options
from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason


class ConsoleOptions(Options):
    """``[channels.NAME]`` with ``adapter = "console.print"``."""

    stream: Literal["stdout", "stderr"] = "stdout"


class ConsolePrint:
    """
    Writes address, subject and body to standard output or standard error.

    Any text is an address here. The write blocks, as printing does: nothing to point at a slow pipe.
    """

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._stream: Literal["stdout", "stderr"] = ConsoleOptions.read(options).stream
        self.name = name
        self.capabilities = Capabilities(kind="console", max_batch=100, quiet=True, slots=1)

    async def open(self, sink: Sink) -> None:
        """There is nothing to open."""

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        """Print the batch in one piece, so that those of other channels do not get between its lines."""
        content = batch.content
        said = "\n".join(filter(None, (content.subject, content.body))).replace("\n", "\n  ")
        text = "".join(f"[{self.name}] {address}\n  {said}\n" for address in batch.addresses)
        # Looked up at each send: whoever captures the streams replaces them.
        stream = sys.stdout if self._stream == "stdout" else sys.stderr
        outcome: Outcome = Accepted()
        try:
            stream.write(text)
            stream.flush()
        except UnicodeEncodeError:
            stream.write(text.encode("ascii", "backslashreplace").decode())
            stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            outcome = Deferred(Reason.CONNECTION_LOST, maybe_sent=True)
        return [outcome] * len(batch.addresses)

    async def close(self) -> None:
        """There is nothing to close."""
