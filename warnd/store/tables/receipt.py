"""What providers say of a delivery later, and by which key they call it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, text

from warnd.store.tables.common import Id, metadata

receipt_keys = Table(
    "receipt_keys",
    metadata,
    Column("channel", String, primary_key=True),
    Column("receipt_key", String, primary_key=True),
    Column("delivery_id", Id, primary_key=True),
    sqlite_with_rowid=False,
)
"""
By what a provider calls a delivery, and only that way: a key is written with every acceptance. Those of deliveries that are
gone are found by walking (``warnd.store.retention``).
"""

receipts = Table(
    "receipts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String, nullable=False),
    Column("receipt_key", String, nullable=False),
    Column("address", String),
    Column("status", String, nullable=False),
    Column("at", BigInteger),
    Column("received", BigInteger, nullable=False),
    Column("detail", String, nullable=False, server_default=""),
    Column("delivery_id", Id),
    Index("ix_receipts_delivery_id", "delivery_id"),
    Index(
        "ix_receipts_early",
        "channel",
        "receipt_key",
        sqlite_where=text("delivery_id IS NULL"),
        postgresql_where=text("delivery_id IS NULL"),
    ),
    sqlite_with_rowid=False,
)
"""The provider's later words, each kept; ``delivery_id`` NULL while no delivery has that key yet."""
