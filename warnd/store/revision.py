"""Which revision a database's schema has, and which one this warnd brings."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

NEWEST = "0001"
"""The one that ``upgrade`` leads to; said here as well, for Alembic takes longer to load than most commands to answer."""

_TABLE = "alembic_version"
MIGRATIONS = Path(__file__).with_name("migrations")


def current(connection: Connection) -> str | None:
    """The database's own; None when it has no schema yet."""
    if not inspect(connection).has_table(_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()
    return found


def is_known(revision: str) -> bool:
    """Whether this warnd has that revision: a newer one's database it does not understand."""
    from alembic.script import ScriptDirectory

    return revision in {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
