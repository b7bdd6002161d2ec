"""A red warning that names no color: nobody is told until a person has mended it, and then everybody once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import RECIPIENTS
from tests.acceptance.site import Site, gateway, until

COLORLESS = {"color": None, "headline": "武都区气象台发布暴雨预警信号"}


def _quarantined(site: Site, prepared: Path) -> str:
    site.settle_in(prepared)
    site.start()
    answer = site.push(**COLORLESS)
    assert answer["state"] == "quarantined"
    return str(answer["id"])


def _mended(site: Site, id: str, *options: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(site.run("alerts", "mend", id, *options, "--json"))
    return shown


def test_a_red_without_its_color_is_mended_and_everybody_is_told_once(tmp_path: Path, prepared: Path) -> None:
    """By a command beside the running daemon; what its feed sends again meanwhile is a repeat."""
    with gateway() as sms:
        site = Site(tmp_path, sms)
        id = _quarantined(site, prepared)
        forecast = json.loads(site.run("alerts", "mend", id, "--color", "red", "--dry-run"))
        assert (forecast["state"], forecast["targeted"]) == ("released", RECIPIENTS)
        assert sms.counts()["taken"] == 0
        assert _mended(site, id, "--color", "red", "--reason", "电话核实")["state"] == "released"
        until(lambda: site.settled(id), "the mended warning is told")
        assert site.stop() == 0

        assert site.states(id) == {"accepted": RECIPIENTS}
        assert set(sms.numbers().values()) == {1}
        assert len(sms.numbers()) == RECIPIENTS
        assert json.loads(site.run("audit", "verify", "--json"))["broken"] is None
        shown = site.run("alerts", "show", id, "--language", "en")
        assert "color: nothing → Red" in shown
        raw = json.loads(site.run("alerts", "raw", id))
        assert raw["color"] is None


def test_a_kill_between_quarantine_mend_and_broadcast_loses_nothing(tmp_path: Path, prepared: Path) -> None:
    """The alert waits on disk, the mend is one commit, and the next start tells everybody once."""
    with gateway() as sms:
        site = Site(tmp_path, sms)
        id = _quarantined(site, prepared)
        site.kill()
        assert _mended(site, id, "--color", "red")["state"] == "released"
        site.start()
        until(lambda: site.settled(id), "the mended warning is told")
        assert site.stop() == 0
        assert site.states(id) == {"accepted": RECIPIENTS}
        assert set(sms.numbers().values()) == {1}


def test_a_mended_warning_whose_episode_moved_on_tells_nobody(tmp_path: Path, prepared: Path) -> None:
    """An orange update went out while it waited: red now would be the older word."""
    with gateway() as sms:
        site = Site(tmp_path, sms)
        id = _quarantined(site, prepared)
        (first,) = site.rows("SELECT identifier FROM alerts WHERE id = ?", id)
        update = site.push(
            type="update",
            identifier="62120241600000_20991231235959",
            color="orange",
            headline="武都区气象台变更发布暴雨橙色预警信号",
            references=[{"sender": "62120241600000", "identifier": first[0], "sent": None}],
        )
        until(lambda: site.settled(update["id"]), "the update is told")
        body = _mended(site, id, "--color", "red")
        assert (body["state"], body["successor"]) == ("superseded", update["id"])
        assert site.stop() == 0
        assert site.states(id) == {}
        assert set(sms.numbers().values()) == {1}
