"""Who is to be told of what: regions, groups and what they subscribe to, subscribers and where they are reached."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, UniqueConstraint, false, text

from warnd.store.tables.common import Id, Instant, metadata

regions = Table(
    "regions",
    metadata,
    Column("code", String(12), primary_key=True),
    Column("name", String, nullable=False),
    Index("ix_regions_name", "name"),
    sqlite_with_rowid=False,
)

groups = Table(
    "groups",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False),
    Column("region", String(12), nullable=False),
    Column("audience", String, nullable=False),
    Column("labels", JSON, nullable=False, server_default="[]"),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(
        "uq_groups_region_name",
        "region",
        "name",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("group_id", Id, nullable=False, index=True),
    Column("hazards", JSON, nullable=False),
    Column("min_color", String, nullable=False),
    Column("relation", String, nullable=False),
    Column("covering_min_color", String),
    Column("language", String),
    Column("channels", JSON),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("region", String(12), nullable=False, index=True),
    Column("language", String),
    Column("external_id", String, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

memberships = Table(
    "memberships",
    metadata,
    Column("subscriber_id", Id, primary_key=True),
    Column("group_id", Id, primary_key=True),
    Index("ix_memberships_group_id_subscriber_id", "group_id", "subscriber_id"),
    sqlite_with_rowid=False,
)
"""Who is in which group now; what was is in the journal."""

audience_changes = Table(
    "audience_changes",
    metadata,
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("groups", JSON(none_as_null=True)),
)
"""The groups (ids) that each of the latest changes of the audience was about; NULL: perhaps any of them."""

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", Id, nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("priority", Integer, nullable=False, server_default="1"),
    Column("state", String, nullable=False, server_default="active"),
    Column("drills", Boolean, nullable=False, server_default=false()),
    Column("rejections", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("subscriber_id", "channel", "address"),
    Index("ix_endpoints_channel_address", "channel", "address"),
)
"""``rejections`` counts refusals of the address in a row; at ``suspend_after`` the state is suspended."""
