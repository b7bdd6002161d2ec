"""Which revision a database's schema has, and which one this warnd brings."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_MIGRATIONS = Path(__file__).with_name("migrations")


def current(connection: Connection) -> str | None:
    """The database's own; None when it has no schema yet."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The one that ``upgrade`` leads to."""
    head = _scripts().get_current_head()
    assert head is not None  # noqa: S101  the first revision comes with the package
    return head


def is_known(revision: str) -> bool:
    """Whether this warnd has that revision: a newer one's database it does not understand."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return ScriptDirectory.from_config(config)
