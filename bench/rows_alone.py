"""
What this machine's store does with these rows when nothing else runs: the commits of the bare loop that writes, and no more.

They are made up before the clock starts, receipt keys and times included: no request leaves, nothing is planned, no other
thread wants the interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count, zip_longest
from pathlib import Path

from bench.rows_commit import Alert, Batch, Committer, Done, Job, Turn, chunks, micros, opened, prepare, wall
from warnd.daemon import tuned
from warnd.model.ulid import UlidMaker


def write(path: Path, addresses: Sequence[str], text: str, *, batch: int, slots: int) -> float:
    """Seconds that the commits of a broadcast take one after the other, on a new file at ``path``."""
    ids = UlidMaker()
    alert = Alert(ids.one(wall()), ids.one(wall()), text)
    prepare(path, alert)
    commits = list(_commits(addresses, ids, batch=batch, slots=slots))
    with opened(path) as connection, tuned():
        rows = Committer(connection, alert)
        began = time.perf_counter()
        for jobs in commits:
            rows.commit(jobs)
        return time.perf_counter() - began


def _commits(addresses: Sequence[str], ids: UlidMaker, *, batch: int, slots: int) -> Iterator[Sequence[Job]]:
    """Each chunk of the plan; then all slots' turns at once, as often as there is something left for any of them."""
    batches: list[Batch] = []
    for chunk in chunks(addresses, ids, batch=batch):
        batches += chunk.batches
        yield [chunk]
    keys = (f"100000-{n}" for n in count(1))
    ended: Sequence[Done] = ()
    for place in range(0, len(batches) + slots, slots):
        intents = batches[place : place + slots]
        yield [Turn(done, intent) for done, intent in zip_longest(ended, intents)]
        ended = [Done(one, [next(keys) for _ in one.deliveries], micros(), micros()) for one in intents]
