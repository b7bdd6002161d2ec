"""The journal's rows as they are, a page at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, tuple_

from warnd.store.tables import instant, journal, micros


def export_page(
    connection: Connection,
    after: tuple[int, int],
    limit: int,
    *,
    since: datetime | None,
    until: datetime | None,
) -> list[dict[str, Any]]:
    """
    Rows after that (chain, seq), chain by chain in order; the last one's lead to the next page.

    ``body`` is the JSON text that ``digest`` was made of, or None when it has been erased.
    """
    statement = (
        select(journal)
        .where(tuple_(journal.c.chain, journal.c.seq) > after)
        .order_by(journal.c.chain, journal.c.seq)
        .limit(limit)
    )
    if since is not None:
        statement = statement.where(journal.c.at >= micros(since))
    if until is not None:
        statement = statement.where(journal.c.at < micros(until))
    return [
        {
            "chain": row.chain,
            "seq": row.seq,
            "at": instant(row.at).isoformat(),
            "kind": row.kind,
            "subject": row.subject,
            "actor": row.actor,
            "body": row.body,
            "salt": row.salt,
            "digest": row.digest,
        }
        for row in connection.execute(statement)
    ]
