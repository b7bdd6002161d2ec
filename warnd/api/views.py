"""Alerts, deliveries and alarms as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from warnd.app.showing import shown_address
from warnd.errors import Fault
from warnd.model.admission import Admission
from warnd.pipeline.forecast import Forecast
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
    return view | {"repeat": True} if admitted.repeat else view


def forecast_view(admission: Admission, forecast: Forecast) -> dict[str, Any]:
    """The answer to a dry run."""
    return {
        "state": admission.state.value,
        "verdict": admission.verdict.value,
        "targeted": forecast.targeted,
        "suppressed": forecast.suppressed,
        "by_channel": dict(forecast.by_channel),
        "by_level": dict(forecast.by_level),
        "by_reason": dict(forecast.by_reason),
        "warnings": [fault_view(one) for one in admission.findings],
    }


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
    }


def whole_alert_view(view: AlertView, progress: Progress) -> dict[str, Any]:
    return {
        **alert_view(view.alert),
        **progress_view(progress),
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
        "possible_repeat": story.possible_repeat,
        "timeline": [
            {"at": event.at.isoformat(), "kind": event.kind, "facts": dict(event.facts)}
            for event in story.events
        ],
    }


def alarm_view(alarm: Alarm) -> dict[str, Any]:
    return asdict(alarm)


def fault_view(fault: Fault) -> dict[str, str]:
    return {"path": fault.path, "code": fault.code, "message": fault.message}


def _time(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
