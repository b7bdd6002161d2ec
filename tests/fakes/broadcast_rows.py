"""A broadcast as rows of a store, so that pages have something to show without anything being sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, update

from warnd.model.alert import Alert, AlertType, Area, Change, Status, Text
from warnd.model.alert_body import as_body
from warnd.model.color import Color, lane_of
from warnd.model.ulid import UlidMaker
from warnd.store import tables
from warnd.store.journal import Entry
from warnd.store.tables import micros

NOW = datetime(2026, 7, 14, 0, 0, tzinfo=UTC)
COUNTY = "621202"
TOWN = "621202101"

_IDS = UlidMaker()


def a_warning(headline: str = "武都区气象台发布暴雨红色预警信号", color: Color = Color.RED) -> Alert:
    return Alert(
        identifier=f"62120241600000_{_IDS.one(NOW)}",
        sender="62120241600000",
        sender_name="武都区气象台",
        sent=NOW,
        status=Status.ACTUAL,
        type=AlertType.ALERT,
        hazard="rainstorm",
        color=color,
        texts={"zh": Text(headline, "预计未来3小时将出现100毫米以上降雨。", "请立即转移沿沟住户。")},
        expires=NOW + timedelta(hours=6),
        areas=(Area("武都区", (COUNTY,)),),
    )


def keep_alert(
    connection: Connection, alert: Alert, *, state: str = "released", change: Change = Change.ISSUED
) -> str:
    """The alert with its message and area; its id."""
    id = _IDS.one(NOW)
    connection.execute(
        insert(tables.raw_messages).values(
            id=id, source="weather", received_at=NOW, content_type="application/json", body=b"{}",
            verdict="accept", alert_id=id,
        )
    )  # fmt: skip
    assert alert.color is not None
    connection.execute(
        insert(tables.alerts).values(
            id=id, episode_id=id, sender=alert.sender, identifier=alert.identifier, sent=alert.sent,
            source="weather", received_at=NOW, state=state, verdict="accept", status=alert.status.value,
            type=alert.type.value, hazard=alert.hazard, color=alert.color.value, lane=lane_of(alert.color).value,
            change=change.value, headline=alert.headline, body=as_body(alert), digest=id, raw_id=id,
            expires=alert.expires, deliver_until=alert.deliver_until, planned=3, plan_of=3, plan_done=True,
        )
    )  # fmt: skip
    connection.execute(insert(tables.alert_regions).values(alert_id=id, code=COUNTY))
    names = {COUNTY: "武都区", TOWN: "两水镇"}
    for code, name in names.items():
        if not connection.execute(tables.regions.select().where(tables.regions.c.code == code)).first():
            connection.execute(insert(tables.regions).values(code=code, name=name))
    return id


def end_long_ago(connection: Connection, alert_id: str) -> None:
    """It ended, with all swept, longer ago than anything is kept."""
    ended = {"state": "expired", "stopped_at": NOW - timedelta(days=4000), "swept": True}
    connection.execute(update(tables.alerts).where(tables.alerts.c.id == alert_id).values(ended))


def keep_delivery(
    connection: Connection,
    alert_id: str,
    *,
    name: str = "两水镇值班室",
    address: str = "+8615400000001",
    state: str = "queued",
    reason: str | None = None,
    why: str | None = None,
) -> str:
    """A delivery with the person behind it; its id. ``why`` the subscription did not apply."""
    id = _IDS.one(NOW)
    connection.execute(
        insert(tables.deliveries).values(
            id=id, alert_id=alert_id, channel="sms", address=address, round=0, lane=0, state=state,
            reason=reason, name=name, region=TOWN, updated=micros(NOW),
        )
    )  # fmt: skip
    reasons = [{"subscription": "S1", "group": "两水镇责任人", "relation": "within", "why": why}]
    connection.execute(
        insert(tables.recipients).values(
            delivery_id=id,
            subscriber_id=id,
            endpoint_id=id,
            name=name,
            region=TOWN,
            reasons=json.dumps(reasons),
        )
    )
    count(connection, alert_id, {state: 1})
    return id


def keep_attempt(
    connection: Connection, delivery_id: str, at: datetime, **outcome: object
) -> tuple[None, list[Entry]]:
    """A try of the delivery's batch, as the worker journals it."""
    batch = _IDS.one(NOW)
    connection.execute(insert(tables.former_batches).values(delivery_id=delivery_id, batch_id=batch))
    body = {"channel": "sms", "size": 1, "started": micros(at - timedelta(milliseconds=120)), **outcome}
    return None, [Entry(micros(at), "attempt.ended", batch, body)]


def count(connection: Connection, alert_id: str, counts: dict[str, int]) -> None:
    """Add to the alert's tallies."""
    t = tables.tallies
    for state, more in counts.items():
        key = {"alert_id": alert_id, "channel": "sms", "level": 3, "state": state}
        where = [t.c[column] == value for column, value in key.items()]
        if not connection.execute(update(t).where(*where).values(n=t.c.n + more)).rowcount:
            connection.execute(insert(t).values(**key, n=more))
