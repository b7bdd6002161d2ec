"""
The delivery log: any slice of it, newest first, as fast at a million rows as at ten.

No page counts or skips. Each is read along the index that leaves the least to look through, in windows that grow
until the page is full. A window that finds nothing ends at a limit: such a page is short, or empty, and says
with its cursor where to go on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from warnd.errors import Fault, Invalid
from warnd.model.delivery import State
from warnd.model.region import WIDTHS
from warnd.model.ulid import floor, made_at
from warnd.store import bulk, regions
from warnd.store.database import raw_of
from warnd.store.paging import MOST, Page
from warnd.store.repeats import possible_repeats
from warnd.store.statement import Statement, statement
from warnd.store.tables import instant

_ALL_OF_THEM = 1 << 32
_FEW = 10_000
"""Rows that are fetched and sorted at once rather than walked through."""

_WINDOWS = (2_000, 20_000, 200_000)
"""Rows looked through for one page, step by step; all of them take a few tenths of a second."""

_EXPORTED = 5_000
_LAST = "Z" * 26
_VILLAGE = WIDTHS[-1]
_INDEXED_STATES = frozenset(State) - {State.QUEUED, State.ACCEPTED, State.DELIVERED, State.SENDING}


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """
    What to show; what is None does not narrow.

    ``region`` stands for all below it. ``group`` is a group that was a reason for telling somebody. ``q`` is
    an address or its beginning, or a part of the name of somebody behind it. ``since`` and ``until`` bound
    when the delivery was planned; ``until`` itself is out.
    """

    alert: str | None = None
    state: State | None = None
    channel: str | None = None
    region: str | None = None
    group: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """
    A delivery as the log shows it.

    ``name`` and ``region`` are those of the first recipient, as they were then; ``attempts`` counts all tries,
    the one under way included. ``possible_repeat``: whoever got it may have got it twice.
    """

    id: str
    alert_id: str
    headline: str
    color: str | None
    channel: str
    address: str
    name: str
    region: str
    round: int
    state: State
    reason: str | None
    detail: str | None
    told: bool
    attempts: int
    planned: datetime
    updated: datetime
    possible_repeat: bool


def list_deliveries(
    connection: Connection, filters: DeliveryFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[DeliveryRow]:
    """The newest first; a page can be short and yet have a next one."""
    return _listed(connection, filters, max(1, min(limit, MOST)), cursor)


def export_deliveries(
    connection: Connection, filters: DeliveryFilter, after: str | None = None, limit: int = _EXPORTED
) -> Page[DeliveryRow]:
    """The same in larger pieces, for a stream: each call is one short read."""
    return _listed(connection, filters, limit, after)


_IS_ALERT = Statement("SELECT 1 FROM alerts WHERE id = ?")
_IS_CHANNEL = Statement("SELECT 1 FROM tallies WHERE channel = ? LIMIT 1")
_IS_GROUP = Statement("SELECT 1 FROM groups WHERE id = ?")


def checked(connection: Connection, filters: DeliveryFilter, *, channels: Collection[str]) -> DeliveryFilter:
    """
    The filter with its region as the tree has it; ``channels`` are those configured.

    Raises Invalid for what nothing here goes by: a typing error must not look as if nobody had been told.
    """
    faults = []
    region = None
    if filters.region is not None:
        region = regions.meanings(connection, (filters.region,)).get(filters.region)
        if region is None:
            faults.append(Fault("region", "unknown_region", f"there is no division {filters.region}"))
    raw = raw_of(connection)
    there = (
        ("alert", filters.alert, _IS_ALERT),
        ("channel", filters.channel, _IS_CHANNEL),
        ("group", filters.group, _IS_GROUP),
    )
    for name, key, asked in there:
        if key is None or (name == "channel" and key in channels):
            continue
        if raw.execute(asked, (key,)).fetchone() is None:
            faults.append(Fault(name, f"unknown_{name}", f"there is no {name} {key}"))
    if faults:
        raise Invalid(faults)
    return replace(filters, region=region)


_SENDING = "b.state = 'sending' AND d.state IN ('queued', 'waiting', 'unknown')"

SELECTED = f"""
SELECT d.id, d.alert_id, coalesce(a.headline, ''), a.color, d.channel, d.address, d.name, d.region, d.round,
    CASE WHEN {_SENDING} THEN 'sending' ELSE d.state END,
    d.reason, d.detail, d.told, d.attempts + coalesce(b.attempts, 0), d.updated
