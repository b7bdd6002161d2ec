"""A message's identity, its place in an episode, and whether it is released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from warnd.errors import Fault
from warnd.model.admission import Admission, Earlier, Identity, Known
from warnd.model.alert import (
    LIFT_LIFETIME,
    Alert,
    AlertState,
    AlertType,
    Change,
    Parsed,
    Status,
    Text,
    Verdict,
)
from warnd.model.alert_body import ENDS
from warnd.model.color import Color, Lane
from warnd.pipeline.admit import Speaker, admit

NOW = datetime(2026, 7, 20, 8, tzinfo=UTC)
WEATHER = Speaker("weather")
COUNTY, NEXT, VILLAGE = "621202", "621221", "621202101200"


def alert(type: AlertType = AlertType.ALERT, color: Color | None = Color.YELLOW, **changes: object) -> Alert:
    made = Alert(
        "B", "weather.example", NOW, Status.ACTUAL, type, "rainstorm", color, {"zh": Text("暴雨黄色预警")}
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def earlier(
    color: Color | None = Color.YELLOW, *, regions: Sequence[str] = (COUNTY,), **changes: object
) -> Earlier:
    made = Earlier(
        "E1", "E1", "weather.example", "A", "weather", NOW - timedelta(hours=1), AlertState.RELEASED,
        AlertType.ALERT, "rainstorm", color, frozenset(regions), "digest",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def admitted(
    message: Alert, *episode: Earlier, regions: Sequence[str] = (COUNTY,), speaker: Speaker = WEATHER,
    doubts: tuple[Fault, ...] = (), now: datetime = NOW, **known: object,
) -> Admission:  # fmt: skip
    facts = Known(None, episode, regions, (), "digest")
    return admit(Parsed(message, "json", (), doubts), replace(facts, **known), speaker=speaker, now=now)  # type: ignore[arg-type]


def codes(found: Admission) -> set[str]:
    return {one.code for one in found.findings}


# --- identity -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digest", "source", "identity"),
    [
        pytest.param("digest", "weather", Identity.REPEAT, id="the same again is a repeat"),
        pytest.param("digest", "water", Identity.REPEAT, id="by another source too"),
        pytest.param(
            "other", "weather", Identity.CONFLICT, id="other content from the same source conflicts"
        ),
        pytest.param("other", "water", Identity.REPEAT, id="other content from another source is noted"),
    ],
)
def test_the_same_triple(digest: str, source: str, identity: Identity) -> None:
    """Sender, identifier and time are the identity; the content decides between repeat and conflict."""
    found = admitted(alert(), same=earlier(digest=digest, source=source))
    assert found.identity is identity
    assert codes(found) == ({"differs"} if digest == "other" else set())


NATIONAL = "62120041600000_20260720080000"


@pytest.mark.parametrize(
    ("change", "source", "identity"),
    [
        pytest.param({"sent": NOW}, "cma", Identity.REPEAT, id="by another feed it is the same warning"),
        pytest.param({"sent": NOW - timedelta(seconds=27)}, "cma", Identity.REPEAT, id="its time rounded"),
        pytest.param(
            {"sent": NOW, "color": Color.RED}, "cma", Identity.REPEAT, id="at the same moment it is one"
        ),
        pytest.param({"color": Color.RED}, "cma", Identity.NEW, id="in another color it is another message"),
        pytest.param({"change": Change.LIFTED}, "cma", Identity.NEW, id="so it is where that one ended it"),
        pytest.param({"status": Status.EXERCISE}, "cma", Identity.NEW, id="and where that was a drill"),
        pytest.param({"sent": NOW}, "weather", Identity.REPEAT, id="under another name of the sender too"),
        pytest.param(
            {"sent": NOW - timedelta(hours=2)}, "weather", Identity.NEW, id="used again it is another message"
        ),
        pytest.param(
            {"identifier": "A-1"}, "cma", Identity.NEW, id="any other identifier is its sender's own"
        ),
    ],
)
def test_the_national_identifier(change: dict[str, object], source: str, identity: Identity) -> None:
    """Whoever relays it: feeds round its time and write its places in their own way."""
    there = earlier(identifier=NATIONAL, sender="cma.example", source=source)
    there = replace(there, **change)  # type: ignore[arg-type]
    found = admitted(alert(identifier=there.identifier), there)
    assert found.identity is identity


@pytest.mark.parametrize("state", [AlertState.HELD, AlertState.QUARANTINED], ids=lambda one: one.value)
@pytest.mark.parametrize("by", ["triple", "national identifier"])
def test_who_may_speak_does_not_wait_for_one_who_may_not(state: AlertState, by: str) -> None:
    """A red that a hobbyist's feed brought first goes out when the observatory says it."""
    waiting = earlier(source="hobby", state=state, went_out=False, identifier="B", sent=NOW, digest="digest")
    if by == "triple":
        found = admitted(alert(), waiting, same=waiting)
    else:
        waiting = replace(waiting, identifier=NATIONAL, sender="hobby.example")
        found = admitted(alert(identifier=NATIONAL), waiting)
    assert (found.identity, found.state) == (Identity.NEW, AlertState.RELEASED)
    held = replace(WEATHER, official=False)
    assert admitted(alert(), waiting, same=waiting, speaker=held).identity is Identity.REPEAT


