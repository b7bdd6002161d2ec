"""An update and a cancel that arrive in the middle of a broadcast: the stale stops, the told are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.acceptance.conftest import RECIPIENTS
from tests.acceptance.site import Gateway, Site, gateway, until


def _reference(first: dict[str, Any], sent: str) -> list[dict[str, Any]]:
    return [{"sender": "62120241600000", "identifier": first["identifier"], "sent": sent}]


def _in_the_middle(site: Site, sms: Gateway, prepared: Path) -> dict[str, Any]:
    site.settle_in(prepared)
    site.start()
    first = site.push(color="orange", headline="武都区气象台发布暴雨橙色预警信号")
    sms.has_taken(RECIPIENTS // 4)
    return first


def test_a_cancel_in_the_middle_stops_the_rest_and_reaches_exactly_those_told(
    tmp_path: Path, prepared: Path
) -> None:
    """Nobody who was not told gets an all-clear; nobody who was told is left without one."""
    with gateway("--latency", "20", slots=4) as sms:
        site = Site(tmp_path, sms)
        first = _in_the_middle(site, sms, prepared)
        lift = site.push(
            type="cancel",
            identifier="62120241600000_20991231235959",
            headline="武都区气象台解除暴雨橙色预警信号",
            references=_reference(first, "2026-01-01T00:00:00+08:00"),
        )
        until(lambda: site.settled(first["id"]), "the first is wound up")
        until(lambda: site.settled(lift["id"]), "the lift is told")
        told = set(site.rows("SELECT address FROM deliveries WHERE alert_id = ? AND told", first["id"]))
        lifted = set(site.rows("SELECT address FROM deliveries WHERE alert_id = ?", lift["id"]))
        assert site.stop() == 0

        assert 0 < len(told) < RECIPIENTS
        assert lifted == told
        assert site.states(lift["id"]) == {"accepted": len(told)}
        assert set(site.states(first["id"])) == {"accepted", "cancelled"}
        assert sum(site.states(first["id"]).values()) == RECIPIENTS or site.rows(
            "SELECT 1 FROM alerts WHERE id = ? AND NOT plan_done", first["id"]
        )


def test_an_update_in_the_middle_stops_the_rest_and_reaches_everyone_once(
    tmp_path: Path, prepared: Path
) -> None:
    """What is unsent of the orange warning stops; red goes to all, told before or not."""
    with gateway("--latency", "20", slots=4) as sms:
        site = Site(tmp_path, sms)
        first = _in_the_middle(site, sms, prepared)
        update = site.push(
            type="update",
            identifier="62120241600000_20991231235959",
            headline="武都区气象台变更发布暴雨红色预警信号",
            references=_reference(first, "2026-01-01T00:00:00+08:00"),
        )
        until(lambda: site.settled(first["id"]), "the first is wound up")
        until(lambda: site.settled(update["id"]), "the update is told")
        bodies = [row[0] for row in site.rows("SELECT body FROM contents WHERE alert_id = ?", update["id"])]
        assert site.stop() == 0

        assert site.states(update["id"]) == {"accepted": RECIPIENTS}
        assert set(site.states(first["id"])) <= {"accepted", "superseded"}
        assert site.states(first["id"])["accepted"] < RECIPIENTS
        assert all("橙" in body and "红" in body for body in bodies)
