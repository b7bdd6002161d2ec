"""The calls of feeds that were acted on: what each signature was used for, so that it serves for nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from warnd.store.feeds import FeedState, keep_state
from warnd.store.statement import insert_into
from warnd.store.tables import feed_calls

REMEMBERED = timedelta(days=365)
"""
Longer than any warning is in force. Not bound to ``retention``: it guards what is in force and is no record of the past.

Only calls that are signed and that led to something are kept, so nobody but the feed can fill the table.
"""


@dataclass(frozen=True, slots=True)
class FeedCall:
    """
    What a call of ``feed`` said. ``signature`` is in small hexadecimal digits and ``warning`` is its identifier there.

    It goes by the signature and not by the nonce: identifier and nonce are signed without anything between them,
    so that one signature holds for several pairs of both.
    """

    feed: str
    signature: str
    event: str
    warning: str
    url: str


def calls_like(connection: Connection, call: FeedCall) -> list[FeedCall]:
    """The calls of the same feed with its signature, at the most one, or about its warning."""
    columns = (feed_calls.c[one.name] for one in fields(FeedCall))
    like = (feed_calls.c.signature == call.signature) | (feed_calls.c.warning == call.warning)
    rows = connection.execute(select(*columns).where(feed_calls.c.feed == call.feed, like))
    return [FeedCall(*row) for row in rows]


def remember_call(connection: Connection, call: FeedCall, state: FeedState, now: datetime) -> None:
    """Keep how the feed stands and what its call said; of a signature's calls the first counts."""
    keep_state(connection, state)
    connection.execute(delete(feed_calls).where(feed_calls.c.at < now - REMEMBERED))
    connection.execute(
        insert_into(connection, feed_calls).values(**asdict(call), at=now).on_conflict_do_nothing()
    )
