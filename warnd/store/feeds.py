"""What is remembered of pulled feeds: how the last polls went, and which entries have been seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, or_, select, update

from warnd.model.alert import AlertState, Change, Reference
from warnd.model.color import Color
from warnd.store.paging import in_chunks
from warnd.store.statement import insert_into
from warnd.store.tables import alerts, feed_entries, feeds

REMEMBERED = timedelta(days=30)
"""How long an entry is known after it was last shown: feeds show the latest few hundred, and old ones come back."""

_FRESH = timedelta(days=1)
"""An entry that is still shown has its time renewed when it is older than this, not at every poll."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """
    How a feed stands.

    ``since``: first asked; ``polled``: last asked; ``succeeded``: last answered readably, ``changed`` of these the
    last that showed something new; ``newest``: time of issue of its newest entry. ``entries`` is how many the last
    answer showed; ``admitted`` and ``faults`` count entries from the first poll on. ``trouble`` is why the last poll
    failed, empty if it did not.
    """

    name: str
    since: datetime
    polled: datetime
    succeeded: datetime | None = None
    changed: datetime | None = None
    newest: datetime | None = None
    entries: int = 0
    admitted: int = 0
    faults: int = 0
    trouble: str = ""


def states(connection: Connection) -> dict[str, FeedState]:
    """Of every feed that was ever asked, by name."""
    return {row.name: FeedState(**row._mapping) for row in connection.execute(select(feeds))}


def keep_state(connection: Connection, state: FeedState) -> None:
    row = asdict(state)
    connection.execute(
        insert_into(connection, feeds).values(**row).on_conflict_do_update(index_elements=["name"], set_=row)
    )


def seen(connection: Connection, feed: str, keys: Sequence[str]) -> dict[str, str]:
    """The stamps of those entries that are known, by key."""
    known: dict[str, str] = {}
    for chunk in in_chunks(keys):
        rows = connection.execute(
            select(feed_entries.c.key, feed_entries.c.stamp).where(
                feed_entries.c.feed == feed, feed_entries.c.key.in_(chunk)
            )
        )
        known |= {row.key: row.stamp for row in rows}
    return known


def remember(
    connection: Connection, state: FeedState, new: Mapping[str, str], shown: Iterable[str], now: datetime
) -> None:
    """Keep how a poll went and the stamps of the entries that it dealt with; ``shown`` are the keys of all it saw."""
    keep_state(connection, state)
    if new:
        rows = [{"feed": state.name, "key": key, "stamp": stamp, "seen": now} for key, stamp in new.items()]
        fresh = insert_into(connection, feed_entries)
        changed = {"stamp": fresh.excluded.stamp, "seen": fresh.excluded.seen}
        connection.execute(fresh.on_conflict_do_update(index_elements=["feed", "key"], set_=changed), rows)
    mine = feed_entries.c.feed == state.name
    for chunk in in_chunks(list(shown)):
        stale = and_(mine, feed_entries.c.key.in_(chunk), feed_entries.c.seen < now - _FRESH)
        connection.execute(update(feed_entries).where(stale).values(seen=now))
    connection.execute(delete(feed_entries).where(mine, feed_entries.c.seen < now - REMEMBERED))


def in_force(
    connection: Connection, sender: str, hazard: str, *, until: datetime, color: Color | None
) -> tuple[Reference, ...]:
    """
    What a sender's change or end of a hazard's warning speaks of when it does not say: its warnings in force.

    Those of ``color``, if one is given, and sent not after ``until``: an end and the warning that replaces it may
    come in one minute. ``sender`` is the 14 digits that the national platform's identifiers begin with, whatever
    the message that brought the warning called its sender.
    """
    theirs = or_(alerts.c.sender == sender, alerts.c.identifier.startswith(f"{sender}_", autoescape=True))
    found = (
        select(alerts.c.sender, alerts.c.identifier, alerts.c.sent)
        .where(
            theirs,
            alerts.c.hazard == hazard,
            alerts.c.sent <= until,
            alerts.c.state.in_([AlertState.RELEASED.value, AlertState.HELD.value]),
            alerts.c.change != Change.LIFTED.value,
        )
        .order_by(alerts.c.id)
    )
    if color is not None:
        found = found.where(alerts.c.color == color.value)
    return tuple(Reference(row.sender, row.identifier, row.sent) for row in connection.execute(found))
