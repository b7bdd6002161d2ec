"""What a person does to a broadcast, from whichever door: issue, release, reject, stop, tell again."""

from __future__ import annotations

from warnd.app.core import App
from warnd.errors import Conflict, SamePerson
from warnd.intake.issue import completed
from warnd.model.admission import Admission
from warnd.model.alert import AlertState
from warnd.model.release import Person
from warnd.pipeline.admit import Speaker
from warnd.pipeline.forecast import Forecast
from warnd.store import approval_links, releasing, resending
from warnd.store.alerts import Admitted
from warnd.store.approval_links import ApprovalLink
from warnd.store.journal import Entry
from warnd.store.releasing import Decided
from warnd.store.resending import Resend


async def issue(app: App, body: bytes, *, by: Person) -> Admitted:
    """
    Take in a warning issued by hand, to be held for a second person.

    Raises InvalidAlert, also for what a feed would have quarantined; Conflict where nothing is issued by hand.
    """
    speaker, message = _by_hand(app, body)
    return await app.intake.receive(message, "application/json", speaker, issuer=by)


async def try_issuing(app: App, body: bytes) -> tuple[Admission, Forecast]:
    """Whom it would tell once released; nothing is kept. Raises the same."""
    speaker, message = _by_hand(app, body)
    return await app.intake.forecast(message, "application/json", speaker)


def _by_hand(app: App, body: bytes) -> tuple[Speaker, bytes]:
    issue = app.settings.issue
    if app.hand is None or issue.sender is None:
        raise Conflict("nothing is issued by hand here: the configuration sets no issue.sender")
    message = completed(
        body, sender=issue.sender, sender_name=issue.sender_name, ulid=app.new_id(), now=app.now()
    )
    return app.hand, message


async def approve(app: App, alert_id: str, *, by: Person) -> Decided:
    """
    Release a held alert and begin to tell people. Raises NotFound and Conflict.

    Raises SamePerson, which the journal notes, when it was issued by whoever approves.
    """
    try:
        decided = await app.store.record(releasing.approve, alert_id, by=by, now=app.now())
    except SamePerson as error:
        await _note_refusal(app, alert_id, by, error)
        raise
    act_on(app, decided)
    return decided


async def mint_link(app: App, alert_id: str, *, name: str, by: Person) -> tuple[str, ApprovalLink]:
    """
    A token by which that person may decide, once. Raises NotFound and Conflict.

    Raises SamePerson, which the journal notes, when its issuer mints it or would get it.
    """
    try:
        return await app.store.record(approval_links.mint, alert_id, name=name, by=by, now=app.now())
    except SamePerson as error:
        await _note_refusal(app, alert_id, by, error)
        raise


async def decide_by_link(app: App, token: str, *, release: bool, reason: str) -> Decided:
    """Release or reject as the person the link is for. Raises NotFound when it opens nothing, and Conflict."""
    decided = await app.store.record(
        approval_links.follow, token, release=release, reason=reason, now=app.now()
    )
    act_on(app, decided)
    return decided


def act_on(app: App, decided: Decided) -> None:
    """What is on disk takes effect: what it ends stops, and people are told of what it releases."""
    app.in_force.stop(decided.stopped)
    if decided.state is AlertState.RELEASED:
        app.planning.plan(decided.id, decided.lane)


async def _note_refusal(app: App, alert_id: str, by: Person, error: SamePerson) -> None:
    refused = Entry(app.clock(), "alert.approval_refused", alert_id, {"reason": str(error)}, by.name)
    await app.store.record(lambda _: (None, [refused]))


async def reject(app: App, alert_id: str, *, by: str, reason: str = "") -> Decided:
    """Nobody is told of what is held or quarantined. Raises NotFound and Conflict."""
    return await app.store.record(releasing.reject, alert_id, by=by, reason=reason, now=app.now())


async def cancel(app: App, alert_id: str, *, by: str, reason: str = "") -> Decided:
    """Stop what is unsent; tells nobody. Raises NotFound and Conflict."""
    decided = await app.store.record(releasing.cancel, alert_id, by=by, reason=reason, now=app.now())
    act_on(app, decided)
    return decided


async def resend(app: App, request: Resend, *, by: str) -> tuple[int, int]:
    """
    Plan a new round of what did not get through; its number, and how many deliveries it has.

    They leave as soon as a daemon runs. Raises NotFound, Invalid and Conflict.
    """
    round_ = await app.store.read(resending.next_round, request, now=app.now())
    total, after = 0, ""
    while chosen := await app.store.read(resending.select_for_resend, request, round_, after):
        # Looked for by a reader: a walk through a million rows must not hold up the writer.
        ids = app.new_ids(len(chosen))
        total += await app.store.move(
            resending.resend, request, round_, chosen, now=app.now(), ids=ids, actor=by
        )
        after = chosen[-1]
    return round_, total
