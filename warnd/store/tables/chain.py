"""The journal: what happened, in chains that nobody can change unseen."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from warnd.store.tables.common import metadata

journal = Table(
    "journal",
    metadata,
    Column("chain", Integer, primary_key=True, autoincrement=False, server_default="0"),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("actor", String, nullable=False, server_default=""),
    Column("body", Text),
    Column("salt", String, nullable=False),
    Column("digest", String, nullable=False),
    Index("ix_journal_subject", "subject"),
    sqlite_with_rowid=False,
)
"""
Append-only. ``kind`` is ``noun.verb`` in the past tense, ``body`` JSON; erasing a body keeps its digest. Each writer has
a ``chain`` of its own, in which ``seq`` counts from 1: an embedded store has one, 0.
"""

journal_links = Table(
    "journal_links",
    metadata,
    Column("chain", Integer, primary_key=True, autoincrement=False, server_default="0"),
    Column("first_seq", Integer, primary_key=True, autoincrement=False),
    Column("writer", String, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("previous", String, nullable=False),
    Column("head", String, nullable=False),
    sqlite_with_rowid=False,
)
"""One link per commit: ``head`` = SHA-256 of ``previous`` and each row's seq, at, kind, subject, actor, digest."""
