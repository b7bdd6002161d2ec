"""A bare loop as a process: reads what it is to do, says ``ready``, does it at the next line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench import bare, rows
from bench.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Wanted:
    """``file`` is the store of the loop that writes; None of the one that does not."""

    options: Mapping[str, Any]
    control: str
    addresses: Sequence[str]
    text: str
    connections: int
    file: str | None


async def run(wanted: Wanted) -> None:
    gateway = Gateway(wanted.options, wanted.control)
    requests = bare.bodies(wanted.addresses, wanted.text, batch=1)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    if wanted.file is None:
        await bare.post_all(gateway, requests, connections=wanted.connections)
    else:
        await rows.post_and_write(
            Path(wanted.file), gateway, wanted.addresses, wanted.text, batch=1, connections=wanted.connections
        )
    sys.stdin.readline()


if __name__ == "__main__":
    uvloop.run(run(Wanted(**json.loads(sys.stdin.readline()))))
