"""
``warnd`` that dies at a place named beforehand, as a killed process does: no handler runs, nothing is flushed.

``python -m tests.acceptance.dying KIND before|after N serve …`` (or ``worker``): the N-th commit of that kind is not
begun, or is on disk and nobody has heard of it. As a module, so that it is the ``warnd`` of this tree that dies.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from warnd.cli.main import run
from warnd.store.threads import ThreadedStore

CODE = 77
"""What such a process leaves with."""

KINDS: dict[str, tuple[str, Callable[..., bool]]] = {
    "admission": ("record", lambda function, *_: function.__name__ == "keep"),
    "chunk": ("commit", lambda chunk: True),
    "split": ("commit", lambda chunk: chunk.up_to is None and bool(chunk.opens)),
    "chunk of a range": ("commit", lambda chunk: chunk.up_to is not None and bool(chunk.deliveries)),
    "lease": ("turn", lambda settlement, lease: lease is not None),
    "outcome": ("turn", lambda settlement, lease: settlement is not None),
    "receipts": ("receive", lambda channel, receipts, now: True),
    "gathering": ("move", lambda function, *_: function.__name__ == "gather"),
    "sweep": ("move", lambda function, *_: function.__name__ == "sweep_stopped"),
    "leases run out": ("move", lambda function, *_: function.__name__ == "run_out"),
}
"""Which call of the store commits it."""


def arm(kind: str, when: str, nth: int) -> None:
    """Let the process die there."""
    method, matches = KINDS[kind]
    commit = getattr(ThreadedStore, method)
    left = nth

    async def watched(store: ThreadedStore, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        meant = matches(*args)
        left -= meant
        if meant and left == 0 and when == "before":
            os._exit(CODE)
        result = await commit(store, *args, **kwargs)
        if meant and left <= 0 and when == "after":
            os._exit(CODE)
        return result

    setattr(ThreadedStore, method, watched)


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    del sys.argv[1:4]
    run()
