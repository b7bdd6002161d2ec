"""Messages that told several deliveries to one address."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from warnd.store.tables.common import Id, metadata

bundles = Table(
    "bundles",
    metadata,
    Column("id", Id, primary_key=True),
    Column("state", String, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("language", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("template", String, nullable=False),
)
"""
A message that told several deliveries to one address, as it went: ``id`` is its key. ``state``: ``open`` while it is out, or
may have arrived and goes again as it is; ``over``; ``refused``, its parts go by themselves.
"""

bundle_parts = Table(
    "bundle_parts",
    metadata,
    Column("delivery_id", Id, primary_key=True),
    Column("bundle_id", Id, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("batch_id", Id, nullable=False),
    Index("ix_bundle_parts_bundle_id_place", "bundle_id", "place"),
    sqlite_with_rowid=False,
)
"""What a bundle carried, in the order of its text, and by which batch of its own each was leased."""
