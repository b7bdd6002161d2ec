"""
The one schema, as SQLAlchemy Core tables, for SQLite and PostgreSQL alike.

Ids are ULIDs as text. Instants are microseconds since 1970 (UTC) as 64-bit integers: ``Instant`` shows them
as aware datetimes to SQLAlchemy, the hot statements bind the integer. ``deliveries`` is a projection of
``journal``; nothing else is told twice. No reference is declared to the database: checking each of a million rows would
cost as much again, and lock what another process writes.
"""

from __future__ import annotations

from warnd.store.tables.access import api_keys, nonces, sessions
from warnd.store.tables.alert import alert_references, alert_regions, alerts, approval_links, mends
from warnd.store.tables.audience import (
    audience_changes,
    endpoints,
    groups,
    memberships,
    regions,
    subscribers,
    subscriptions,
)
from warnd.store.tables.bundle import bundle_parts, bundles
from warnd.store.tables.chain import journal, journal_links
from warnd.store.tables.common import Instant, instant, metadata, micros
from warnd.store.tables.delivery import batches, deliveries, fallbacks, former_batches, recipients, tallies
from warnd.store.tables.intake import feed_calls, feed_entries, feeds, raw_messages
from warnd.store.tables.operation import alarms, meta, workers
from warnd.store.tables.plan import contents, coverage_gaps, plan_ranges
from warnd.store.tables.receipt import receipt_keys, receipts

__all__ = [
    "Instant",
    "alarms",
    "alert_references",
    "alert_regions",
    "alerts",
    "api_keys",
    "approval_links",
    "audience_changes",
    "batches",
    "bundle_parts",
    "bundles",
    "contents",
    "coverage_gaps",
    "deliveries",
    "endpoints",
    "fallbacks",
    "feed_calls",
    "feed_entries",
    "feeds",
    "former_batches",
    "groups",
    "instant",
    "journal",
    "journal_links",
    "memberships",
    "mends",
    "meta",
    "metadata",
    "micros",
    "nonces",
    "plan_ranges",
    "raw_messages",
    "receipt_keys",
    "receipts",
    "recipients",
    "regions",
    "sessions",
    "subscribers",
    "subscriptions",
    "tallies",
    "workers",
]
