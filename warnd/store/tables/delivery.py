"""Deliveries and the batches they leave in, who stands behind them and what stands by for them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from warnd.store.tables.common import Id, metadata

batches = Table(
    "batches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", Id, nullable=False),
    Column("channel", String, nullable=False),
    Column("content_id", Id, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("rank", Integer, nullable=False, server_default="0"),
    Column("state", String, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("deliver_until", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("lease_until", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unknowns", Integer, nullable=False, server_default="0"),
    Column("follows", Boolean, nullable=False, server_default=false()),
    Column("ordered", Boolean, nullable=False, server_default=false()),
    Column("number", Integer, nullable=False, server_default="0"),
    Column("holder", Integer),
    Column("quiet", String, nullable=False, server_default=""),
    Index(
        "ix_batches_open",
        "channel",
        "lane",
        "rank",
        "id",
        sqlite_where=text("state IN ('queued', 'waiting', 'unknown')"),
        postgresql_where=text("state IN ('queued', 'waiting', 'unknown')"),
    ),
    Index(
        "ix_batches_ordered",
        "channel",
        "lane",
        "id",
        sqlite_where=text("ordered AND state IN ('queued', 'waiting')"),
        postgresql_where=text("ordered AND state IN ('queued', 'waiting')"),
    ),
    Index(
        "ix_batches_quiet",
        "id",
        sqlite_where=text("quiet <> '' AND state IN ('queued', 'waiting')"),
        postgresql_where=text("quiet <> '' AND state IN ('queued', 'waiting')"),
    ),
    Index(
        "ix_batches_out",
        "lease_until",
        sqlite_where=text("state = 'sending'"),
        postgresql_where=text("state = 'sending'"),
    ),
    Index("ix_batches_alert_id", "alert_id"),
    sqlite_with_rowid=False,
)
"""
The unit of work and the lease: leasing is a conditional update to ``sending`` that raises ``epoch``; settling
requires that epoch. ``follows``: its alert follows another, so an address still in ``sending`` there goes
first. ``rank``: its place in its lane (see ``warnd.model.delivery.Rank``). ``ordered``: some of its deliveries have a
fallback. ``number``: by which workers share batches (see ``warnd.model.share``); ``holder``: the number of the worker
(see there) that leased it last. ``quiet``: the quiet hours that all of them keep, "" for none.
"""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", Id, nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("round", Integer, nullable=False),
    Column("batch_id", Id),
    Column("content_id", Id),
    Column("lane", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("detail", String),
    Column("told", Boolean, nullable=False, server_default=false()),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due", BigInteger),
    Column("name", String, nullable=False),
    Column("region", String(12), nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("quiet", String, nullable=False, server_default=""),
    UniqueConstraint("address", "channel", "alert_id", "round"),
    Index("ix_deliveries_alert_id_id", "alert_id", "id"),
    Index("ix_deliveries_batch_id", "batch_id"),
    Index(
        "ix_deliveries_due",
        "due",
        "id",
        sqlite_where=text("state = 'waiting' AND batch_id IS NULL"),
        postgresql_where=text("state = 'waiting' AND batch_id IS NULL"),
    ),
    Index("ix_deliveries_region_id", "region", "id"),
    Index(
        "ix_deliveries_notable",
        "state",
        "id",
        sqlite_where=text("state NOT IN ('queued', 'accepted', 'delivered')"),
        postgresql_where=text("state NOT IN ('queued', 'accepted', 'delivered')"),
    ),
    sqlite_with_rowid=False,
)
"""
One row for every address the alert was to reach. ``name`` and ``region`` are those of the first recipient, as
they were then. ``batch_id`` NULL and state waiting: certainly not accepted, to be gathered into a new batch at
``due``, which ``quiet`` hours (``22:00-07:00``, "" for none) may put off. ``told`` is sticky. ``attempts`` counts tries of batches it has left; its batch counts the rest.
"""

recipients = Table(
    "recipients",
    metadata,
    Column("delivery_id", Id, primary_key=True),
    Column("subscriber_id", Id, primary_key=True),
    Column("endpoint_id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("region", String(12), nullable=False),
    Column("reasons", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""
Who stands behind a delivery and why, as it was then. ``reasons`` is a JSON list of ``{subscription, group, relation, why}``
objects (``why`` null when the subscription applied), rendered once per distinct set of subscriptions.
"""

fallbacks = Table(
    "fallbacks",
    metadata,
    Column("delivery_id", Id, primary_key=True),
    Column("next_id", Id, primary_key=True),
    Column("until", String, nullable=False),
    Column("late_after", BigInteger, nullable=False),
    Column("late_at", BigInteger),
    Index("ix_fallbacks_next_id", "next_id"),
    Index(
        "ix_fallbacks_late_at",
        "late_at",
        "delivery_id",
        sqlite_where=text("late_at IS NOT NULL"),
        postgresql_where=text("late_at IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)
"""
The delivery that starts when this one fails or is late, and is not needed when it succeeds, which is when it is accepted
or, as ``until`` says, delivered. ``late_at`` is when the clerk looks at it next; NULL: it has not begun, or there is
nothing left to look for. Begun or accepted, it has ``late_after`` microseconds.
"""

former_batches = Table(
    "former_batches",
    metadata,
    Column("delivery_id", Id, primary_key=True),
    Column("batch_id", Id, primary_key=True),
    sqlite_with_rowid=False,
)
"""Batches a delivery has left (split or regrouped); their attempts are part of its timeline."""

tallies = Table(
    "tallies",
    metadata,
    Column("alert_id", Id, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("state", String, primary_key=True),
    Column("chain", Integer, primary_key=True, server_default="0"),
    Column("n", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""
Deliveries by state, kept in the same commit as the deliveries, so that counting never scans. Each writer adds to rows of
its own (``chain``), which may be below nothing: only their sum says how many there are.
"""
