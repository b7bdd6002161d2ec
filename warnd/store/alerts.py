"""Admitting a message in one transaction: what is kept of it, and which alerts that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, literal, or_, select, update

from warnd.errors import Conflict, Fault
from warnd.model.admission import Admission, Earlier, Identity, Known
from warnd.model.alert import Alert, AlertState, Change, Parsed, Verdict
from warnd.model.alert_body import as_body
from warnd.model.color import Color, Lane
from warnd.model.meaning import differing, digest_of
from warnd.model.release import Hold, Person
from warnd.model.ulid import floor
from warnd.store import hints
from warnd.store.alarms import clear_about
from warnd.store.bearing import bearing_on
from warnd.store.database import raw_of
from warnd.store.findings import found, written
from warnd.store.journal import Entry
from warnd.store.statement import Statement
from warnd.store.tables import (
    Instant,
    alert_references,
    alert_regions,
    alerts,
    micros,
    raw_messages,
)


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A body as an authenticated source sent it; ``issuer`` is who did so by hand."""

    id: str
    source: str
    content_type: str
    body: bytes
    received: datetime
    issuer: Person | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that is on disk now. ``stopped`` are alerts that it ended."""

    id: str
    identifier: str
    state: AlertState
    verdict: Verdict
    change: Change
    lane: Lane
    color: Color | None
    hazard: str
    regions: tuple[str, ...]
    findings: tuple[Fault, ...]
    repeat: bool
    stopped: tuple[str, ...] = ()
    hold: Hold | None = None


def admit(
    connection: Connection,
    parsed: Parsed,
    raw: RawMessage,
    decide: Callable[[Known], Admission],
    *,
    id: str,
    policy_revision: str = "",
) -> tuple[Admitted, list[Entry]]:
    """
    Keep the raw bytes, decide, and keep what was decided; all in the caller's transaction.

    Raises Conflict when the same source said something else under the same identity.
    """
    known = bearing_on(connection, parsed.alert, source=raw.source)
    decision = decide(known)
    if decision.identity is Identity.CONFLICT:
        raise Conflict(
            f"{parsed.alert.identifier} of {parsed.alert.sender} sent {parsed.alert.sent.isoformat()} "
            "is here already with other content"
        )
    if decision.same is not None:
        return _repeated(connection, decision.alert, raw, decision.same, decision)
    keep_raw(connection, raw, decision.verdict, decision.findings, alert_id=id)
    stops = _live(connection, decision.supersedes)
    row = _row(decision, raw, id=id, digest=known.digest, policy_revision=policy_revision)
    connection.execute(insert(alerts), row | {"reading": as_reading(parsed)})
    _keep_parts(connection, id, decision.alert, decision.regions)
    join(connection, decision.joins, into=row["episode_id"])
    cleared = stop(connection, stops, state=decision.ending, at=raw.received, successor=id)
    if decision.state is AlertState.RELEASED:
        hints.plan_goes_on(raw_of(connection), id, decision.lane)
    alert = decision.alert
    facts = {"identifier": alert.identifier, "sender": alert.sender, "source": raw.source,
             "state": decision.state.value, "verdict": decision.verdict.value,
             "change": decision.change.value, "stops": stops, "joins": list(decision.joins)}  # fmt: skip
    admitted = Admitted(
        id, alert.identifier, decision.state, decision.verdict, decision.change, decision.lane, alert.color,
        alert.hazard, tuple(decision.regions), decision.findings, repeat=False, stopped=tuple(stops),
        hold=decision.hold,
    )  # fmt: skip
    actor = raw.issuer.name if raw.issuer is not None else raw.source
    return admitted, [Entry(micros(raw.received), "alert.admitted", id, facts, actor), *cleared]


def keep_anew(
    connection: Connection, id: str, decision: Admission, *, at: datetime, policy_revision: str
) -> tuple[list[str], list[Entry]]:
    """
    Keep what was decided of an alert that is here already, in place of what was; which alerts that stops.

    Its identity, raw message and digest stay: a repeat of what its source sent is one as before.
    """
    kept = connection.execute(select(alerts).where(alerts.c.id == id)).one()
    raw = RawMessage(kept.raw_id, kept.source, "", b"", kept.received_at)
    row = _row(decision, raw, id=id, digest=kept.digest, policy_revision=policy_revision)
    if row["swept"]:
        row["stopped_at"] = at
    connection.execute(update(alerts).where(alerts.c.id == id).values(**row))
    for part in (alert_references, alert_regions):
        connection.execute(delete(part).where(part.c.alert_id == id))
    _keep_parts(connection, id, decision.alert, decision.regions)
    join(connection, decision.joins, into=row["episode_id"])
    if decision.state is AlertState.RELEASED:
        hints.plan_goes_on(raw_of(connection), id, decision.lane)
    stops = _live(connection, decision.supersedes)
    return stops, stop(connection, stops, state=decision.ending, at=at, successor=id)


def as_reading(parsed: Parsed) -> dict[str, Any]:
    """What reading a message turned up, as the store keeps it."""
    return {
        "kind": parsed.kind,
        "warnings": written(parsed.warnings),
        "doubts": written(parsed.doubts),
    }


def _row(
    decision: Admission, raw: RawMessage, *, id: str, digest: str, policy_revision: str
) -> dict[str, Any]:
    alert = decision.alert
    held, issuer = decision.hold, raw.issuer
    over = decision.state in (AlertState.EXPIRED, AlertState.SUPERSEDED, AlertState.CANCELLED)
    return {
        "id": id,
        "episode_id": decision.episode_id or id,
        "sender": alert.sender,
        "identifier": alert.identifier,
        "sent": alert.sent,
        "source": raw.source,
        "received_at": raw.received,
        "state": decision.state.value,
        "verdict": decision.verdict.value,
        "findings": written(decision.findings),
        "status": alert.status.value,
        "type": alert.type.value,
        "hazard": alert.hazard,
        "color": alert.color.value if alert.color else None,
        "lane": decision.lane.value,
        "change": decision.change.value,
        "headline": alert.headline,
        "body": as_body(alert),
        "digest": digest,
        "raw_id": raw.id,
        "effective": alert.effective,
        "expires": alert.expires,
        "deliver_until": decision.deliver_until or alert.deliver_until,
        "policy_revision": policy_revision,
        "plan_done": decision.state is not AlertState.RELEASED,
        "stopped_at": raw.received if over else None,
        "swept": over,
        "hold_due": held.due if held else None,
        "hold_then": held.then.value if held else None,
        "issuer": issuer.name if issuer else None,
        "issuer_key": issuer.key_id if issuer else None,
        "successor_id": decision.overtaken_by,
    }


def keep_raw(
    connection: Connection,
    raw: RawMessage,
    verdict: Verdict,
    findings: Iterable[Fault],
    *,
    alert_id: str | None = None,
    same_as: str | None = None,
) -> None:
    """Keep what an authenticated source sent, whatever came of it; bytes that are here as ``same_as`` only once."""
    row = {
        "id": raw.id,
        "source": raw.source,
        "received_at": raw.received,
        "content_type": raw.content_type,
        "body": raw.body if same_as is None else b"",
        "verdict": verdict.value,
        "findings": written(findings),
        "alert_id": alert_id,
        "same_as": same_as,
    }
    connection.execute(insert(raw_messages), row)


def stop(
    connection: Connection, ids: Sequence[str], *, state: AlertState, at: datetime, successor: str | None
) -> list[Entry]:
    """
    Nothing more of these alerts leaves: one flag on each; their rows are marked later, in chunks.

    Of some the delivering had stopped by time already; they are over now too. Their alarms are over.
    """
    if not ids:
        return []
    connection.execute(
        update(alerts)
        .where(alerts.c.id.in_(ids))
        .values(
            state=state.value,
            stopped_at=func.coalesce(alerts.c.stopped_at, literal(at, Instant())),
            successor_id=successor,
        )
    )
    hints.alerts_stopped(raw_of(connection), ids)
    return clear_about(connection, ids, at)


def join(connection: Connection, episodes: Sequence[str], *, into: str) -> None:
    """Make one episode of several, from a message that refers to all of them."""
    if episodes:
        connection.execute(update(alerts).where(alerts.c.episode_id.in_(episodes)).values(episode_id=into))


def place(connection: Connection, id: str, codes: Sequence[str]) -> None:
    """Keep where an alert holds that was placed nowhere yet."""
    if codes:
        connection.execute(insert(alert_regions), [{"alert_id": id, "code": code} for code in codes])


def expire_due(connection: Connection, now: datetime) -> tuple[list[str], list[Entry]]:
    """
    Stop released alerts that are past their end, and the delivering of those past their time to deliver.

    An alert without ``expires`` stays in force until it is lifted: only its delivering stops.
    """
    due = and_(alerts.c.state == AlertState.RELEASED.value, alerts.c.deliver_until <= now)
    rows = connection.execute(
        select(alerts.c.id, alerts.c.expires, alerts.c.stopped_at).where(
            due, or_(alerts.c.stopped_at.is_(None), alerts.c.expires <= now)
        )
    ).all()
    over = [row.id for row in rows if row.expires is not None and row.expires <= now]
    stopping = [row.id for row in rows if row.stopped_at is None]
    if stopping:
        connection.execute(update(alerts).where(alerts.c.id.in_(stopping)).values(stopped_at=now))
        hints.alerts_stopped(raw_of(connection), stopping)
    if over:
        connection.execute(update(alerts).where(alerts.c.id.in_(over)).values(state=AlertState.EXPIRED.value))
    cleared = clear_about(connection, [row.id for row in rows], now)
    return stopping, [*(Entry(micros(now), "alert.expired", id_, {}) for id_ in stopping), *cleared]


_REDS = Statement("""
SELECT count(*) FROM (
    SELECT 1 FROM alerts INDEXED BY ix_alerts_reds
    WHERE source = ?1 AND color = 'red' AND id >= ?2 AND status = 'actual' AND change <> 'lifted' LIMIT 1000) latest
