"""What a person does to a broadcast, from whichever door: release, reject, stop, tell again."""

from __future__ import annotations

from warnd.app.core import App
from warnd.errors import SamePerson
from warnd.model.release import Person
from warnd.store import releasing, resending
from warnd.store.journal import Entry
from warnd.store.releasing import Decided
from warnd.store.resending import Resend


async def approve(app: App, alert_id: str, *, by: Person) -> Decided:
    """
    Release a held alert and begin to tell people. Raises NotFound and Conflict.

    Raises SamePerson, which the journal notes, when it was issued by whoever approves.
    """
    try:
        decided = await app.store.record(releasing.approve, alert_id, by=by, now=app.now())
    except SamePerson as error:
        refused = Entry(app.clock(), "alert.approval_refused", alert_id, {"reason": str(error)}, by.name)
        await app.store.record(lambda _: (None, [refused]))
        raise
    app.in_force.stop(dict.fromkeys(decided.stopped, app.clock()))
    app.plan(alert_id, decided.lane)
    return decided


async def reject(app: App, alert_id: str, *, by: str, reason: str = "") -> Decided:
    """Nobody is told of what is held or quarantined. Raises NotFound and Conflict."""
    return await app.store.record(releasing.reject, alert_id, by=by, reason=reason, now=app.now())


async def cancel(app: App, alert_id: str, *, by: str, reason: str = "") -> Decided:
    """Stop what is unsent; tells nobody. Raises NotFound and Conflict."""
    decided = await app.store.record(releasing.cancel, alert_id, by=by, reason=reason, now=app.now())
    app.in_force.stop(dict.fromkeys(decided.stopped, app.clock()))
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
