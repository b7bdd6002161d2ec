"""The life of an episode in the store: what is found, what is kept once, what a release looks up anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.conftest import NOW, on_both_stores
from warnd.app import App, acts
from warnd.errors import Conflict
from warnd.model.alert import Alert, AlertState, AlertType, Area, Change, Parsed, Reference, Status, Text
from warnd.model.color import Color
from warnd.model.release import Person
from warnd.pipeline.admit import Speaker
from warnd.store import alerts, backlog
from warnd.store.alerts import Admitted, RawMessage
from warnd.store.database import raw_of
from warnd.store.statement import statement

pytestmark = on_both_stores

NATIONAL = "62120241600000_20260714075500"
WEATHER, FEED = Speaker("weather"), Speaker("feed")
BY_HAND = Speaker("village", official=False)


def warning(identifier: str, **changes: Any) -> Alert:
    made = Alert(
        identifier, "weather.example", NOW, Status.ACTUAL, AlertType.ALERT, "rainstorm", Color.YELLOW,
        {"zh": Text("暴雨黄色预警", "预计有强降雨。")}, areas=(Area("武都区", ("621202",)),),
    )  # fmt: skip
    return replace(made, **changes)


async def come(app: App, alert: Alert, speaker: Speaker = WEATHER) -> Admitted:
    raw = RawMessage(app.new_id(), speaker.name, "", b"", app.now())
    return await app.intake.admit(Parsed(alert, "test"), raw, speaker)


async def rows(app: App, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    def ask(connection: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in raw_of(connection).execute(statement(sql), values)]

    return await app.store.read(ask)


async def state_of(app: App, id: str) -> str:
    return str((await rows(app, "SELECT state FROM alerts WHERE id = ?", id))[0][0])


async def test_a_reference_without_a_sender_finds_its_warning(app: App) -> None:
    """The national format names nothing but the identifier."""
    first = await come(app, warning("A"))
    update = warning(
        "B", type=AlertType.UPDATE, references=(Reference("", "A"),), sent=NOW + timedelta(minutes=1)
    )
    second = await come(app, replace(update, color=Color.RED))
    assert (second.change, second.stopped) == (Change.RAISED, (first.id,))


async def test_a_reference_without_a_sender_finds_its_warning_when_that_comes_later(app: App) -> None:
    """The other way round."""
    await come(app, warning("B", type=AlertType.CANCEL, references=(Reference("", "A"),)))
    assert (await come(app, warning("A"))).state is AlertState.CANCELLED


async def test_what_a_second_feed_says_otherwise_is_noted_once(app: App) -> None:
    """On the alert, where an operator looks, and in the journal; a feed that is polled fills neither."""
    first = await come(app, warning(NATIONAL))
    other = warning(NATIONAL, sender="feed.example", texts={"zh": Text("暴雨黄色预警", "预计有大雨。")})
    answers = [await come(app, other, FEED) for _ in range(3)]
    assert {(one.id, one.repeat) for one in answers} == {(first.id, True)}
    assert [one.code for one in answers[-1].findings] == ["differs"]
    assert "description" in answers[-1].findings[0].message
    noted = await rows(
        app, "SELECT actor FROM journal WHERE kind = 'alert.differed' AND subject = ?", first.id
    )
    assert noted == [("feed",)]


async def test_a_repeat_that_leaves_things_to_its_episode_is_no_difference(app: App) -> None:
    """A cancel says neither color nor hazard; both were filled in when it came first."""
    await come(app, warning("A", color=Color.ORANGE))
    end = warning("B", type=AlertType.CANCEL, references=(Reference("weather.example", "A"),), hazard="other")
    end = replace(end, color=None, sent=NOW + timedelta(minutes=1))
    first = await come(app, end)
    again = await come(app, end)
    assert (again.id, again.repeat, again.findings) == (first.id, True, ())


async def test_who_may_speak_does_not_wait_for_who_may_not(app: App) -> None:
    """The same words by an official source go out; those that wait can be approved no more."""
    held = await come(app, warning("A"), BY_HAND)
    out = await come(app, warning("A"))
    assert (held.state, out.state, out.repeat) == (AlertState.HELD, AlertState.RELEASED, False)
    with pytest.raises(Conflict):
        await acts.approve(app, held.id, by=Person("chief"))
    again = await come(app, warning("A"))
    assert (again.id, again.repeat) == (out.id, True)


async def test_what_is_held_is_approved_against_what_is_in_force_then(app: App) -> None:
    """It said lowered when it came; by now there is something else to change."""
    await come(app, warning("A", color=Color.ORANGE), BY_HAND)
    refer = (Reference("weather.example", "A"),)
    update = warning("B", type=AlertType.UPDATE, references=refer, sent=NOW + timedelta(minutes=2))
    held = await come(app, update, BY_HAND)
    between = replace(update, identifier="C", sent=NOW + timedelta(minutes=1), color=Color.BLUE)
    released = await come(app, between)
    assert (await acts.approve(app, held.id, by=Person("chief"))).stopped == (released.id,)
    assert await rows(app, "SELECT change FROM alerts WHERE id = ?", held.id) == [("raised",)]


async def test_an_end_approved_when_all_is_over_is_kept(app: App) -> None:
    """Nobody hears of it twice, and nobody who never heard of the warning hears of its end."""
    refer = (Reference("weather.example", "A"),)
    held = await come(app, warning("B", type=AlertType.CANCEL, references=refer), BY_HAND)
    assert held.state is AlertState.HELD
    assert (await acts.approve(app, held.id, by=Person("chief"))).state is AlertState.KEPT


async def test_what_is_held_joins_no_episodes(app: App) -> None:
    """Only what is released makes one of two; then the whole of both."""
    first, second = await come(app, warning("A")), await come(app, warning("B"))
    both = (Reference("weather.example", "A"), Reference("weather.example", "B"))
    update = warning("C", type=AlertType.UPDATE, references=both, sent=NOW + timedelta(minutes=1))
    held = await come(app, update, BY_HAND)
    assert len(await rows(app, "SELECT DISTINCT episode_id FROM alerts")) == 2
    decided = await acts.approve(app, held.id, by=Person("chief"))
    assert set(decided.stopped) == {first.id, second.id}
    assert len(await rows(app, "SELECT DISTINCT episode_id FROM alerts")) == 1


async def test_a_warning_without_an_end_is_superseded_long_after_it_was_last_delivered(app: App) -> None:
    """Its delivering stopped after a day; it stayed in force."""
    first = await come(app, warning("A"))
    await app.store.record(alerts.expire_due, NOW + timedelta(hours=25))
    assert await state_of(app, first.id) == "released"
    refer = (Reference("weather.example", "A"),)
    await come(app, warning("B", type=AlertType.UPDATE, references=refer, sent=NOW + timedelta(minutes=1)))
    assert await state_of(app, first.id) == "superseded"


async def test_an_approved_end_leaves_others_warnings_alone(app: App) -> None:
    """It was taken in for the one that it may speak for; whoever approves it, or a time-out, extends that to nothing."""
    other = await come(app, warning("O", sender="other.example", color=Color.RED), Speaker("other"))
    own = await come(app, warning("A"), BY_HAND)
    await acts.approve(app, own.id, by=Person("chief"))
    refer = (Reference("weather.example", "A"), Reference("other.example", "O"))
    end = warning("C", type=AlertType.CANCEL, references=refer, sent=NOW + timedelta(minutes=1))
    held = await come(app, end, BY_HAND)
    assert (await acts.approve(app, held.id, by=Person("chief"))).stopped == (own.id,)
    assert await state_of(app, other.id) == "released"
    assert len(await rows(app, "SELECT DISTINCT episode_id FROM alerts")) == 2


async def test_an_end_held_before_its_warning_came_is_a_strangers_still(app: App) -> None:
    """While it waited nobody could tell that it speaks for another's; released, it would end an official red."""
    refer = (Reference("other.example", "O"),)
    held = await come(app, warning("C", type=AlertType.CANCEL, references=refer), BY_HAND)
    other = await come(app, warning("O", sender="other.example", color=Color.RED), Speaker("other"))
    with pytest.raises(Conflict, match="may speak for"):
        await acts.approve(app, held.id, by=Person("chief"))
    assert [await state_of(app, one.id) for one in (held, other)] == ["held", "released"]


