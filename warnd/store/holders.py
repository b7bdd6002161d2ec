"""Who writes: each writer of a shared store holds a chain for as long as its connection lives."""

from __future__ import annotations

from sqlalchemy import Connection, text

LOCKS = 0x77726E64
"""The first key of all advisory locks of ours in PostgreSQL; the second is a chain's number, or is below 0."""

_HELD = text(f"""
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = {LOCKS} AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objid < 2147483648
""")  # fmt: skip


def others(connection: Connection, own: int) -> list[int]:
    """Chains that other processes hold just now: a lease of any other is nobody's any more. A file has one writer."""
    if connection.dialect.name != "postgresql":
        return []
    return sorted(set(connection.execute(_HELD).scalars()) - {own})
