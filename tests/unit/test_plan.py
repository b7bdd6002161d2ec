"""Recipients that share channel and content → batches; everybody exactly once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from warnd.contract.channel import Capabilities
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import State, Why
from warnd.model.ulid import UlidMaker
from warnd.pipeline.expand import Recipient, Route
from warnd.pipeline.plan import Plan, plan_chunk
from warnd.pipeline.quiet import Night
from warnd.ports import Chunk, Gap

SIZES = {"sms": 3, "sms2": 3, "mail": 1}
ROUTES = {name: Route(name, Capabilities(name.rstrip("2"), max_batch=size)) for name, size in SIZES.items()}
SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAN = Plan("A", 0, Lane.RED, 1 << 50, False, ROUTES, Night(1, SHANGHAI))


def to(address: str, channel: str = "sms", who: str = "P", state: State = State.QUEUED, *, language: str = "zh",
       region: str = "621202", chain: int = 0, step: int = 0) -> Recipient:  # fmt: skip
    reason = Why.BELOW_COLOR if state is State.SUPPRESSED else None
    return Recipient(
        channel,
        address,
        language,
        state,
        reason,
        who,
        f"E{who}{address}{channel}",
        who,
        region,
        "[]",
        chain,
        step,
    )


def planned(*found: Recipient | Gap, plan: Plan = PLAN) -> Chunk:
    rendered: list[tuple[str, str]] = []

    def content_of(channel: str, language: str) -> Content:
        rendered.append((channel, language))
        return Content(f"C{channel}{language}", "A", channel, language, "暴雨")

    maker, now = UlidMaker(), datetime(2026, 7, 20, tzinfo=UTC)
    return plan_chunk(
        plan, found, content_of=content_of, new_ids=lambda n: maker.many(n, now), after="", cursor="m:P",
        planned=len(found), done=False,
    )  # fmt: skip


def states(chunk: Chunk) -> dict[str, str]:
    return {f"{one.address} {one.channel}": one.state for one in chunk.deliveries}


recipients = st.builds(
    lambda address, channel, who, state, language, region, step: to(
        address,
        channel,
        who,
        state,
        language=language,
        region=region,
        step=step if state is State.STANDBY else 0,
    ),
    st.sampled_from("12345"),
    st.sampled_from(sorted(SIZES)),
    st.sampled_from("PQR"),
    st.sampled_from([State.QUEUED, State.STANDBY, State.SUPPRESSED]),
    st.sampled_from(["zh", "ug"]),
    st.sampled_from(["62", "621202", "621202101201"]),
    st.integers(1, 2),
)
audiences = st.lists(
    recipients, max_size=20, unique_by=lambda one: (one.address, one.channel, one.subscriber_id)
)
"""As expanding gives them: a person's endpoint once on each channel."""


@given(audiences)
def test_everybody_exactly_once(found: list[Recipient]) -> None:
    """One delivery per channel and address, in one batch at the most, of one content and no more than it takes."""
    chunk = planned(*found)
    places = [(one.channel, one.address) for one in chunk.deliveries]
    assert sorted(places) == sorted({(one.channel, one.address) for one in found})
    rows = {one.id: one for one in chunk.deliveries}
    members = Counter(id_ for batch in chunk.batches for id_ in batch.deliveries)
    assert members == Counter(one.id for one in chunk.deliveries if one.state == "queued")
    for batch in chunk.batches:
        assert 1 <= len(batch) <= SIZES[batch.channel]
        for id_, address, level in zip(batch.deliveries, batch.addresses, batch.levels, strict=True):
            row = rows[id_]
            assert (row.batch_id, row.channel, row.address) == (batch.id, batch.channel, address)
            assert row.content_id == batch.content.id
            assert level == (2, 4, 6, 9, 12).index(len(row.region))
        assert list(batch.deliveries) == sorted(batch.deliveries), "as it is read back"


@given(audiences)
def test_whoever_is_to_be_told_is_not_lost_behind_whoever_is_not(found: list[Recipient]) -> None:
    """Of all who share an address, the one to be told soonest decides; the others stand behind it."""
    order = [State.QUEUED, State.STANDBY, State.SUPPRESSED]
    wanted: dict[str, State] = {}
    for one in found:
        key = f"{one.address} {one.channel}"
        wanted[key] = min(wanted.get(key, one.state), one.state, key=order.index)
    chunk = planned(*found)
    assert states(chunk) == {key: state.value for key, state in wanted.items()}
    behind = {(one.channel, one.address, one.subscriber_id) for one in chunk.deliveries}
    behind |= {(one.channel, one.address, one.subscriber_id) for one in chunk.shared}
    assert behind == {(one.channel, one.address, one.subscriber_id) for one in found}


@given(audiences)
def test_links_tie_deliveries_of_the_plan_and_mark_their_batches(found: list[Recipient]) -> None:
    """A batch with something standing by is ``ordered``; nothing stands by for what is suppressed."""
    chunk = planned(*found)
    rows = {one.id: one for one in chunk.deliveries}
    for before, after, *_ in chunk.fallbacks:
        assert before != after
        assert rows[before].state != "suppressed"
        assert rows[after].state != "suppressed"
    senders = {link.delivery_id for link in chunk.fallbacks}
    for batch in chunk.batches:
        assert batch.ordered or senders.isdisjoint(batch.deliveries)
        assert senders or not batch.ordered


