"""
The one schema, as SQLAlchemy Core tables, for SQLite and PostgreSQL alike.

Ids are ULIDs as text. Instants are microseconds since 1970 (UTC) as 64-bit integers: ``Instant`` shows them
as aware datetimes to SQLAlchemy, the hot statements bind the integer. ``deliveries`` is a projection of
``journal``; nothing else is told twice. No reference is declared to the database: checking each of a million rows would
cost as much again, and lock what another process writes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(when: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (when - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(26)

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts about this store itself: its own id, versions of shipped data."""

# --- who may do what ------------------------------------------------------------------------------

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

# --- regions and audience --------------------------------------------------------------------------

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

# --- alerts ----------------------------------------------------------------------------------------

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

plan_ranges = Table(
    "plan_ranges",
    metadata,
    Column("alert_id", Id, primary_key=True),
    Column("last", Id, primary_key=True),
    Column("cursor", Id, nullable=False),
    Column("holder", Integer),
    Column("held_until", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""
What is still to be planned of a large plan in a store that processes share: members after ``cursor`` up to ``last``, ids of
subscribers, "" for all there are. ``holder`` is the number of the worker that is at it, until ``held_until`` at the most.
A range that is planned is gone.
"""

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

# --- batches and deliveries --------------------------------------------------------------------------

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

# --- what happened ------------------------------------------------------------------------------------

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

alarms = Table(
    "alarms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("message", String, nullable=False),
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
