"""What authenticated sources sent, whatever came of it: listed with its verdict, and its bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from warnd.errors import Fault, Invalid, NotFound
from warnd.model.alert import Verdict
from warnd.store.findings import found
from warnd.store.paging import MOST, Page
from warnd.store.tables import alerts, raw_messages


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What to show; what is None does not narrow. ``since`` and ``until`` bound when it was received."""

    verdict: Verdict | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """
    A message without its bytes; ``content_type`` is what its source called it.

    ``size`` is in bytes, 0 once they are no longer kept. ``alert_id`` is what it became or repeated.
    """

    id: str
    source: str
    received_at: datetime
    content_type: str
    size: int
    verdict: Verdict
    findings: tuple[Fault, ...]
    alert_id: str | None


_first = raw_messages.alias()
"""The earlier message of the same bytes, where there is one."""


def checked(connection: Connection, filters: MessageFilter, *, sources: Collection[str]) -> MessageFilter:
    """
    The filter itself; ``sources`` are those configured.

    Raises Invalid for a source that never sent anything: a typing error must not look like silence.
    """
    source = filters.source
    if source is not None and source not in sources:
        sent = select(raw_messages.c.id).where(raw_messages.c.source == source).limit(1)
        if connection.execute(sent).first() is None:
            raise Invalid([Fault("source", "unknown_source", f"there is no source {source}")])
    return filters


def list_messages(
    connection: Connection, filters: MessageFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[MessageRow]:
    """The newest first."""
    size = max(1, min(limit, MOST))
    statement = _messages().where(*_conditions(filters))
    if cursor is not None:
        statement = statement.where(raw_messages.c.id < cursor)
    rows = connection.execute(statement.order_by(raw_messages.c.id.desc()).limit(size + 1)).all()
    return Page(tuple(_row(row) for row in rows[:size]), rows[size - 1].id if len(rows) > size else None)


def get_message(connection: Connection, id: str) -> tuple[MessageRow, bytes]:
    """With its bytes, empty once they are no longer kept. Raises NotFound."""
    own = func.coalesce(_first.c.body, raw_messages.c.body).label("bytes")
    row = connection.execute(_messages(own).where(raw_messages.c.id == id)).one_or_none()
    if row is None:
        raise NotFound("message", id)
    return _row(row), row.bytes


def message_of(connection: Connection, alert_id: str) -> tuple[MessageRow, bytes]:
    """The message that an alert was read from. Raises NotFound."""
    id = connection.execute(select(alerts.c.raw_id).where(alerts.c.id == alert_id)).scalar()
    if id is None:
        raise NotFound("alert", alert_id)
    return get_message(connection, id)


def _messages(*more: ColumnElement[bytes]) -> Select[Any]:
    columns = [column for column in raw_messages.c if column.name not in ("body", "same_as")]
    size = func.length(func.coalesce(_first.c.body, raw_messages.c.body)).label("size")
    joined = raw_messages.outerjoin(_first, _first.c.id == raw_messages.c.same_as)
    return select(*columns, size, *more).select_from(joined)


def _conditions(filters: MessageFilter) -> list[ColumnElement[bool]]:
    raw, conditions = raw_messages.c, []
    if filters.verdict is not None:
        conditions.append(raw.verdict == filters.verdict.value)
    if filters.source is not None:
        conditions.append(raw.source == filters.source)
    if filters.since is not None:
        conditions.append(raw.received_at >= filters.since)
    if filters.until is not None:
        conditions.append(raw.received_at < filters.until)
    return conditions


def _row(row: Row[Any]) -> MessageRow:
    return MessageRow(
        row.id, row.source, row.received_at, row.content_type, row.size, Verdict(row.verdict),
        found(row.findings), row.alert_id,
    )  # fmt: skip
