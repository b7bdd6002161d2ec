"""What Alembic runs: the migrations on the connection that ``warnd.store.database.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from warnd.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
