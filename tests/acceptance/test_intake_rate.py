"""A thousand warnings come in while a red one is broadcast, then the power goes: each that was answered is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.acceptance.site import Site, gateway, until, warning

COMING = 1_000
AT_ONCE = 16
POSTS = 5
"""Of the county: each of the many is for them."""

VILLAGERS = 5_000
"""Of one township, and of the broadcast beside."""

_FLOODED = "621202201"
_TOWNSHIPS = ("621202101", "621202102", "621202103", "621202104")
_OPEN = "('queued', 'waiting', 'standby', 'sending', 'unknown')"


def _numbered(n: int, now: datetime) -> dict[str, Any]:
    """Every tenth is red, every tenth lifts an earlier one; of one moment, none is like another."""
    stamp = now + timedelta(hours=8) - timedelta(hours=1, seconds=n)
    return warning(
        identifier=f"62120241600000_{stamp:%Y%m%d%H%M%S}",
        color="red" if n % 10 == 3 else "blue",
        headline=f"武都区气象台发布第{n}号暴雨预警信号",
        areas=[{"name": "", "regions": [_TOWNSHIPS[n % len(_TOWNSHIPS)]]}],
    )


def _lifting(earlier: dict[str, Any], n: int, now: datetime) -> dict[str, Any]:
    refers = {key: earlier[key] for key in ("sender", "identifier", "sent")}
    return _numbered(n, now) | {"type": "cancel", "references": [refers]}


def _messages() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    now = datetime.now(UTC)
    for n in range(COMING):
        found.append(_lifting(found[n - 99], n, now) if n % 10 == 9 and n > 99 else _numbered(n, now))
    return found


def _settle_in(site: Site) -> None:
    site.prepare(POSTS)
    header = "external_id,kind,name,region,groups,audience,channel,address"
    rows = "\n".join(
        f"V-{n:06},person,村民{n},{_FLOODED},{_FLOODED}/全乡,responsible,sms,+86155{n:08}"
        for n in range(VILLAGERS)
    )
    villagers = site.home / "villagers.csv"
    villagers.write_text(f"{header}\n{rows}\n")
    site.run("audience", "import", str(villagers))


def test_what_was_answered_is_on_disk_after_a_kill_and_its_people_are_told_once(tmp_path: Path) -> None:
    """202 means durable: N answers are N alerts in the store, and neither they nor the broadcast beside lose anybody."""
    with gateway("--latency", "50", slots=4, max_batch=50) as sms:
        site = Site(tmp_path, sms)
        _settle_in(site)
        site.start()
        first = site.push(areas=[{"name": "", "regions": [_FLOODED]}])["id"]
        with ThreadPoolExecutor(AT_ONCE) as connections:
            answers = list(connections.map(site.post, _messages()))
        site.kill()
        accepted = {answer["id"] for status, answer in answers if status == 202}
        kept = {row[0] for row in site.rows("SELECT id FROM alerts")}
        assert len(accepted) == COMING
        assert kept == accepted | {first}
        assert {row[0] for row in site.rows("SELECT alert_id FROM raw_messages")} == kept

        site.start()
        unplanned = "SELECT 1 FROM alerts WHERE NOT plan_done AND stopped_at IS NULL LIMIT 1"
        until(lambda: not site.rows(unplanned), "each is planned, but for what was stopped")
        for table in ("deliveries", "batches"):
            still_open = f"SELECT 1 FROM {table} WHERE state IN {_OPEN} LIMIT 1"
            until(lambda query=still_open: not site.rows(query), f"all {table} are settled")  # type: ignore[misc]
        told = site.rows(
            """
            SELECT d.alert_id, count(*), count(DISTINCT address), sum(d.state = 'accepted') FROM deliveries d
            JOIN alerts a ON a.id = d.alert_id WHERE a.state = 'released' AND a.type = 'alert' GROUP BY 1
            """
        )
        assert site.stop() == 0

        reached = {alert: tuple(counts) for alert, *counts in told}
        everybody = POSTS + VILLAGERS
        assert reached.pop(first) == (everybody, everybody, everybody)
        assert set(reached.values()) == {(POSTS, POSTS, POSTS)}
        lifts = sum(one["type"] == "cancel" for one in _messages())
        assert len(reached) == COMING - 2 * lifts
