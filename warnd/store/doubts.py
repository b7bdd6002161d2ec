"""Whether it is still in doubt that people got an alert: deliveries that stayed unknown, and were not told again since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from warnd.model.ulid import floor, made_at
from warnd.store.database import raw_of
from warnd.store.journal import Entry
from warnd.store.resending import resent
from warnd.store.statement import Statement
from warnd.store.tables import alarms, micros

KIND = "unknown_outcome"
"""Of the alarm, whose subject is the alert."""

_UNKNOWN = Statement("SELECT coalesce(sum(n), 0) FROM tallies WHERE alert_id = ? AND state = 'unknown'")

_ANSWERED = "'accepted', 'delivered', 'undelivered', 'failed', 'unknown'"
"""What a later round has come to once somebody knows more of the address by it, or is in doubt by it alone."""

_CLOCKS_APART = timedelta(days=1)
"""At most: who plans may be behind who took the alert in, and ids of deliveries have the time by its clock."""

_LEFT = Statement(f"""
SELECT 1 FROM deliveries d INDEXED BY ix_deliveries_notable
WHERE d.state = 'unknown' AND d.state NOT IN ('queued', 'accepted', 'delivered') AND d.id >= ?2 AND d.alert_id = ?1
    AND NOT EXISTS (SELECT 1 FROM deliveries n
                    WHERE n.address = d.address AND n.channel = d.channel AND n.alert_id /*+ || '' */ = d.alert_id
                        AND n.round > d.round AND n.state IN ({_ANSWERED}))
LIMIT 1
""")


def settled(connection: Connection, before: datetime) -> list[str]:
    """Alerts of which an alarm stands that was last sounded ``before``, and of which nothing is in doubt any more."""
    asked = select(alarms.c.subject).where(
        alarms.c.kind == KIND, alarms.c.cleared_at.is_(None), alarms.c.latest < before
    )
    return [alert for alert in connection.execute(asked).scalars() if not in_doubt(connection, alert)]


def in_doubt(connection: Connection, alert_id: str) -> bool:
    """Whether anybody's last round is unknown, or has yet to bring an answer for one that was."""
    raw = raw_of(connection)
    unknown = raw.execute(_UNKNOWN, (alert_id,)).fetchone()[0]
    if unknown == 0:
        return False
    if unknown > resent(connection, alert_id):
        return True  # fewer were told again than are unknown
    return raw.execute(_LEFT, (alert_id, floor(made_at(alert_id) - _CLOCKS_APART))).fetchone() is not None


def end(
    connection: Connection, alert_ids: Sequence[str], before: datetime, now: datetime
) -> tuple[None, list[Entry]]:
    """
    End the alarms about these alerts, which were ``settled``, but for those sounded since ``before``.

    What became doubtful meanwhile is sounded after its commit, hence after this one: as a new alarm.
    """
    over = connection.execute(
        update(alarms)
        .where(
            alarms.c.kind == KIND,
            alarms.c.subject.in_(alert_ids),
            alarms.c.cleared_at.is_(None),
            alarms.c.latest < before,
        )
        .values(cleared_at=now)
        .returning(alarms.c.id)
    )
    return None, [Entry(micros(now), "alarm.cleared", id_, {"kind": KIND}) for id_ in over.scalars()]
