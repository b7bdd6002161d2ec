"""From a channel's settings to the route that planning sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from warnd.app import App, wiring
from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.outcome import Outcome
from warnd.errors import ConfigError
from warnd.model.color import Lane
from warnd.model.delivery import Batch
from warnd.settings import load


class Mute:
    """A channel that only says of what kind it is."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.name = name
        self.capabilities = Capabilities(options["kind"])

    async def open(self, sink: Sink) -> None:
        raise NotImplementedError

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


async def nothing(channel: str, lane: Lane, after: str, limit: int, *, behind: bool) -> Sequence[Batch]:
    return ()


@pytest.mark.parametrize(
    ("kind", "said", "lifts"),
    [
        ("sms", "", True),
        ("voice", "", False),
        ("loudspeaker", "", False),
        ("voice", "lifts = true", True),
        ("sms", "lifts = false", False),
    ],
    ids=["sms", "voice", "loudspeaker", "voice that is to", "sms that is not to"],
)
def test_what_is_for_danger_alone_says_nothing_of_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, said: str, *, lifts: bool
) -> None:
    """Nobody is rung up at night because a danger is less, unless the channel is configured so."""
    monkeypatch.setattr(wiring, "channel_factory", lambda adapter, *, key: Mute)
    config = tmp_path / "warnd.toml"
    config.write_text(f'[channels.one]\nadapter = "some.one"\nkind = "{kind}"\n{said}\n', encoding="utf-8")
    lines = wiring.lines(
        load(config, {}), load=nothing, clock=int, monotonic=float, holds=lambda batch, now: True,
        commons=wiring.Own(),
    )  # fmt: skip
    assert lines["one"].route.lifts is lifts


@pytest.mark.parametrize(
    ("hazard", "fault"),
    [("flash-flood", "policy.public.blue.hazards.flash-flood.quiet_hours"), ("rainstorm", None)],
)
def test_quiet_hours_are_not_set_for_what_comes_suddenly(
    tmp_path: Path, hazard: str, fault: str | None
) -> None:
    """The catalogue knows which those are; whoever sets them for all hazards sets them for the others."""
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[policy.public.blue]\nquiet_hours = "22:00-07:00"\n'
        f'[policy.public.blue.hazards.{hazard}]\nquiet_hours = "21:00-07:00"\n'
    )
    settings = load(config, {})
    if fault is None:
        wiring.surroundings(settings, {})
        return
    with pytest.raises(ConfigError) as raised:
        wiring.surroundings(settings, {})
    assert raised.value.key == fault


def test_a_policy_for_a_hazard_that_there_is_not_is_a_fault(tmp_path: Path) -> None:
    """It would never apply, and nobody would see that it does not."""
    config = tmp_path / "warnd.toml"
    config.write_text('[policy.public.blue.hazards.flashflood]\nquiet_hours = "none"\n')
    with pytest.raises(ConfigError, match=r"known are .*flash-flood") as raised:
        wiring.surroundings(load(config, {}), {})
    assert raised.value.key == "policy.public.blue.hazards.flashflood"


@pytest.mark.parametrize(
    ("said", "bundles"),
    [
        ("", False),
        ('target_rate = "20/min"', True),
        ('target_rate = "20/min"\nbundle = false', False),
        ("bundle = true", True),
    ],
    ids=["by default not", "where each target has a rate", "unless it is not to", "if it is to"],
)
def test_what_piles_up_is_bundled_where_targets_are_throttled(
    tmp_path: Path, said: str, *, bundles: bool
) -> None:
    """A rate over all addresses is no reason: a text of several costs as much of it as they do apart."""
    config = tmp_path / "warnd.toml"
    config.write_text(f'[channels.one]\nadapter = "wechat.robot"\n{said}\n', encoding="utf-8")
    assert wiring.bundles(load(config, {}).channels["one"]) is bundles


def test_a_channel_that_cannot_bundle_is_not_told_to(tmp_path: Path) -> None:
    """The key at fault is named, at the start."""
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/warnd.db"\n[channels.one]\nadapter = "console.print"\nbundle = true\n'
    )
    with pytest.raises(ConfigError) as raised:
        App(load(config, {}))
    assert raised.value.key == "channels.one.bundle"
