"""What changes in the middle of a broadcast: the stale stops, the told hear of it, nobody is left without a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import CHANNELS, POSTS, RECIPIENTS
from tests.acceptance.site import Gateway, Site, gateway, until

RAIN = "武都区气象台{}暴雨{}预警信号"


@dataclass(slots=True)
class Middle:
    """A site where a warning, ``first``, has reached some of the ``recipients`` by each of its gateways."""

    site: Site
    gateways: Sequence[Gateway]
    first: dict[str, Any]
    recipients: int

    def follow(self, **changes: Any) -> dict[str, Any]:
        """Send what refers to it; from then on the gateways hurry. Wait until both are settled."""
        reference = {"sender": "62120241600000", "identifier": self.first["identifier"], "sent": None}
        then = self.site.push(identifier="62120241600000_20991231235959", references=[reference], **changes)
        for one in self.gateways:
            one.go_wrong(latency=0.002)
        until(lambda: self.site.settled(self.first["id"]), "the first is wound up")
        until(lambda: self.site.settled(then["id"]), "what follows is told")
        return then

    def addresses(self, alert: dict[str, Any], channel: str, where: str = "1") -> set[str]:
        found = self.site.rows(
            f"SELECT address FROM deliveries WHERE alert_id = ? AND channel = ? AND {where}",
            alert["id"],
            channel,
        )
        return {row[0] for row in found}

    def went_to(self, one: Gateway, *alerts: dict[str, Any]) -> None:
        """Each of them that was told reached the gateway once: no more, no less."""
        told = sum(len(self.addresses(alert, one.channel, "told")) for alert in alerts)
        assert sum(one.numbers().values()) == told


@contextmanager
def in_the_middle(home: Path, prepared: Path, channels: Sequence[str], **warning: Any) -> Iterator[Middle]:
    recipients = RECIPIENTS if channels == ["sms"] else POSTS
    latency = "20" if channels == ["sms"] else "50"
    with ExitStack() as running:
        gateways = [
            running.enter_context(gateway("--latency", latency, channel=channel, slots=4))
            for channel in channels
        ]
        site = Site(home, gateways[0], gateways[1:])
        site.settle_in(prepared)
        site.start()
        first = site.push(**warning)
        for one in gateways:
            one.has_taken(recipients // 20)
        yield Middle(site, gateways, first, recipients)
        assert site.stop() == 0


@pytest.fixture(params=[["sms"], list(CHANNELS)], ids=["one number of many", "numbers, robots and mailboxes"])
def channels(request: pytest.FixtureRequest) -> list[str]:
    found: list[str] = request.param
    return found


@pytest.fixture
def people(channels: list[str], prepared: Path, on_three_channels: Path) -> Path:
    return prepared if channels == ["sms"] else on_three_channels


def test_a_cancel_in_the_middle_stops_the_rest_and_reaches_exactly_those_told(
    tmp_path: Path, people: Path, channels: list[str]
) -> None:
    """Nobody who was not told gets an all-clear; nobody who was told is left without one."""
    orange = {"color": "orange", "headline": RAIN.format("发布", "橙色")}
    with in_the_middle(tmp_path, people, channels, **orange) as middle:
        lift = middle.follow(type="cancel", headline=RAIN.format("解除", "橙色"))
        for one in middle.gateways:
            told = middle.addresses(middle.first, one.channel, "told")
            assert middle.addresses(lift, one.channel) == told
            assert middle.site.states(lift["id"], one.channel) == {"accepted": len(told)}
            assert set(middle.site.states(middle.first["id"], one.channel)) <= {"accepted", "cancelled"}
            middle.went_to(one, middle.first, lift)
        assert len(middle.addresses(lift, channels[-1])) < middle.recipients


def test_an_update_in_the_middle_stops_the_rest_and_reaches_everyone_once(
    tmp_path: Path, people: Path, channels: list[str]
) -> None:
    """What is unsent of the orange warning stops; red goes to all, told before or not."""
    orange = {"color": "orange", "headline": RAIN.format("发布", "橙色")}
    with in_the_middle(tmp_path, people, channels, **orange) as middle:
        update = middle.follow(type="update", headline=RAIN.format("变更发布", "红色"))
        bodies = [
            row[0] for row in middle.site.rows("SELECT body FROM contents WHERE alert_id = ?", update["id"])
        ]
        for one in middle.gateways:
            assert middle.site.states(update["id"], one.channel) == {"accepted": middle.recipients}
            assert set(middle.site.states(middle.first["id"], one.channel)) <= {"accepted", "superseded"}
            middle.went_to(one, middle.first, update)
        assert len(middle.addresses(middle.first, channels[-1], "told")) < middle.recipients
        assert all("橙" in body and "红" in body for body in bodies)


def test_a_lowering_in_the_middle_leaves_nobody_without_a_word(
    tmp_path: Path, people: Path, channels: list[str]
) -> None:
    """Orange is in force for all: who was told red hears that it is less, who was not hears of orange; each once."""
    with in_the_middle(tmp_path, people, channels) as middle:
        lowered = middle.follow(type="update", color="orange", headline=RAIN.format("变更发布", "橙色"))
        assert middle.site.rows("SELECT change FROM alerts WHERE id = ?", lowered["id"]) == [("lowered",)]
        for one in middle.gateways:
            assert middle.site.states(lowered["id"], one.channel) == {"accepted": middle.recipients}
            assert set(middle.site.states(middle.first["id"], one.channel)) <= {"accepted", "superseded"}
            middle.went_to(one, middle.first, lowered)
        assert len(middle.addresses(middle.first, channels[-1], "told")) < middle.recipients
