"""Alerts, deliveries and alarms as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from warnd.app.receiving import Received, Taken
from warnd.app.showing import shown_address
from warnd.errors import Conflict, Fault, InvalidAlert, TooMany
from warnd.model.admission import Admission
from warnd.model.alert import Verdict
from warnd.model.release import Hold
from warnd.pipeline.forecast import Forecast
from warnd.settings import Settings, SourceSettings
from warnd.settings.values import hold_rules
from warnd.store.alarms import Alarm
from warnd.store.alert_views import AlertRow, AlertView, LevelCoverage, Progress
from warnd.store.alerts import Admitted
from warnd.store.deliveries import DeliveryRow
from warnd.store.delivery_story import DeliveryStory
from warnd.store.mending import Mended
from warnd.store.messages import MessageRow


def admitted_view(admitted: Admitted) -> dict[str, Any]:
    """The answer to a message that was taken in."""
    view: dict[str, Any] = {
        "id": admitted.id,
        "identifier": admitted.identifier,
        "state": admitted.state.value,
        "verdict": admitted.verdict.value,
        "color": admitted.color.value if admitted.color else None,
        "hazard": admitted.hazard,
        "warnings": [fault_view(one) for one in admitted.findings],
    }
    if admitted.hold is not None:
        view["hold"] = hold_view(admitted.hold)
    return view | {"repeat": True} if admitted.repeat else view


_STATUSES: Mapping[type, int] = {InvalidAlert: 422, Conflict: 409, TooMany: 429}


def received_view(received: Received) -> dict[str, Any]:
    """The answer to a body of several messages: for each what it would have been answered alone, and its path."""
    return {
        "items": [_taken_view(one) for one in received.messages],
        "warnings": [fault_view(one) for one in received.warnings],
    }


def _taken_view(taken: Taken) -> dict[str, Any]:
    if isinstance(taken.result, Admitted):
        status = 200 if taken.result.repeat else 202
        return {"path": taken.path, "status": status} | admitted_view(taken.result)
    return {
        "path": taken.path,
        "status": _STATUSES[type(taken.result)],
        "verdict": Verdict.REFUSE.value,
        "errors": [fault_view(one) for one in faults_of(taken)],
    }


def faults_of(taken: Taken) -> Sequence[Fault]:
    """Why a message was not taken in; empty if it was."""
    match taken.result:
        case InvalidAlert(faults=faults):
            return faults
        case Conflict() as conflict:
            return [Fault("", "conflict", str(conflict))]
        case TooMany() as too_many:
            return [Fault("", "too_many", str(too_many))]
        case Admitted():
            return []


def forecast_view(admission: Admission, forecast: Forecast) -> dict[str, Any]:
    """The answer to a dry run."""
    return {
        "state": admission.state.value,
        "verdict": admission.verdict.value,
        "hold": hold_view(admission.hold),
        **counts_view(forecast),
        "warnings": [fault_view(one) for one in admission.findings],
    }


def counts_view(forecast: Forecast) -> dict[str, Any]:
    """Whom a release would tell."""
    return {
        "targeted": forecast.targeted,
        "suppressed": forecast.suppressed,
        "by_channel": dict(forecast.by_channel),
        "by_level": dict(forecast.by_level),
        "by_reason": dict(forecast.by_reason),
        "told_before": forecast.told_before,
        "delayed": forecast.delayed,
    }


def hold_view(hold: Hold | None) -> dict[str, str] | None:
    """When a wait is over by itself, and what then happens."""
    return None if hold is None else {"due": hold.due.isoformat(), "then": hold.then.value}


def alert_view(alert: AlertRow) -> dict[str, Any]:
    return {
        "id": alert.id,
        "episode": alert.episode_id,
        "identifier": alert.identifier,
        "sender": alert.sender,
        "source": alert.source,
        "sent": alert.sent.isoformat(),
        "received_at": alert.received_at.isoformat(),
        "state": alert.state.value,
        "verdict": alert.verdict.value,
        "status": alert.status.value,
        "type": alert.type.value,
        "change": alert.change.value,
        "hazard": alert.hazard,
        "color": alert.color.value if alert.color else None,
        "headline": alert.headline,
        "effective": _time(alert.effective),
        "expires": _time(alert.expires),
        "deliver_until": alert.deliver_until.isoformat(),
        "stopped_at": _time(alert.stopped_at),
        "successor": alert.successor_id,
        "hold": hold_view(alert.hold),
        "issuer": alert.issuer,
    }


def whole_alert_view(view: AlertView, progress: Progress) -> dict[str, Any]:
    return {
        **alert_view(view.alert),
        **progress_view(progress),
        "forgotten": view.forgotten.isoformat() if view.forgotten else None,
        "warnings": [fault_view(one) for one in view.findings],
        "regions": [{"code": region.code, "name": region.name} for region in view.regions],
        "history": [alert_view(other) for other in view.episode],
        "doubts": [fault_view(one.finding) | {"remedy": one.remedy} for one in view.doubts],
        "mends": [mended_view(one) for one in view.mends],
        "message": dict(view.body),
    }


def mended_view(mended: Mended) -> dict[str, Any]:
    return {
        "at": mended.at.isoformat(),
        "by": mended.by,
        "reason": mended.reason,
        "changes": {name: {"from": old, "to": new} for name, (old, new) in mended.changes.items()},
        "overridden": list(mended.overridden),
        "state": mended.state.value,
    }


def message_view(message: MessageRow) -> dict[str, Any]:
    """A message as it came, without its bytes."""
    return {
        "id": message.id,
        "source": message.source,
        "received_at": message.received_at.isoformat(),
        "content_type": message.content_type,
        "size": message.size,
        "verdict": message.verdict.value,
        "alert": message.alert_id,
        "findings": [fault_view(one) for one in message.findings],
    }


def progress_view(progress: Progress) -> dict[str, Any]:
    return {
        "deliveries": dict(progress.counts),
        "by_channel": {channel: dict(counts) for channel, counts in progress.by_channel.items()},
        "resent": progress.resent,
        "progress": {"planned": progress.planned, "of": progress.plan_of, "done": progress.plan_done},
        "settled": progress.settled,
    }


def coverage_view(level: LevelCoverage) -> dict[str, Any]:
    return {
        "level": level.level.name.lower(),
        "divisions": level.divisions,
        "with_told": level.with_told,
        "without_anybody": level.without_anybody,
        "deliveries": dict(level.deliveries),
    }


def delivery_view(delivery: DeliveryRow) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "alert": delivery.alert_id,
        "headline": delivery.headline,
        "color": delivery.color,
        "channel": delivery.channel,
        "address": shown_address(delivery.address),
        "name": delivery.name,
        "region": delivery.region,
        "round": delivery.round,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "detail": delivery.detail,
        "told": delivery.told,
        "attempts": delivery.attempts,
        "planned": delivery.planned.isoformat(),
        "updated": delivery.updated.isoformat(),
        "possible_repeat": delivery.possible_repeat,
    }


def story_view(story: DeliveryStory) -> dict[str, Any]:
    return {
        **delivery_view(story.delivery),
        "alert_state": story.alert_state.value if story.alert_state else None,
        "policy_revision": story.policy_revision,
        "content": asdict(story.words) if story.words else None,
        "recipients": [asdict(person) for person in story.people],
        "stands_by_for": list(story.instead_of),
        "fallbacks": list(story.next),
        "rounds": list(story.rounds),
        "timeline": [
            {"at": event.at.isoformat(), "kind": event.kind, "facts": dict(event.facts)}
            for event in story.events
        ],
    }


def source_view(source: SourceSettings, settings: Settings) -> dict[str, Any]:
    """``hold`` says of each color how long it waits, in seconds; null for a source that releases at once."""
    rules = hold_rules(source.hold, settings.release.hold)
    waits = {color.value: {"after": rules[color].after.total_seconds(), "then": rules[color].then.value}
             for color in source.colors}  # fmt: skip
    return {
        "name": source.name,
        "regions": list(source.regions),
        "hazards": list(source.hazards),
        "colors": [color.value for color in source.colors],
        "official": source.official,
        "hold": None if source.official else waits,
        "signs": source.hmac_secret is not None,
        "rate": None if source.rate is None else f"{source.rate.tokens:g} in {source.rate.seconds:g} s",
    }


def alarm_view(alarm: Alarm) -> dict[str, Any]:
    return asdict(alarm)


def fault_view(fault: Fault) -> dict[str, str]:
    return {"path": fault.path, "code": fault.code, "message": fault.message}


def _time(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