""")


def reds_since(connection: Connection, source: str, since: datetime) -> int:
    """How many actual red warnings of a source came in since then (1000 are all), whatever became of them; no ends."""
    (reds,) = raw_of(connection).execute(_REDS, (source, floor(since))).fetchone()
    return int(reds)


def _repeated(
    connection: Connection, alert: Alert, raw: RawMessage, same: Earlier, decision: Admission
) -> tuple[Admitted, list[Entry]]:
    """A repeat changes nothing; where it differs, that is noted once for each source and way of differing."""
    row = connection.execute(select(alerts).where(alerts.c.id == same.id)).one()
    findings = list(found(row.findings))
    entries = []
    said = as_body(alert)
    if same.digest == digest_of(alert):
        # What it leaves to its episode was filled in when it came first.
        # What a person mended since is no other word of the source's either.
        said |= {
            key: row.body[key] for key in ("color", "hazard", "references", "areas", "effective", "expires")
        }
    keys = differing(row.body, said)
    first = select(raw_messages.c.id).where(raw_messages.c.id == row.raw_id, raw_messages.c.body == raw.body)
    differs = Fault("", "differs", f"{raw.source} sent it with another {', '.join(keys)}")
    remarks = decision.findings or ([differs] if keys else [_REPEAT])
    same_as = connection.execute(first).scalar()
    keep_raw(connection, raw, Verdict(row.verdict), remarks, alert_id=same.id, same_as=same_as)
    if keys and differs not in findings:
        findings.append(differs)
        noted = written(findings)
        connection.execute(update(alerts).where(alerts.c.id == same.id).values(findings=noted))
        facts = {"source": raw.source, "raw": raw.id, "keys": keys}
        entries.append(Entry(micros(raw.received), "alert.differed", same.id, facts, raw.source))
    admitted = Admitted(
        same.id, row.identifier, AlertState(row.state), Verdict(row.verdict), Change(row.change), Lane(row.lane),
        same.color, row.hazard, tuple(sorted(same.regions)), tuple(findings), repeat=True,
    )  # fmt: skip
    return admitted, entries


def _live(connection: Connection, ids: Sequence[str]) -> list[str]:
    """The released ones; delivering of some may have stopped by time, they are superseded all the same."""
    if not ids:
        return []
    live = connection.execute(
        select(alerts.c.id).where(alerts.c.id.in_(ids), alerts.c.state == AlertState.RELEASED.value)
    )
    return list(live.scalars())


def _keep_parts(connection: Connection, id: str, alert: Alert, codes: Sequence[str]) -> None:
    references = {(one.sender, one.identifier) for one in alert.references}
    if references:
        connection.execute(
            insert(alert_references),
            [{"alert_id": id, "sender": sender, "identifier": ident} for sender, ident in sorted(references)],
        )
    place(connection, id, codes)


_REPEAT = Fault("", "repeat", "the same warning is here already")
