"""The alerts: what they say and whom they concern, what they follow, what people decided on them."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, UniqueConstraint, false, text

from warnd.store.tables.common import Id, Instant, metadata

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("episode_id", Id, nullable=False, index=True),
    Column("sender", String, nullable=False),
    Column("identifier", String, nullable=False, index=True),
    Column("sent", Instant, nullable=False),
    Column("source", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("verdict", String, nullable=False),
    Column("findings", JSON, nullable=False, server_default="[]"),
    Column("status", String, nullable=False),
    Column("type", String, nullable=False),
    Column("hazard", String, nullable=False),
    Column("color", String),
    Column("lane", Integer, nullable=False),
    Column("change", String, nullable=False),
    Column("headline", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("digest", String, nullable=False),
    Column("raw_id", Id, nullable=False),
    Column("effective", Instant),
    Column("expires", Instant),
    Column("deliver_until", Instant, nullable=False),
    Column("stopped_at", Instant),
    Column("swept", Boolean, nullable=False, server_default=false()),
    Column("successor_id", Id),
    Column("plan_cursor", String),
    Column("planned", Integer, nullable=False, server_default="0"),
    Column("plan_of", Integer, nullable=False, server_default="0"),
    Column("plan_done", Boolean, nullable=False, server_default=false()),
    Column("policy_revision", String, nullable=False, server_default=""),
    Column("hold_due", Instant),
    Column("hold_then", String),
    Column("issuer", String),
    Column("issuer_key", Id),
    Column("reading", JSON, nullable=False, server_default="{}"),
    UniqueConstraint("sender", "identifier", "sent", "source"),
    Index(
        "ix_alerts_reds",
        "source",
        "id",
        "status",
        "change",
        sqlite_where=text("color = 'red'"),
        postgresql_where=text("color = 'red'"),
    ),
    Index(
        "ix_alerts_unplanned",
        "lane",
        "id",
        sqlite_where=text("plan_done IS 0"),
        postgresql_where=text("plan_done IS false"),
    ),
    Index(
        "ix_alerts_unswept",
        "id",
        sqlite_where=text("swept IS 0 AND stopped_at IS NOT NULL"),
        postgresql_where=text("swept IS false AND stopped_at IS NOT NULL"),
    ),
)
"""
``stopped_at`` set: nothing more of it leaves (superseded, cancelled, expired); ``swept`` once its unsent rows
say so too. ``plan_cursor`` is the last subscriber planned, or says that all are, or in ranges (``plan_ranges``); ``body`` the alert as
INTERFACE.md writes it; ``digest`` SHA-256 of what it said when it came, to tell a repeat from a conflict. ``hold_due`` and ``hold_then``:
when a held one is decided by itself, and how. ``issuer`` and ``issuer_key``: who issued it by hand.
``reading`` is what reading it turned up, to decide on it anew: ``kind``, ``warnings``, ``doubts``.
"""

alert_references = Table(
    "alert_references",
    metadata,
    Column("alert_id", Id, primary_key=True),
    Column("sender", String, primary_key=True),
    Column("identifier", String, primary_key=True),
    Index("ix_alert_references_identifier", "identifier"),
)

alert_regions = Table(
    "alert_regions",
    metadata,
    Column("alert_id", Id, primary_key=True),
    Column("code", String(12), primary_key=True),
    Index("ix_alert_regions_code", "code"),
)
"""The warned area as known divisions, unpadded."""

approval_links = Table(
    "approval_links",
    metadata,
    Column("hash", String, primary_key=True),
    Column("alert_id", Id, nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("minted_by", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)
"""Links by which one named person decides on one held alert, once; ``hash`` is SHA-256 of the token."""

mends = Table(
    "mends",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", Id, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("overridden", JSON, nullable=False),
    Column("state", String, nullable=False),
)
"""What people set right: the alert's body as it was and as it is since, and the ``state`` that it came to."""
