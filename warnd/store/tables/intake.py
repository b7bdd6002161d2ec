"""What came in, and how far each feed has been read."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table

from warnd.store.tables.common import Id, Instant, metadata

raw_messages = Table(
    "raw_messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", String, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("content_type", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("findings", JSON, nullable=False, server_default="[]"),
    Column("alert_id", Id),
    Column("same_as", Id),
    Column("body", LargeBinary, nullable=False),
)
"""
Every body an authenticated source sent, whatever came of it. ``same_as`` is an earlier message of the very same bytes,
which are kept there alone. ``body`` is the last column, so that a listing reads past none.
"""

feeds = Table(
    "feeds",
    metadata,
    Column("name", String, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("polled", Instant, nullable=False),
    Column("succeeded", Instant),
    Column("changed", Instant),
    Column("newest", Instant),
    Column("entries", Integer, nullable=False),
    Column("admitted", Integer, nullable=False),
    Column("faults", Integer, nullable=False),
    Column("trouble", String, nullable=False),
)
"""How each pulled feed stands, see ``warnd.store.feeds.FeedState``."""

feed_entries = Table(
    "feed_entries",
    metadata,
    Column("feed", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("stamp", String, nullable=False),
    Column("seen", Instant, nullable=False),
    sqlite_with_rowid=False,
)
"""Entries that were dealt with: what a feed goes on showing is neither fetched nor kept again."""

feed_calls = Table(
    "feed_calls",
    metadata,
    Column("feed", String, primary_key=True),
    Column("signature", String, primary_key=True),
    Column("event", String, nullable=False),
    Column("warning", String, nullable=False),
    Column("url", String, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Index("ix_feed_calls_warning", "feed", "warning"),
    sqlite_with_rowid=False,
)
"""What a signature of a feed that calls was used for, see ``warnd.store.feed_calls``."""