# --- what reaches people --------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(Status), ids=lambda one: one.value)
@pytest.mark.parametrize("type_", list(AlertType), ids=lambda one: one.value)
def test_what_is_kept_and_reaches_nobody(status: Status, type_: AlertType) -> None:
    """Draft, system, ack and error messages."""
    found = admitted(alert(type_, status=status), earlier(status=status))
    silent = status in (Status.DRAFT, Status.SYSTEM) or type_ in (AlertType.ACK, AlertType.ERROR)
    assert (found.state is AlertState.KEPT) is silent
    if silent:
        assert not found.supersedes


def test_a_drill_has_its_own_lane() -> None:
    """It never shares one with the real thing."""
    assert admitted(alert(status=Status.EXERCISE, color=Color.RED)).lane is Lane.DRILL


@pytest.mark.parametrize(
    ("expires", "state"),
    [(NOW - timedelta(1), AlertState.EXPIRED), (NOW, AlertState.EXPIRED), (None, AlertState.RELEASED),
     (NOW + timedelta(1), AlertState.RELEASED)],
    ids=["over", "over now", "no end", "in force"],
)  # fmt: skip
def test_what_is_stale_is_not_released(expires: datetime | None, state: AlertState) -> None:
    """It would mislead; and it stops nothing."""
    found = admitted(alert(AlertType.UPDATE, expires=expires), earlier())
    assert found.state is state
    assert bool(found.supersedes) is (state is AlertState.RELEASED)


def test_doubts_quarantine() -> None:
    """A person must look; until then nothing is changed."""
    found = admitted(alert(AlertType.UPDATE), earlier(), doubts=(Fault("x", "odd", "odd"),))
    assert (found.state, found.verdict, found.supersedes) == (AlertState.QUARANTINED, Verdict.QUARANTINE, ())


def test_what_is_not_official_is_held() -> None:
    """For a second person; what is held supersedes nothing."""
    found = admitted(alert(AlertType.UPDATE), earlier(), speaker=replace(WEATHER, official=False))
    assert (found.state, found.supersedes) == (AlertState.HELD, ())


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        pytest.param({"hazards": frozenset({"flash-flood"})}, "source_hazard", id="hazard"),
        pytest.param({"colors": frozenset({Color.RED})}, "source_color", id="color"),
        pytest.param({"regions": (NEXT,)}, "source_region", id="region"),
        pytest.param(
            {"regions": ("6212",), "hazards": frozenset({"rainstorm"})}, None, id="within all limits"
        ),
    ],
)
def test_a_source_speaks_for_what_it_may(limits: dict[str, object], code: str | None) -> None:
    """Beyond that a person must look."""
    found = admitted(alert(), speaker=replace(WEATHER, **limits))  # type: ignore[arg-type]
    assert codes(found) == ({code} if code else set())
    assert found.state is (AlertState.QUARANTINED if code else AlertState.RELEASED)