async def test_an_end_that_waited_for_its_warning_says_what_it_ends(app: App) -> None:
    """It left color, hazard and place to a warning that came later: without a color nobody would be told of the end."""
    refer = (Reference("weather.example", "A"),)
    end = warning("C", type=AlertType.CANCEL, references=refer, hazard="other", areas=())
    held = await come(app, replace(end, color=None, sent=NOW + timedelta(minutes=1)), BY_HAND)
    first = await come(app, warning("A"))
    assert (await acts.approve(app, held.id, by=Person("chief"))).stopped == (first.id,)
    said = await rows(app, "SELECT color, hazard, body ->> 'color' FROM alerts WHERE id = ?", held.id)
    assert said == [("yellow", "rainstorm", "yellow")]
    assert await rows(app, "SELECT code FROM alert_regions WHERE alert_id = ?", held.id) == [("621202",)]


async def test_what_is_swept_first_is_the_most_urgent(app: App) -> None:
    """Whoever watches a red that was lifted sees it lifted before a blue that ended earlier."""
    blue, red = (
        await come(app, warning("A", color=Color.BLUE)),
        await come(app, warning("B", color=Color.RED)),
    )
    for one in (blue, red):
        await acts.cancel(app, one.id, by="duty officer")
    assert [id for id, _ in await app.store.read(backlog.unswept)] == [red.id, blue.id]
