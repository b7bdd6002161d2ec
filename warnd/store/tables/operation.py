"""The store at work: facts about itself, the processes on it, the conditions a person must act on."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text, false, text

from warnd.store.tables.common import Id, Instant, metadata

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts about this store itself: its own id, versions of shipped data."""

workers = Table(
    "workers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False),
    Column("host", String, nullable=False),
    Column("role", String, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("patience", BigInteger, nullable=False),
    Column("since", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("timers", Boolean, nullable=False, server_default=false()),
    Column("missed", Boolean, nullable=False, server_default=false()),
    Column("ended_at", Instant),
    sqlite_autoincrement=True,
)
"""
The processes that work on this database. Each life of a process has a number of its own, never used again, under which
it leases. ``patience`` is how long it may keep a batch, in microseconds; ``timers``: it keeps them; ``missed``: it went
without a word, and that is not said yet.
"""

alarms = Table(
    "alarms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("message", String, nullable=False),
    Column("facts", JSON, nullable=False, server_default="{}"),
    Column("since", Instant, nullable=False),
    Column("latest", Instant, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("acknowledged_by", String),
    Column("acknowledged_at", Instant),
    Column("cleared_at", Instant),
    Index(
        "uq_alarms_open",
        "subject",
        "kind",
        unique=True,
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
)
"""Conditions a person must act on; one open row for each kind and subject."""
