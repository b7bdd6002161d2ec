"""What planning an alert keeps besides its deliveries: what is still to be planned, the texts, the gaps."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, Text, UniqueConstraint

from warnd.store.tables.common import Id, Instant, metadata

plan_ranges = Table(
    "plan_ranges",
    metadata,
    Column("alert_id", Id, primary_key=True),
    Column("last", Id, primary_key=True),
    Column("cursor", Id, nullable=False),
    Column("earlier", Id, nullable=False, server_default=""),
    Column("holder", Integer),
    Column("held_until", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""
What is still to be planned of a large plan in a store that processes share: members after ``cursor`` up to ``last``, ids of
subscribers, "" for all there are; or those told an ``earlier`` alert, by ids of its deliveries. ``holder`` is the number of the worker
that is at it, until ``held_until`` at the most. A range that is planned is gone.
"""

contents = Table(
    "contents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", Id, nullable=False, index=True),
    Column("channel", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("language", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("template", String, nullable=False),
    Column("template_code", String, nullable=False, server_default=""),
    Column("variables", JSON, nullable=False, server_default="{}"),
    Column("refused_at", Instant),
    UniqueConstraint("alert_id", "channel", "language"),
)
"""``template`` is path and revision; ``refused_at``: the channel refused the text, nothing more of it leaves there."""

coverage_gaps = Table(
    "coverage_gaps",
    metadata,
    Column("alert_id", Id, primary_key=True),
    Column("region", String(12), primary_key=True),
    Column("subscriber_id", String(26), primary_key=True, server_default=""),
    Column("name", String, nullable=False, server_default=""),
    Column("why", String, nullable=False),
)
"""Subscribers without a usable endpoint, and divisions without anybody (``subscriber_id`` empty)."""
