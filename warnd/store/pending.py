"""What one commit gathers while it runs, to be written once at its end: tallies and journal entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from warnd.store import bulk
from warnd.store.journal import Entry
from warnd.store.statement import Cursor, Statement

_TALLY = Statement("""
INSERT INTO tallies (alert_id, channel, level, state, chain, n)
SELECT j.alert_id, j.channel, j.level, j.state, ?2, j.n
FROM rows(?1) j(alert_id text, channel text, level integer, state text, n integer) WHERE true
ON CONFLICT (alert_id, channel, level, state, chain) DO UPDATE SET n = tallies.n + excluded.n
""")

TallyKey = tuple[str, str, int, str]
"""Alert, channel, region level, state."""


@dataclass(slots=True)
class Pending:
    """Effects of the commit under way. ``gather``: deliveries without a batch came to be."""

    tally: Counter[TallyKey] = field(default_factory=Counter)
    entries: list[Entry] = field(default_factory=list)
    gather: bool = False

    def moved(self, alert_id: str, channel: str, levels: Iterable[int], *, before: str, after: str) -> None:
        """Count deliveries of these levels from one state to another."""
        if before == after:
            return
        for level, n in Counter(levels).items():
            self.tally[alert_id, channel, level, before] -= n
            self.tally[alert_id, channel, level, after] += n


def write_tallies(cursor: Cursor, tally: Counter[TallyKey], chain: int) -> None:
    """Add what a commit of that chain's writer moved."""
    changes = [(*key, n) for key, n in tally.items() if n]
    if changes:
        cursor.execute(_TALLY, (bulk.rows(changes), chain))
