"""Carrying an audience import out: what it finds in the store, and the plan's changes in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Table, select

from warnd.model.audience import EVERY_HAZARD, AudienceClass, Relation, SubscriberKind
from warnd.model.audience_import import (
    Address,
    ExistingAudience,
    GroupName,
    ImportPlan,
    ImportRow,
    KnownEndpoint,
    KnownSubscriber,
)
from warnd.model.color import Color
from warnd.model.ulid import UlidMaker
from warnd.store import bulk
from warnd.store.database import raw_of
from warnd.store.edits import unique
from warnd.store.regions import meanings
from warnd.store.statement import Statement
from warnd.store.tables import endpoints, groups, memberships, micros, subscribers, subscriptions

_CHUNK = 5_000


def _rewrite(table: Table, columns: Sequence[str], *, also: str = "") -> Statement:
    """Update rows found by id: given are the id, then the new values of ``columns``."""
    given = ", ".join(f"{name} {bulk.kind(table.c[name].type)}" for name in ("id", *columns))
    changes = ", ".join(f"{name} = new.{name}" for name in columns) + also
    return Statement(
        f"UPDATE {table.name} SET {changes} FROM rows(?) new({given}) WHERE {table.name}.id = new.id"
    )


_ADD_GROUPS = bulk.Insert(groups, ("id", "name", "region", "audience", "created_at"))
_ADD_SUBSCRIPTIONS = bulk.Insert(
    subscriptions, ("id", "group_id", "hazards", "min_color", "relation", "created_at")
)
_ADD_SUBSCRIBERS = bulk.Insert(
    subscribers, ("id", "external_id", "kind", "name", "region", "language", "created_at")
)
_ADD_ENDPOINTS = bulk.Insert(
    endpoints, ("id", "subscriber_id", "channel", "address", "priority", "drills", "created_at")
)
_CHANGE_SUBSCRIBERS = _rewrite(subscribers, ("kind", "name", "region", "language"), also=", ended_at = NULL")
_CHANGE_ENDPOINTS = _rewrite(endpoints, ("priority", "drills"))
_END_SUBSCRIBERS = _rewrite(subscribers, ("ended_at",))
_REMOVE_ENDPOINTS = Statement("DELETE FROM endpoints WHERE id IN listed(?)")
_REMOVE_ENDPOINTS_OF = Statement("DELETE FROM endpoints WHERE subscriber_id IN listed(?)")
_JOIN = bulk.Insert(memberships, ("subscriber_id", "group_id"), or_ignore=True)
_LEAVE = Statement("""
DELETE FROM memberships WHERE (subscriber_id, group_id) IN (
    SELECT j.subscriber_id, j.group_id FROM rows(?) j(subscriber_id text, group_id text))