"""
JOINED = "LEFT JOIN batches b ON b.id = d.batch_id LEFT JOIN alerts a ON a.id = d.alert_id"

_PERSON = """
(CAST(:name AS text) IS NULL OR instr(r.name, :name) > 0)
AND (CAST(:group AS text) IS NULL OR instr(r.reasons, :group) > 0)
"""
_BEHIND = f"EXISTS (SELECT 1 FROM recipients r WHERE r.delivery_id = d.id AND {_PERSON})"


@dataclass(frozen=True, slots=True)
class _Path:
    """
    A way through the log in the order of ``key``; by an index of ``source`` that has the column ``of`` before it, of which
    ``value`` is wanted. Those on the way are ``where``; several in a row may be one and the same, if they are ``grouped``.
    """

    source: str
    of: str = ""
    value: str = ""
    where: str = "true"
    key: str = "d.id"
    join: str = ""
    grouped: str = ""

    def between(self, bottom: str) -> str:
        """Those below ``:below``, down to ``bottom``. Both columns at once, so that no index of the key alone serves."""
        if not self.of:
            return f"{self.key} < :below AND {self.key} >= {bottom}"
        place = f"({self.of}, {self.key})"
        return f"{place} < ({self.value}, :below) AND {place} >= ({self.value}, {bottom})"

    @property
    def downwards(self) -> str:
        return f"{self.of} DESC, {self.key} DESC" if self.of else f"{self.key} DESC"


_ALL = _Path("deliveries d NOT INDEXED")
_BY_ALERT = _Path("deliveries d INDEXED BY ix_deliveries_alert_id_id", "d.alert_id", ":alert")
_BY_VILLAGE = _Path("deliveries d INDEXED BY ix_deliveries_region_id", "d.region", ":region")
_BY_STATE = _Path(
    "deliveries d INDEXED BY ix_deliveries_notable",
    "d.state",
    ":state",
    where="d.state NOT IN ('queued', 'accepted', 'delivered')",
)
_BY_PERSON = _Path(
    "recipients r",
    key="r.delivery_id",
    join="CROSS JOIN deliveries d ON d.id = r.delivery_id",
    grouped="GROUP BY r.delivery_id /*+ , d.id, a.id, b.id */",
)

_OUT = f"""
SELECT d.id FROM batches b INDEXED BY ix_batches_out CROSS JOIN deliveries d ON d.batch_id = b.id WHERE {_SENDING}
"""
_OF_ADDRESS = "SELECT d.id FROM deliveries d WHERE d.address >= :address AND d.address < :address_end"
_OF_REGION = """
SELECT d.id FROM deliveries d INDEXED BY ix_deliveries_region_id WHERE d.region BETWEEN :region AND :region_end
"""


def _listed(
    connection: Connection, filters: DeliveryFilter, size: int, cursor: str | None
) -> Page[DeliveryRow]:
    sizes = _sizes(connection, filters)
    if sizes.matching == 0:
        return Page(())
    query = _query(connection, filters)
    below = min(cursor or _LAST, floor(filters.until) if filters.until else _LAST)
    few = _few(connection, filters, query, sizes, below)
    if few is not None:
        return _sorted(connection, query, few, size)
    return _walked(connection, _path(filters, sizes, query), query, below, size)


# --- what is asked for ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Query:
    """The filter as SQL: every condition, ``behind`` being about those behind it, and the values they name."""

    where: str
    behind: str
    values: Mapping[str, Any]


def _query(connection: Connection, filters: DeliveryFilter) -> _Query:
    address = filters.q if filters.q and _begins_an_address(connection, filters.q) else None
    name = filters.q if filters.q and address is None else None
    # In such words no index serves them: what is read by an index says so itself.
    conditions = ["+d.id /*+ || '' */ < :below", "+d.id /*+ || '' */ >= :since"]
    if filters.alert is not None:
        conditions.append("+d.alert_id /*+ || '' */ = :alert")
    if filters.channel is not None:
        conditions.append("d.channel = :channel")
    if filters.state is State.SENDING:
        conditions.append(_SENDING)
    elif filters.state is not None:
        conditions.append(f"+d.state /*+ || '' */ = :state AND NOT coalesce({_SENDING}, false)")
    if filters.region is not None:
        conditions.append("+d.region /*+ || '' */ BETWEEN :region AND :region_end")
    if address is not None:
        conditions.append("+d.address /*+ || '' */ >= :address AND +d.address /*+ || '' */ < :address_end")
    values = {
        "alert": filters.alert,
        "channel": filters.channel,
        "state": filters.state.value if filters.state else None,
        "region": filters.region,
        "region_end": (filters.region or "").ljust(_VILLAGE, "9"),
        "address": address,
        "address_end": None if address is None else address + "\U0010ffff",
        "name": name,
        "group": filters.group,
        "since": floor(filters.since) if filters.since else "",
    }
    behind = _BEHIND if name is not None or filters.group is not None else "true"
    return _Query(" AND ".join(conditions), behind, values)


def _begins_an_address(connection: Connection, q: str) -> bool:
    """What could be an address is one if any begins with it; all else is part of a name."""
    if not re.fullmatch(r"[\x21-\x7e]{3,}", q):
        return False
    values = {"address": q, "address_end": q + "\U0010ffff"}
    return raw_of(connection).execute(statement(f"{_OF_ADDRESS} LIMIT 1"), values).fetchone() is not None


@dataclass(frozen=True, slots=True)
class _Sizes:
    """How many rows there are, by the tallies: that match, of the alert, in the state."""

    matching: int
    of_alert: int
    in_state: int


def _sizes(connection: Connection, filters: DeliveryFilter) -> _Sizes:
    """``sending`` is not tallied: such a delivery still counts for the state it rests in."""
    state = None if filters.state in (None, State.SENDING) else filters.state
    values = {
        "alert": filters.alert,
        "channel": filters.channel,
        "state": state.value if state else None,
    }
    if not any(values.values()):
        return _Sizes(-1, -1, -1)
    row = raw_of(connection).execute(_SIZES if filters.alert is None else _SIZES_OF_ALERT, values).fetchone()
    return _Sizes(*(int(n or 0) for n in row))


_SIZES = Statement("""
SELECT sum(n) FILTER (WHERE (CAST(:channel AS text) IS NULL OR channel = :channel) AND (CAST(:state AS text) IS NULL OR state = :state)),
    -1, sum(n) FILTER (WHERE state = :state)
