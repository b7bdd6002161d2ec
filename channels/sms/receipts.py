"""A gateway's status reports (状态报告) as they are pushed to us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson

from channels.sms.classify import scrubbed
from channels.sms.dialect import ReceiptNames
from channels.sms.numbers import e164
from warnd.contract.channel import CallbackRequest
from warnd.contract.outcome import Receipt, ReceiptStatus

USUAL = ReceiptNames()


def parse(request: CallbackRequest, names: ReceiptNames = USUAL) -> Sequence[Receipt]:
    """
    Every final report of one push.

    A row without a key, or whose status is not one of the two final words (many gateways also report that a
    message is under way), is passed over: it must not cost the others theirs. Raises ValueError for a push
    that is no list of reports, or holds some of which none has a key.
    """
    body = orjson.loads(request.body)
    if not isinstance(body, dict) or not isinstance(rows := body.get(names.receipts), list):
        raise ValueError(f"expected an object with a list {names.receipts!r}")  # noqa: TRY004  what parse promises
    keyed = [(key, row) for row in rows if isinstance(row, Mapping) and (key := _key(row.get(names.id)))]
    if rows and not keyed:
        raise ValueError(f"no report has a key {names.id!r}")
    statuses = {names.delivered: ReceiptStatus.DELIVERED, names.undelivered: ReceiptStatus.UNDELIVERED}
    return [
        Receipt(
            key=key,
            status=status,
            address=e164(row.get(names.to)),
            at=_instant(row.get(names.at)),
            detail=scrubbed(row.get(names.reason)),
        )
        for key, row in keyed
        if (status := statuses.get(str(row.get(names.status)))) is not None
    ]


def _key(value: object) -> str:
    return str(value) if isinstance(value, str) or type(value) is int else ""


def _instant(value: object) -> datetime | None:
    """ISO 8601 with an offset; None for any other, since whose clock it would be is anyone's guess."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):  # the latter: in UTC it would be before the year 1 or after 9999
        return None
