"""What the benchmark's writer leaves by itself is a broadcast: every row that one has, and each only once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench import rows_alone
from bench.audience import Crowd


@pytest.mark.parametrize("batch", [1, 10])
def test_the_writer_alone_tells_everybody_once(tmp_path: Path, batch: int) -> None:
    """Also where the last batch, and the last turn of the slots, are not full."""
    path = tmp_path / "alone.db"
    assert rows_alone.write(path, Crowd("sms", 55).addresses, "made up", batch=batch, slots=4) > 0
    batches = -(-55 // batch)
    with closing(sqlite3.connect(path)) as connection:

        def rows(statement: str) -> list[tuple[object, ...]]:
            return connection.execute(statement).fetchall()

        assert rows("SELECT state, told, count(*) FROM deliveries GROUP BY 1, 2") == [("accepted", 1, 55)]
        assert rows("SELECT state, attempts, count(*) FROM batches GROUP BY 1, 2") == [
            ("settled", 1, batches)
        ]
        assert rows("SELECT count(DISTINCT delivery_id), count(DISTINCT receipt_key) FROM receipt_keys") == [
            (55, 55)
        ]
        assert rows("SELECT count(*) FROM recipients") == [(55,)]
        assert rows("SELECT count(DISTINCT subject), count(*) FROM journal") == [(batches, batches)]
        assert sorted(rows("SELECT state, n FROM tallies")) == [("accepted", 55), ("queued", 0)]
        assert rows("SELECT planned, plan_done FROM alerts") == [(55, 1)]