FROM tallies
""")
_SIZES_OF_ALERT = Statement("""
SELECT sum(n) FILTER (WHERE (CAST(:channel AS text) IS NULL OR channel = :channel) AND (CAST(:state AS text) IS NULL OR state = :state)),
    sum(n), (SELECT sum(n) FROM tallies WHERE state = :state)
FROM tallies WHERE alert_id = :alert
""")


# --- which way ------------------------------------------------------------------------------------------


def _few(
    connection: Connection, filters: DeliveryFilter, query: _Query, sizes: _Sizes, below: str
) -> Sequence[str] | None:
    """The ids that an index narrows the log to, when they are few enough to be sorted."""
    if filters.state is State.SENDING:
        return _ids(connection, _OUT, query, below)
    if query.values["address"] is not None:
        few = _ids(connection, _OF_ADDRESS, query, below, _FEW)
        if few is not None:
            return few
    narrow = filters.region is not None and len(filters.region) < _VILLAGE
    if narrow and not 0 <= sizes.of_alert <= _FEW:
        return _ids(connection, _OF_REGION, query, below, _FEW)
    return None


def _ids(
    connection: Connection, source: str, query: _Query, below: str, most: int = _ALL_OF_THEM
) -> list[str] | None:
    # The plus keeps the planner from walking the log by id instead.
    bounded = f"{source} AND +d.id < :below AND +d.id >= :since LIMIT :most"
    values = {**query.values, "below": below, "most": most + 1}
    ids = [row[0] for row in raw_of(connection).execute(statement(bounded), values)]
    return None if len(ids) > most else ids


def _path(filters: DeliveryFilter, sizes: _Sizes, query: _Query) -> _Path:
    if filters.region is not None and len(filters.region) == _VILLAGE:
        return _BY_VILLAGE
    by_state = filters.state in _INDEXED_STATES
    if by_state and (filters.alert is None or sizes.in_state < sizes.of_alert):
        return _BY_STATE
    if filters.alert is not None:
        return _BY_ALERT
    if query.values["name"] is not None or filters.group is not None:
        return _BY_PERSON
    return _ALL


# --- reading --------------------------------------------------------------------------------------------


def _sorted(connection: Connection, query: _Query, ids: Sequence[str], size: int) -> Page[DeliveryRow]:
    sorted_ = f"""
    {SELECTED} FROM listed(:ids) j(id) CROSS JOIN deliveries d ON d.id = j.id {JOINED}
    WHERE {query.where} AND {query.behind} ORDER BY d.id DESC LIMIT :size
    """
    values = {**query.values, "ids": bulk.rows(list(ids)), "below": _LAST, "size": size + 1}
    rows = raw_of(connection).execute(statement(sorted_), values).fetchall()
    return _page(connection, rows, size, None)


def _walked(connection: Connection, path: _Path, query: _Query, below: str, size: int) -> Page[DeliveryRow]:
    raw = raw_of(connection)
    behind = _PERSON if path is _BY_PERSON else query.behind
    step_down = statement(f"""
    SELECT {path.key} FROM {path.source} WHERE {path.where} AND {path.between(":since")}
    ORDER BY {path.downwards} LIMIT 1 OFFSET :step
    """)
    window = statement(f"""
    {SELECTED} FROM {path.source} {path.join} {JOINED}
    WHERE {path.where} AND {path.between(":bottom")} AND {query.where} AND {behind}
    {path.grouped} ORDER BY {path.downwards} LIMIT :size
    """)
    rows: list[Any] = []
    bottom: str | None = below
    for step in _WINDOWS:
        values = {**query.values, "below": bottom, "step": step - 1, "size": size + 1 - len(rows)}
        last = raw.execute(step_down, values).fetchone()
        values["bottom"] = last[0] if last else query.values["since"]
        rows += raw.execute(window, values).fetchall()
        bottom = last[0] if last else None
        if bottom is None or len(rows) > size:
            break
    return _page(connection, rows, size, bottom)


def _page(connection: Connection, rows: Sequence[Any], size: int, bottom: str | None) -> Page[DeliveryRow]:
    more = rows[size - 1][0] if len(rows) > size else bottom
    shown = rows[:size]
    repeats = possible_repeats(connection, [row[0] for row in shown])
    return Page(tuple(row_of(row, possible_repeat=row[0] in repeats) for row in shown), more)


def row_of(row: Sequence[Any], *, possible_repeat: bool) -> DeliveryRow:
    """A row of ``SELECTED``."""
    (id_, alert, headline, color, channel, address, name, region, round_, state, reason, detail, told, tries,
     updated) = row  # fmt: skip
    return DeliveryRow(
        id_, alert, headline, color, channel, address, name, region, round_, State(state), reason, detail,
        bool(told), tries, made_at(id_), instant(updated), possible_repeat,
    )  # fmt: skip
