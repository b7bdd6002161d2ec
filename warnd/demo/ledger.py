"""What the demo reads in the store: how far a broadcast is, and every delivery of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, func, select

from warnd.demo.reckoning import Line, Span, is_final
from warnd.model.delivery import State
from warnd.model.region import Region
from warnd.store.deliveries import DeliveryFilter, DeliveryRow, export_deliveries, list_deliveries
from warnd.store.paging import MOST, in_subtree
from warnd.store.tables import alerts, coverage_gaps, journal, regions, tallies


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a broadcast is: deliveries by channel and state. ``planned``: all of them are there."""

    planned: bool
    states: Mapping[str, Counter[State]]

    def is_over(self, receipts: frozenset[str]) -> bool:
        """Whether nothing more will happen; ``receipts`` are the channels that report what arrived."""
        return self.planned and all(
            is_final(state, receipts=channel in receipts)
            for channel, counted in self.states.items()
            for state, n in counted.items()
            if n
        )


def standing(connection: Connection, alert_id: str) -> Standing:
    """From the tallies, which cost nothing to read."""
    planned = connection.execute(select(alerts.c.plan_done).where(alerts.c.id == alert_id)).scalar_one()
    states: dict[str, Counter[State]] = {}
    t = tallies.c
    for channel, state, n in connection.execute(
        select(t.channel, t.state, t.n).where(t.alert_id == alert_id)
    ):
        states.setdefault(channel, Counter())[State(state)] += n
    return Standing(bool(planned), states)


def lines(connection: Connection, alert_id: str) -> list[Line]:
    """Every delivery, as the delivery log has it."""
    found: list[Line] = []
    cursor: str | None = None
    while True:
        page = export_deliveries(connection, DeliveryFilter(alert=alert_id), cursor)
        found += [Line(row.channel, row.address, row.region, row.state, row.attempts) for row in page.items]
        if (cursor := page.next_cursor) is None:
            return found


class Untold(NamedTuple):
    """One that was not told, of ``n`` of its sort; ``channel`` is empty for a subscriber without any endpoint."""

    name: str
    channel: str
    why: str
    n: int


def untold(connection: Connection, alert_id: str) -> list[Untold]:
    """One delivery that was not to leave, and one subscriber whom no channel reaches; those that there are."""
    t, g = tallies.c, coverage_gaps.c
    of_it = (t.alert_id == alert_id) & (t.state == State.SUPPRESSED.value)
    n = connection.execute(select(func.sum(t.n)).where(of_it)).scalar() or 0
    filters = DeliveryFilter(alert=alert_id, state=State.SUPPRESSED)
    first = list_deliveries(connection, filters, limit=1).items
    gaps = select(g.name, g.why).where(g.alert_id == alert_id, g.subscriber_id != "")
    rows = connection.execute(gaps.order_by(g.subscriber_id)).all()
    return [
        *(Untold(row.name, row.channel, row.reason or "", n) for row in first),
        *(Untold(name, "", why, len(rows)) for name, why in rows[:1]),
    ]


def eventful(connection: Connection, alert_id: str) -> DeliveryRow | None:
    """An SMS that arrived after more tries than one, if there is any; else any that arrived."""
    filters = DeliveryFilter(alert=alert_id, channel="sms", state=State.DELIVERED)
    rows = list_deliveries(connection, filters, limit=MOST).items
    return max(rows, key=lambda row: row.attempts, default=None)


def spans(connection: Connection, alert_id: str) -> dict[str, Span]:
    """By channel, from the journal."""
    found: dict[str, Span] = {}
    ended = select(journal.c.at, journal.c.body).where(journal.c.kind == "attempt.ended")
    for at, text in connection.execute(ended):
        body = orjson.loads(text)
        if body["alert"] == alert_id:
            span = found.get(body["channel"], Span(at, at))
            found[body["channel"]] = Span(min(span.first, body["started"]), max(span.last, at))
    return found


def divisions(connection: Connection, under: str) -> list[Region]:
    """A division and all below it, in the order of their codes."""
    found = (
        select(regions.c.code, regions.c.name)
        .where(in_subtree(regions.c.code, under))
        .order_by(regions.c.code)
    )
    return [Region(code, name) for code, name in connection.execute(found)]