def test_an_unknown_region_is_noted_and_no_reason_to_be_silent() -> None:
    """The tree may be older than the division."""
    found = admitted(alert(), unknown_regions=("629999",))
    assert (found.state, found.verdict) == (AlertState.RELEASED, Verdict.ACCEPT_WITH_WARNINGS)


@pytest.mark.parametrize(
    ("speaker", "state"),
    [
        pytest.param(WEATHER, AlertState.RELEASED, id="a source of everywhere may"),
        pytest.param(
            replace(WEATHER, regions=("6212",)), AlertState.QUARANTINED, id="one with bounds may not"
        ),
    ],
)
@pytest.mark.parametrize("type_", [AlertType.ALERT, AlertType.UPDATE], ids=lambda one: one.value)
def test_what_names_no_place_is_said_to_find_nobody(
    type_: AlertType, speaker: Speaker, state: AlertState
) -> None:
    """Nobody can see that it lies within a source's bounds."""
    found = admitted(alert(type_), regions=(), speaker=speaker)
    assert found.state is state
    assert "area_unresolved" in codes(found)
    assert ("source_region" in codes(found)) is bool(speaker.regions)
    assert found.verdict is not Verdict.ACCEPT


@pytest.mark.parametrize("type_", [AlertType.UPDATE, AlertType.CANCEL], ids=lambda one: one.value)
def test_what_names_no_place_may_mean_its_episodes(type_: AlertType) -> None:
    """It speaks of where the earlier warning was; an end goes to those who were told, wherever."""
    found = admitted(alert(type_), earlier(), regions=(), speaker=replace(WEATHER, regions=("6212",)))
    assert (found.state, found.verdict, found.regions) == (AlertState.RELEASED, Verdict.ACCEPT, (COUNTY,))


@pytest.mark.parametrize(("ahead", "said"), [(15, False), (16, True)], ids=["clocks differ", "a wrong clock"])
def test_a_message_from_the_future_is_noted_and_delivered(ahead: int, *, said: bool) -> None:
    """A feed's clock is no reason to be silent."""
    found = admitted(alert(sent=NOW + timedelta(minutes=ahead)))
    assert found.state is AlertState.RELEASED
    assert ("sent_in_future" in codes(found)) is said


# --- lifecycle ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "message", "regions", "change"),
    [
        pytest.param(earlier(), alert(color=Color.RED), [COUNTY], Change.RAISED, id="raised"),
        pytest.param(earlier(), alert(color=Color.BLUE), [COUNTY], Change.LOWERED, id="lowered"),
        pytest.param(earlier(), alert(), [COUNTY, NEXT], Change.WIDENED, id="widened"),
        pytest.param(
            earlier(regions=[VILLAGE]), alert(), [COUNTY], Change.WIDENED, id="widened to the county"
        ),
        pytest.param(earlier(), alert(), [VILLAGE], Change.NARROWED, id="narrowed"),
        pytest.param(earlier(), alert(), [NEXT], Change.UPDATED, id="moved"),
        pytest.param(earlier(), alert(), [COUNTY], Change.CONTINUED, id="continued"),
        pytest.param(
            earlier(regions=[COUNTY, VILLAGE]), alert(), [COUNTY], Change.CONTINUED, id="said shorter"
        ),
        pytest.param(earlier(), alert(color=None), [COUNTY], Change.CONTINUED, id="its color left out"),
    ],
)
def test_an_update_supersedes_and_says_what_changed(
    before: Earlier, message: Alert, regions: list[str], change: Change
) -> None:
    """Against the latest message in force."""
    found = admitted(replace(message, type=AlertType.UPDATE), before, regions=regions)
    assert (found.change, found.supersedes, found.ending) == (change, ("E1",), AlertState.SUPERSEDED)
    assert found.episode_id == "E1"


