"""Who may do what: keys, the sessions and links that stand for them, what signed requests have used."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from warnd.store.tables.common import Id, Instant, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("source", String),
    Column("hash", String, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
"""``hash`` is SHA-256 of the key, which is 256 random bits; ``source`` only for role feed."""

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String, primary_key=True),
    Column("key_id", Id, nullable=False),
    Column("purpose", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
"""Signed-in pages (``purpose`` page) and one-time links (link); ``hash`` is SHA-256 of the token."""

nonces = Table(
    "nonces",
    metadata,
    Column("source", String, primary_key=True),
    Column("nonce", String, primary_key=True),
    Column("until", Instant, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""What signed requests have used, for as long as their timestamps hold: a second use is a replay."""