""")
_LEAVE_ALL = Statement("DELETE FROM memberships WHERE subscriber_id IN listed(?)")


@dataclass(frozen=True, slots=True)
class AppliedImport:
    """
    What an import did, for the journal.

    ``counts`` as the plan's; ``group_ids`` are those of new groups by ``region-code/name``; ``ended`` the ids of
    subscribers told no more, ``left`` (subscriber, group) where a membership ended, ``endpoints_removed`` ids.
    """

    counts: Mapping[str, int]
    group_ids: Mapping[str, str]
    ended: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    endpoints_removed: tuple[str, ...]


def existing_audience(
    connection: Connection, rows: Sequence[ImportRow], *, sync: bool = False
) -> ExistingAudience:
    """What the store holds of what the rows name; for a sync, every living subscriber as well."""
    codes = {row.region for row in rows if row.region}
    codes |= {group.region for row in rows for group in row.groups or ()}
    found = _subscribers(connection, {row.external_id for row in rows}, sync=sync)
    named = {known.id for known in found.values()}
    held: defaultdict[str, dict[Address, KnownEndpoint]] = defaultdict(dict)
    e = endpoints.c
    for id, of, channel, address, priority, drills in connection.execute(
        select(e.id, e.subscriber_id, e.channel, e.address, e.priority, e.drills)
    ):
        if of in named:
            held[of][Address(channel, address)] = KnownEndpoint(id, priority, bool(drills))
    joined: defaultdict[str, set[str]] = defaultdict(set)
    for of, group in connection.execute(select(memberships.c.subscriber_id, memberships.c.group_id)):
        if of in named:
            joined[of].add(group)
    g = groups.c
    live = connection.execute(select(g.id, g.region, g.name, g.audience).where(g.ended_at.is_(None))).all()
    return ExistingAudience(
        regions=meanings(connection, codes),
        groups={GroupName(region, name): id for id, region, name, _ in live},
        subscribers=found,
        endpoints=held,
        memberships={of: frozenset(ids) for of, ids in joined.items()},
        classes={id: AudienceClass(audience) for id, _, _, audience in live},
    )


def apply_import(connection: Connection, plan: ImportPlan, *, ids: UlidMaker, now: datetime) -> AppliedImport:
    """
    Carry the plan out, whole.

    Raises Conflict when the store is no longer as the plan found it; the caller's transaction then keeps nothing.
    """
    at = micros(now)
    ended = tuple(known.id for known in plan.ended)
    left = tuple((leave.subscriber_id, leave.group_id) for leave in plan.leaves)
    with unique("the audience changed while the import was planned; import again"):
        new_groups = _add_groups(connection, plan, ids, now)
        new_subscribers = _add_subscribers(connection, plan, ids, now)
        group_ids = {**plan.group_ids, **new_groups}
        subscriber_ids = {**plan.subscriber_ids, **new_subscribers}
        _run(
            connection,
            _CHANGE_SUBSCRIBERS,
            [(s.id, s.kind.value, s.name, s.region, s.language) for s in plan.subscribers_changed],
        )
        _run(connection, _REMOVE_ENDPOINTS, plan.endpoints_removed)
        _run(connection, _CHANGE_ENDPOINTS, [(e.id, e.priority, e.drills) for e in plan.endpoints_changed])
        endpoint_ids = ids.many(len(plan.endpoints), now)
        _run(
            connection,
            _ADD_ENDPOINTS,
            [
                (id, subscriber_ids[new.subscriber], *new.address, new.priority, new.drills, at)
                for id, new in zip(endpoint_ids, plan.endpoints, strict=True)
            ],
        )
        _run(connection, _JOIN, [(subscriber_ids[j.subscriber], group_ids[j.group]) for j in plan.joins])
        _run(connection, _LEAVE, left)
        _run(connection, _LEAVE_ALL, ended)
        _run(connection, _REMOVE_ENDPOINTS_OF, ended)
        _run(connection, _END_SUBSCRIBERS, [(id, at) for id in ended])
    return AppliedImport(
        counts=plan.counts,
        group_ids={str(name): id for name, id in new_groups.items()},
        ended=ended,
        left=left,
        endpoints_removed=plan.endpoints_removed,
    )


def _subscribers(connection: Connection, wanted: set[str], *, sync: bool) -> dict[str, KnownSubscriber]:
    s = subscribers.c
    statement = select(s.id, s.kind, s.name, s.region, s.language, s.external_id, s.ended_at)
    found: dict[str, KnownSubscriber] = {}
    for row in connection.execute(statement):
        key, external, ended = (
            row.external_id or row.id,
            row.external_id is not None,
            row.ended_at is not None,
        )
        if key in wanted or (sync and external and not ended):
            kind = SubscriberKind(row.kind)
            found[key] = KnownSubscriber(row.id, kind, row.name, row.region, row.language, external, ended)
    return found


def _add_groups(
    connection: Connection, plan: ImportPlan, ids: UlidMaker, now: datetime
) -> dict[GroupName, str]:
    """New groups, each with a subscription to everything from blue up."""
    at = micros(now)
    made = dict(zip((new.name for new in plan.groups), ids.many(len(plan.groups), now), strict=True))
    _run(
        connection,
        _ADD_GROUPS,
        [(made[new.name], new.name.name, new.name.region, new.audience.value, at) for new in plan.groups],
    )
    everything = orjson.dumps([EVERY_HAZARD]).decode()
    rule = (everything, Color.BLUE.value, Relation.BOTH.value, at)
    rules = ids.many(len(made), now)
    _run(
        connection,
        _ADD_SUBSCRIPTIONS,
        [(id, group, *rule) for id, group in zip(rules, made.values(), strict=True)],
    )
    return made


def _add_subscribers(
    connection: Connection, plan: ImportPlan, ids: UlidMaker, now: datetime
) -> dict[str, str]:
    at = micros(now)
    keys = (new.external_id for new in plan.subscribers)
    made = dict(zip(keys, ids.many(len(plan.subscribers), now), strict=True))
    _run(
        connection,
        _ADD_SUBSCRIBERS,
        [
            (made[s.external_id], s.external_id, s.kind.value, s.name, s.region, s.language, at)
            for s in plan.subscribers
        ],
    )
    return made


def _run(connection: Connection, statement: Statement | bulk.Insert, values: Sequence[Any]) -> None:
    for start in range(0, len(values), _CHUNK):
        chunk = list(values[start : start + _CHUNK])
        if isinstance(statement, bulk.Insert):
            statement.run(raw_of(connection), chunk)
        else:
            raw_of(connection).execute(statement, (bulk.rows(chunk),))