@pytest.mark.parametrize(
    "message",
    [alert(AlertType.CANCEL, None), alert(AlertType.UPDATE, parameters={ENDS: "true"})],
    ids=["a cancel", "an update that ends"],
)
def test_an_end_lifts(message: Alert) -> None:
    """With a lifetime of its own, whatever the ended warning's limit was."""
    found = admitted(replace(message, expires=NOW - timedelta(days=1)), earlier())
    assert (found.state, found.change, found.ending) == (
        AlertState.RELEASED,
        Change.LIFTED,
        AlertState.CANCELLED,
    )
    assert found.deliver_until == NOW + LIFT_LIFETIME
    assert found.supersedes == ("E1",)


def test_an_end_says_of_itself_what_it_left_out() -> None:
    """Color and hazard are those of its episode."""
    found = admitted(alert(AlertType.CANCEL, None, hazard="other"), earlier(Color.RED))
    assert (found.alert.color, found.alert.hazard) == (Color.RED, "rainstorm")


@pytest.mark.parametrize("change", [Change.LIFTED, Change.LOWERED], ids=lambda one: one.value)
def test_a_lift_travels_in_the_lane_of_the_highest_color_told(change: Change) -> None:
    """Also when that was two messages ago and has been lowered since; never by what was only held."""
    episode = [
        earlier(Color.RED, id="E1", state=AlertState.SUPERSEDED, sent=NOW - timedelta(hours=3)),
        earlier(Color.YELLOW, id="E2"),
    ]
    message = alert(AlertType.CANCEL) if change is Change.LIFTED else alert(AlertType.UPDATE, Color.BLUE)
    assert admitted(message, *episode).lane is Lane.RED
    held = [replace(episode[0], state=AlertState.QUARANTINED, went_out=False), episode[1]]
    assert admitted(message, *held).lane is Lane.YELLOW


def test_a_second_end_tells_nobody_again() -> None:
    """The first is still being delivered, but it is no warning that could be lifted."""
    ended = earlier(state=AlertState.CANCELLED)
    lift = earlier(id="E2", type=AlertType.CANCEL, change=Change.LIFTED)
    found = admitted(alert(AlertType.CANCEL, None), ended, lift)
    assert (found.state, found.supersedes) == (AlertState.KEPT, ())


def test_a_warning_after_its_end_is_a_new_one_and_stops_the_word_of_the_end() -> None:
    """Nobody hears of the end after the new beginning."""
    lift = earlier(id="E2", type=AlertType.CANCEL, change=Change.LIFTED)
    found = admitted(alert(AlertType.UPDATE), earlier(state=AlertState.CANCELLED), lift)
    assert (found.change, found.supersedes) == (Change.ISSUED, ("E2",))


@pytest.mark.parametrize(
    ("sender", "source", "allowed"),
    [
        pytest.param("weather.example", "emergency", True, id="its sender, by another feed"),
        pytest.param("other.example", "weather", True, id="its source, for another sender"),
        pytest.param("other.example", "emergency", False, id="neither"),
    ],
)
def test_who_may_change_an_episode(sender: str, source: str, allowed: bool) -> None:
    """A stranger's cancel must not silence a warning."""
    found = admitted(alert(AlertType.CANCEL, sender=sender), earlier(), speaker=replace(WEATHER, name=source))
    assert found.state is (AlertState.RELEASED if allowed else AlertState.QUARANTINED)
    assert ("not_their_episode" in codes(found)) is not allowed


def test_a_reference_to_what_never_came_is_noted() -> None:
    """The update is a warning all the same; an end of nothing tells nobody."""
    found = admitted(alert(AlertType.UPDATE))
    assert (found.state, codes(found)) == (AlertState.RELEASED, {"dangling_reference"})
    assert admitted(alert(AlertType.CANCEL)).state is AlertState.KEPT
