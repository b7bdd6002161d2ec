"""What ``warnd doctor`` looks at where processes share something: a PostgreSQL database, and Redis beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy.exc import DBAPIError

from warnd.cli.finding import Finding, Health
from warnd.pipeline.lease import lent_for
from warnd.queue.redis.link import Address, Away, asked, keeps, version_of
from warnd.queue.redis.link import faults as unfit
from warnd.store.database import said_by
from warnd.store.postgres_connection import Place, Session, faults, named

_SKEW = timedelta(seconds=2)
"""Between this machine and the store's, from which on leases of several machines are judged differently."""
_TOO_MUCH = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)


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
    yield skew(clock - now, "the store's")


async def queue(address: Address) -> list[Finding]:
    """Whether the Redis does what warnd relies on, and what time it has."""
    try:
        info, clock = await asked(address)
    except Away as away:
        return [Finding("queue", Health.FAILED, f"{address.url}: {away}")]
    if found := unfit(info):
        return [Finding("queue", Health.FAILED, f"{address.url}: {'; '.join(found)}")]
    said = f"{address.url}: {' '.join(version_of(info))}, noeviction"
    if keeps(info):
        server = Finding("queue", Health.GOOD, f"{said}, append-only")
    else:
        server = Finding(
            "queue",
            Health.ATTENTION,
            f"{said}; appendonly is off, so that all begins anew when it is restarted",
        )
    return [server, skew(clock - datetime.now(UTC), "that of Redis")]


def leases(channels: Mapping[str, timedelta]) -> Finding:
    """Whether a batch is lent out for longer than each channel's ``send`` may take, or another could send it meanwhile."""
    short = [name for name, timeout in channels.items() if lent_for(timeout) <= timeout // _MICROSECOND]
    if short:
        return Finding("leases", Health.FAILED, f"shorter than the time-out of {', '.join(short)}")
    longest = max((lent_for(timeout) for timeout in channels.values()), default=0)
    return Finding(
        "leases", Health.GOOD, f"longer than each channel's time-out, {longest / 1e6:g} s at the most"
    )


def skew(ahead: timedelta, whose: str) -> Finding:
    """How far a server's clock is ahead of this machine's: an alert's end and a lease's must mean the same to all."""
    off = abs(ahead)
    said = f"{whose} is {off.total_seconds():.1f} s {'ahead' if ahead > timedelta() else 'behind'}"
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
