"""What ``warnd doctor`` looks at where the store is a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import psycopg
from sqlalchemy.exc import DBAPIError

from warnd.cli.finding import Finding, Health
from warnd.store.database import said_by
from warnd.store.postgres_connection import Place, Session, faults, named

_SKEW = timedelta(seconds=2)
"""Between this machine and the store's, from which on leases of several machines are judged differently."""
_TOO_MUCH = timedelta(minutes=1)


def connected(place: Place) -> Session | Finding:
    """A session on the database, or why there is none. It changes nothing there."""
    try:
        return Session(place)
    except (psycopg.Error, DBAPIError) as error:
        return Finding("database", Health.FAILED, f"{named(place)}: {said_by(error)}")


def shared(session: Session, place: Place, now: datetime) -> Iterator[Finding]:
    """Whether the server does what warnd relies on, and what time it has."""
    version = session.raw.info.server_version // 10_000
    if found := faults(session.raw):
        yield Finding("database", Health.FAILED, f"{named(place)}: {'; '.join(found)}")
        return
    synchronous, fsync, clock = _said(session.raw)
    yield Finding(
        "database", Health.GOOD, f"{named(place)}: PostgreSQL {version}, synchronous_commit {synchronous}"
    )
    if fsync != "on":
        yield Finding(
            "durability", Health.FAILED, "fsync is off: what was committed is lost with the server's power"
        )
    yield skew(clock - now)


def skew(ahead: timedelta) -> Finding:
    """How far the store's clock is ahead of this machine's: an alert's end and a lease's must mean the same to all."""
    off = abs(ahead)
    said = f"the store's is {off.total_seconds():.1f} s {'ahead' if ahead > timedelta() else 'behind'}"
    if off >= _TOO_MUCH:
        return Finding("clock", Health.FAILED, said)
    return Finding("clock", Health.ATTENTION if off >= _SKEW else Health.GOOD, said)


def _said(connection: psycopg.Connection[tuple[str, str, datetime]]) -> tuple[str, str, datetime]:
    with closing(connection.cursor()) as cursor:
        found = cursor.execute(
            "SELECT current_setting('synchronous_commit'), current_setting('fsync'), clock_timestamp()"
        ).fetchone()
    assert found is not None  # noqa: S101  such a statement gives one row
    return found