def linked(chunk: Chunk) -> set[tuple[str, str]]:
    names = {one.id: f"{one.address} {one.channel}" for one in chunk.deliveries}
    return {(names[link.delivery_id], names[link.next_id]) for link in chunk.fallbacks}


def test_a_second_provider_stands_by_for_its_own_number() -> None:
    """What is accepted for one number is no reason to tell it again because the other failed."""
    chunk = planned(
        *(to(number) for number in "12"),
        *(to(number, "sms2", state=State.STANDBY, step=1) for number in "12"),
    )
    assert linked(chunk) == {("1 sms", "1 sms2"), ("2 sms", "2 sms2")}


def test_another_kind_stands_by_for_every_address_before_it() -> None:
    """A mailbox for both numbers."""
    chunk = planned(to("1"), to("2"), to("a@mail.example", "mail", state=State.STANDBY, step=1))
    assert linked(chunk) == {("1 sms", "a@mail.example mail"), ("2 sms", "a@mail.example mail")}


def test_two_people_behind_one_number_keep_their_own_fallbacks() -> None:
    """The number is one delivery; each one's mailbox stands by for it."""
    chunk = planned(*(one for who in "PQ" for one in (
        to("1", who=who), to(f"{who}@mail.example", "mail", who, State.STANDBY, step=1))))  # fmt: skip
    assert linked(chunk) == {("1 sms", "P@mail.example mail"), ("1 sms", "Q@mail.example mail")}
    assert [one.subscriber_id for one in chunk.shared] == ["Q"]


def test_each_language_has_its_own_batch() -> None:
    """A batch carries one content."""
    chunk = planned(to("1"), to("2", language="ug"), to("3"))
    assert sorted(batch.addresses for batch in chunk.batches) == [("1", "3"), ("2",)]


def test_gaps_are_passed_on() -> None:
    """Who cannot be told is part of the plan."""
    gap = Gap("621202", "P", "两水镇值班室", "no_endpoint")
    assert list(planned(to("1"), gap).gaps) == [gap]


def night_of(hour: int, *, ends: int = 1 << 51) -> Plan:
    """A blue broadcast planned at that hour of a July night."""
    at = datetime(2026, 7, 20, hour, 30, tzinfo=SHANGHAI)
    return Plan("A", 0, Lane.BLUE, ends, False, ROUTES, Night(int(at.timestamp() * 1e6), SHANGHAI))


QUIET = "22:00-07:00"
SEVEN = int(datetime(2026, 7, 21, 7, tzinfo=SHANGHAI).timestamp() * 1e6)


def test_in_quiet_hours_whoever_keeps_them_waits_for_their_end() -> None:
    """Without a batch, due at seven; who keeps none is told now, and so are all by day."""
    found = (to("1")._replace(quiet=QUIET), to("2"))
    chunk = planned(*found, plan=night_of(23))
    rows = {one.address: (one.state, one.reason, one.due, one.batch_id is None) for one in chunk.deliveries}
    assert rows["1"] == ("waiting", "quiet_hours", SEVEN, True)
    assert rows["2"][:3] == ("queued", None, None)
    assert [batch.addresses for batch in chunk.batches] == [("2",)]
    by_day = planned(*found, plan=night_of(12))
    assert {one.state for one in by_day.deliveries} == {"queued"}
    assert {batch.quiet: batch.addresses for batch in by_day.batches} == {QUIET: ("1",), "": ("2",)}


def test_what_would_be_over_by_morning_does_not_wait_for_it() -> None:
    """Delayed, never dropped."""
    chunk = planned(to("1")._replace(quiet=QUIET), plan=night_of(23, ends=SEVEN))
    assert states(chunk) == {"1 sms": "queued"}
    later = planned(to("1")._replace(quiet=QUIET), plan=night_of(23, ends=SEVEN + 1))
    assert states(later) == {"1 sms": "waiting"}


def test_of_two_behind_one_number_the_one_who_keeps_no_quiet_hours_decides() -> None:
    """In whatever order they come."""
    hushed, awake = to("1", who="P")._replace(quiet=QUIET), to("1", who="Q")
    for found in ((hushed, awake), (awake, hushed)):
        chunk = planned(*found, plan=night_of(23))
        assert states(chunk) == {"1 sms": "queued"}
        assert [one.subscriber_id for one in chunk.shared] == ["P"]


def test_what_stands_by_has_its_time_from_the_morning_on() -> None:
    """While the first keeps quiet it is not late."""
    found = (
        to("1")._replace(quiet=QUIET),
        to("1", "sms2", state=State.STANDBY, step=1)._replace(quiet=QUIET),
    )
    (link,) = planned(*found, plan=night_of(23)).fallbacks
    assert link.late_at == SEVEN + link.late_after
