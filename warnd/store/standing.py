"""Small facts about the store itself that several processes must agree on."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from warnd.store.statement import insert_into
from warnd.store.tables import audience_changes, meta

_AUDIENCE = "audience_revision"

KEPT = 1000
"""Changes of which it is known what they were about; who is further behind reads everything anew."""


def audience_revision(connection: Connection) -> int:
    """Rises whenever groups, subscriptions or memberships change."""
    value = connection.execute(select(meta.c.value).where(meta.c.key == _AUDIENCE)).scalar()
    return int(value or 0)


def audience_changed(connection: Connection, groups: Collection[str] | None = None) -> None:
    """Say so, in the commit that changes it: these groups (ids) or their subscriptions or members; None, all of them."""
    if groups is not None and not groups:
        return
    revision = audience_revision(connection) + 1
    connection.execute(
        insert_into(connection, meta)
        .values(key=_AUDIENCE, value=str(revision))
        .on_conflict_do_update(index_elements=["key"], set_={"value": str(revision)})
    )
    connection.execute(
        insert(audience_changes).values(revision=revision, groups=None if groups is None else sorted(groups))
    )
    connection.execute(delete(audience_changes).where(audience_changes.c.revision <= revision - KEPT))


def groups_changed_since(connection: Connection, revision: int) -> set[str] | None:
    """The groups that all changes after this revision were about; None when that may be any of them."""
    later = select(audience_changes.c.groups).where(audience_changes.c.revision > revision)
    changes = list(connection.execute(later).scalars())
    if len(changes) != audience_revision(connection) - revision or None in changes:
        return None
    return set().union(*changes)
