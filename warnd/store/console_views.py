"""What only the console shows: the words of an alert as they went out, and on which channels alerts were told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from warnd.store.tables import contents, tallies


@dataclass(frozen=True, slots=True)
class SentWords:
    """The text of one channel in one language; ``refused``: the channel would not have it."""

    channel: str
    kind: str
    language: str
    subject: str
    body: str
    segments: int
    template: str
    refused: bool


def words_of(connection: Connection, alert_id: str) -> list[SentWords]:
    """By channel and language; none as long as nobody is planned."""
    c = contents.c
    rows = connection.execute(
        select(
            c.channel, c.kind, c.language, c.subject, c.body, c.segments, c.template,
            c.refused_at.is_not(None),
        ).where(c.alert_id == alert_id).order_by(c.channel, c.language)
    )  # fmt: skip
    return [SentWords(*row) for row in rows]


def channels_of(connection: Connection, alert_ids: Collection[str]) -> list[str]:
    """The channels of these alerts' deliveries, configured still or not, by name."""
    t = tallies.c
    rows = connection.execute(
        select(t.channel).where(t.alert_id.in_(alert_ids)).distinct().order_by(t.channel)
    )
    return list(rows.scalars())
