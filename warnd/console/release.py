"""The page that a link opens for the second person: what waits, whom it would tell, and two buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from warnd.app import App, acts
from warnd.app.phrases import Phrases
from warnd.console.pages import Desk, head
from warnd.console.views import AlertHead
from warnd.errors import Conflict
from warnd.model.region import Level
from warnd.model.release import Then
from warnd.pipeline.forecast import Forecast
from warnd.store import approval_links
from warnd.store.alert_views import get_alert
from warnd.store.approval_links import ApprovalLink

LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as people read it: until when, what then happens, by whom issued, and whom a release would tell."""

    due: datetime
    then: Then
    issuer: str
    targeted: int
    told_before: int
    delayed: int
    by_channel: Sequence[tuple[str, int]]
    by_level: Sequence[tuple[str, int]]
    not_told: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """All that the second person decides on. ``approver`` is for whom the link was made."""

    alert: AlertHead
    description: str
    instruction: str
    approver: str
    held: Held


async def held(app: App, say: Phrases, alert_id: str) -> Held | None:
    """How one alert waits; None when it does not, or no longer. Raises NotFound."""
    view = await app.store.read(get_alert, alert_id)
    hold = view.alert.hold
    if hold is None:
        return None
    try:
        found = await app.foresight.of_held(alert_id, app.now())
    except Conflict:
        return None  # decided since
    return Held(
        due=hold.due,
        then=hold.then,
        issuer=view.alert.issuer or "",
        targeted=found.targeted,
        told_before=found.told_before,
        delayed=found.delayed,
        by_channel=sorted(found.by_channel.items()),
        by_level=_levels(found, say),
        not_told=_counted(found.by_reason, say),
    )


async def page(app: App, desk: Desk, token: str) -> ReleasePage | None:
    """What the link opens; None when it opens nothing (any more). Looking uses nothing up."""
    link = await app.store.read(approval_links.find, token, now=app.now())
    if link is None:
        return None
    waiting = await held(app, desk.say, link.alert_id)
    return None if waiting is None else await app.store.read(partial(_page, desk, link, waiting))


async def follow(app: App, token: str, form: Mapping[str, object]) -> bool:
    """
    Do as the button says, as the person the link is for; whether people are told now.

    Raises NotFound, Conflict, and ValueError for a form that is not ours.
    """
    decision, reason = form.get("decision"), form.get("reason", "")
    if decision not in ("release", "reject") or not isinstance(reason, str) or len(reason) > LONGEST_REASON:
        raise ValueError("the form names one of two decisions")
    await acts.decide_by_link(app, token, release=decision == "release", reason=reason.strip())
    return decision == "release"


def _page(desk: Desk, link: ApprovalLink, waiting: Held, connection: Connection) -> ReleasePage:
    view = get_alert(connection, link.alert_id)
    return ReleasePage(
        head(connection, desk, view), view.body["description"], view.body["instruction"], link.name, waiting
    )


def _levels(found: Forecast, say: Phrases) -> list[tuple[str, int]]:
    """From province to village."""
    return [
        (say(f"levels.{level.value}"), found.by_level[level.name.lower()])
        for level in Level
        if level.name.lower() in found.by_level
    ]


def _counted(by_reason: Mapping[str, int], say: Phrases) -> list[tuple[str, int]]:
    return [(say.word("whys", why), n) for why, n in sorted(by_reason.items())]
