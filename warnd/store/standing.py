"""Small facts about the store itself that several processes must agree on."""

from __future__ import annotations

from sqlalchemy import Connection, select

from warnd.store.statement import insert_into
from warnd.store.tables import meta

_AUDIENCE = "audience_revision"


def audience_revision(connection: Connection) -> int:
    """Rises whenever groups, subscriptions or memberships change."""
    value = connection.execute(select(meta.c.value).where(meta.c.key == _AUDIENCE)).scalar()
    return int(value or 0)


def audience_changed(connection: Connection) -> None:
    """Say so, in the commit that changes it."""
    revision = str(audience_revision(connection) + 1)
    connection.execute(
        insert_into(connection, meta)
        .values(key=_AUDIENCE, value=revision)
        .on_conflict_do_update(index_elements=["key"], set_={"value": revision})
    )
