"""The nonces of signed requests, kept as long as a replay could pass."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete

from warnd.store.statement import insert_into
from warnd.store.tables import nonces


def use(connection: Connection, source: str, nonce: str, *, until: datetime, now: datetime) -> bool:
    """Use up a nonce; False when it was used before. Those whose time is over are cleared away."""
    connection.execute(delete(nonces).where(nonces.c.until < now))
    fresh = (
        insert_into(connection, nonces)
        .values(source=source, nonce=nonce, until=until)
        .on_conflict_do_nothing()
    )
    return connection.execute(fresh).rowcount == 1
