"""What sending sounds: which condition of a channel a person hears of, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.integration.door import RED, Door
from warnd.app import App
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.model.color import Color, Lane
from warnd.model.policy import RetryPolicy
from warnd.pipeline.settle import Try, settle
from warnd.ports import Lease, Settlement
from warnd.store import alarms, backlog

DEAD = Deferred(Reason.UNREACHABLE)
NO_ANSWER = Deferred(Reason.NO_REPLY, maybe_sent=True)
REFUSED = Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, "401")

RETRY = RetryPolicy(unknown_resends=dict.fromkeys(Color, 0))


async def settlement(door: Door, outcome: Outcome) -> tuple[Settlement, list[Outcome]]:
    """One try of a batch whose every delivery is answered like that; nothing of it is kept."""
    await door.broadcast(2)
    (batch,) = await door.app.store.read(backlog.open_batches, "sms", Lane.RED, "", 10)
    now = door.app.clock()
    leased = (await door.app.store.turn(None, Lease(batch, now, now + 60_000_000))).batch
    assert leased is not None
    outcomes = [outcome] * len(leased)
    return settle(leased, outcomes, RETRY, Try(now, now, 0.5, tuple(door.app.new_ids(2)))), outcomes


async def standing(app: App) -> list[str]:
    await app.alarms.settle()
    return [one.kind for one in await app.store.read(alarms.open_alarms)]


def kill(app: App) -> None:
    """Its breaker opens."""
    for n in range(5):
        app.lines["sms"].lanes.pace.learn(DEAD, "+8615400000000", float(n), pause=60.0)


def learn(app: App, outcome: Outcome) -> None:
    app.lines["sms"].lanes.pace.learn(outcome, "+8615400000000", 9.0, pause=60.0)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [pytest.param(DEAD, "channel_down", id="no answer"), pytest.param(REFUSED, "channel_paused", id="a 401")],
)
async def test_one_condition_of_a_channel_is_one_alarm(door: Door, outcome: Outcome, kind: str) -> None:
    """A provider that refuses us has answered: it is not down."""
    done, outcomes = await settlement(door, outcome)
    kill(door.app)
    learn(door.app, outcome)
    door.app.watching.settled(done, outcomes)
    assert await standing(door.app) == [kind]


async def test_an_alarm_about_a_channel_says_what_the_provider_said(door: Door) -> None:
    """Nobody need look for a delivery to find out what is wrong with all of them."""
    done, outcomes = await settlement(door, Deferred(Reason.UNREACHABLE, detail="Connection refused"))
    kill(door.app)
    door.app.watching.settled(done, outcomes)
    await door.app.alarms.settle()
    [alarm] = await door.app.store.read(alarms.open_alarms)
    assert alarm.message == "sms: the provider cannot be reached (Connection refused)"
    assert alarm.facts == {"case": "unreachable", "detail": "Connection refused"}


async def test_what_is_not_known_is_said_of_the_alert_as_a_whole(door: Door) -> None:
    """Its batches come to nothing one by one: the number of a single one is no number of the alert's."""
    done, outcomes = await settlement(door, NO_ANSWER)
    door.app.watching.settled(done, outcomes)
    assert await standing(door.app) == ["unknown_outcome"]
    [alarm] = await door.app.store.read(alarms.open_alarms)
    assert (alarm.subject, alarm.facts) == (done.batch.alert_id, {})
    assert not any(one.isdigit() for one in alarm.message)


async def test_an_answer_of_any_kind_ends_that_a_channel_is_down(door: Door) -> None:
    """Down gives way to paused."""
    done, outcomes = await settlement(door, DEAD)
    kill(door.app)
    door.app.watching.settled(done, outcomes)
    learn(door.app, REFUSED)
    door.app.watching.settled(done, [REFUSED] * len(outcomes))
    assert await standing(door.app) == ["channel_paused"]


async def test_an_alarm_of_before_a_restart_ends_after_it(door: Door, again: Callable[[], App]) -> None:
    """Or it would stand for ever."""
    done, outcomes = await settlement(door, REFUSED)
    door.app.watching.settled(done, outcomes)
    assert await standing(door.app) == ["channel_paused"]
    await door.app.close()
    app = again()
    await app.open()
    app.watching.settled(done, [Accepted("R") for _ in outcomes])
    assert await standing(app) == []
    await app.close()


@pytest.fixture
def again(app: App) -> Callable[[], App]:
    """The next process over the same store."""
    return lambda: App(app.settings, wall=lambda: datetime(2026, 7, 14, 0, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("spoilt", "kind"),
    [
        pytest.param(
            {"color": None, "headline": "天气提示"}, "alert_quarantined", id="nothing tells its color"
        ),
        pytest.param({"expires": "2020-01-01T00:00:00+08:00"}, "alert_stale", id="its time is over"),
        pytest.param({"areas": [{"regions": ["621202", "999999"]}]}, "area_unknown", id="a code of nobody"),
    ],
)
async def test_a_message_and_its_alarm_are_one_commit(
    door: Door, spoilt: dict[str, object], kind: str
) -> None:
    """Killed between the two, the alert would wait for ever and nobody would know."""
    before = door.app.store.commits
    await door.ask("POST", "alerts", role="feed", json=RED | spoilt)
    open_ = [one.kind for one in await door.app.store.read(alarms.open_alarms)]
    assert (kind in open_, door.app.store.commits) == (True, before + 1)
