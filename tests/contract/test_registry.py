"""Channels are found by their entry points alone, and a stranger's channel is as good as ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from warnd.contract.channel import Channel
from warnd.contract.emulator import Emulator
from warnd.contract.outcome import Accepted, Receipt
from warnd.contract.registry import (
    channel_factories,
    channel_factory,
    emulator_factories,
    emulator_factory,
)
from warnd.contract.suite import ChannelContract, batch_of
from warnd.errors import ConfigError

THIRD_PARTY = Path(__file__).parent.parent / "fakes" / "thirdparty"

KEY = "channels.pager.adapter"


@pytest.fixture
def pager_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stranger's distribution as an installer leaves it: a package and its metadata on the path."""
    monkeypatch.syspath_prepend(str(THIRD_PARTY))


def install(directory: Path, distribution: str, **claims: str) -> None:
    """Metadata of a distribution that claims these names for channels."""
    metadata = directory / f"{distribution}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = [f"{name.replace('__', '.')} = {value}" for name, value in claims.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[warnd.channels]", *lines, ""]))


@pytest.mark.usefixtures("pager_installed")
class TestThirdPartyChannel(ChannelContract):
    """Found by name, nothing of it imported here, it keeps every promise."""

    def make_emulator(self) -> Emulator:
        return emulator_factory("pager.post", key=KEY)()

    def make_channel(self, options: Mapping[str, Any]) -> Channel:
        return channel_factory("pager.post", key=KEY)("pager", options)


@pytest.mark.usefixtures("pager_installed")
async def test_a_third_party_channel_is_opened_and_sent_through() -> None:
    """As the core does it: name to factory, table to channel, batch to outcomes."""

    async def sink(receipts: Sequence[Receipt]) -> None:
        """Pagers never answer."""

    hub = emulator_factory("pager.post", key=KEY)()
    await hub.start()
    channel = channel_factory("pager.post", key=KEY)("pager", hub.options)
    try:
        await channel.open(sink)
        assert await channel.send(batch_of(["duty-00001"], "山洪红色预警")) == [Accepted()]
        assert [(message.address, message.body) for message in hub.messages()] == [
            ("duty-00001", "山洪红色预警")
        ]
    finally:
        await channel.close()
        await hub.stop()


@pytest.mark.usefixtures("pager_installed")
def test_ours_and_theirs_stand_side_by_side() -> None:
    """First-party channels enjoy no other way in."""
    assert {"sms.http", "pager.post"} <= channel_factories().keys()
    assert {"sms.http", "pager.post"} <= emulator_factories().keys()


@pytest.mark.usefixtures("pager_installed")
def test_two_claims_on_one_name_stop_with_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of them would send is nothing to leave to the order of a path."""
    install(tmp_path, "rival", pager__post="rival.channel:Pager")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        channel_factories()
    for word in ("pager.post", "acme_pager.adapter:PostPager", "rival.channel:Pager"):
        assert word in str(caught.value)


@pytest.mark.usefixtures("pager_installed")
def test_a_first_party_name_cannot_be_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "rival", sms__http="rival.channel:Sms")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=r"sms\.http.*claimed by"):
        channel_factory("pager.post", key=KEY)


def test_a_name_nobody_announced_is_named_with_its_key() -> None:
    """And the operator sees what there is."""
    with pytest.raises(ConfigError) as caught:
        channel_factory("pager.smoke", key=KEY)
    assert caught.value.key == KEY
    assert "pager.smoke" in str(caught.value)
    assert "sms.http" in str(caught.value)


def test_a_channel_that_does_not_import_is_a_setting_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an installation reads as one line, no traceback."""
    install(tmp_path, "broken", broken__post="not_there_at_all:Channel")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="not_there_at_all") as caught:
        channel_factory("broken.post", key=KEY)
    assert caught.value.key == KEY
