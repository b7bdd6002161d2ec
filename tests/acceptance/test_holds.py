"""What is held in a real daemon: decided by itself across a kill, issued and approved by two people's commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.programs import completed
from tests.acceptance.site import Site, gateway, until, warning

HOLDS = """
[sources.village]
regions = ["621202"]
[sources.village.hold.red]
after = "4s"
[sources.village.hold.yellow]
after = "4s"
[issue]
sender = "duty.wudu.example"
sender_name = "武都区应急管理局"
"""


@dataclass(frozen=True, slots=True)
class Village:
    """A prepared directory, and keys of the village's feed and of two people."""

    home: Path
    keys: dict[str, str]

    def settle(self, site: Site, *more: str) -> None:
        site.settle_in(self.home)
        with site.config.open("a") as config:
            config.write("\n".join([HOLDS, *more]))


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Village:
    """Ten posts."""
    home = tmp_path_factory.mktemp("village")
    with gateway() as sms:
        site = Site(home, sms)
        site.prepare(10)
        with site.config.open("a") as config:
            config.write(HOLDS)
        create = ("keys", "create")
        return Village(home, {
            "village": site.run(*create, "v", "--role", "feed", "--source", "village").strip(),
            "zhang": site.run(*create, "张三", "--role", "operator").strip(),
            "li": site.run(*create, "李四", "--role", "operator").strip(),
        })  # fmt: skip


def state(site: Site, alert_id: str) -> str:
    return str(site.rows("SELECT state FROM alerts WHERE id = ?", alert_id)[0][0])


def command(site: Site, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    where = {"WARND_CONFIG": str(site.config), "WARND_URL": site.url, "WARND_KEY": key}
    return completed(["-m", "warnd", *arguments], environment=os.environ | where)


def test_a_hold_times_out_once_whatever_happens_to_the_daemon(tmp_path: Path, village: Village) -> None:
    """Killed while it waits and started when the time is over: red is told to all once, yellow to nobody."""
    with gateway() as sms:
        site = Site(tmp_path, sms)
        keys = village.keys
        village.settle(site)
        site.start()
        red = site.push(key=keys["village"])
        yellow = site.push(key=keys["village"], identifier="Y", color="yellow", headline="暴雨黄色预警")
        assert [red["state"], yellow["state"]] == ["held", "held"]
        site.kill()
        assert sms.counts()["taken"] == 0
        until(lambda: _over(yellow["hold"]["due"]), "the time is over")
        site.start()
        until(lambda: site.settled(red["id"]) and state(site, red["id"]) == "released", "red goes out")
        until(lambda: state(site, yellow["id"]) == "rejected", "yellow is let go")
        site.kill()
        site.start()
        until(lambda: site.settled(red["id"]), "nothing more moves")
        assert site.stop() == 0

        assert set(sms.numbers().values()) == {1}
        assert len(sms.numbers()) == 10
        facts = site.rows("SELECT kind FROM journal WHERE actor = 'time-out' ORDER BY seq")
        assert sorted(kind for (kind,) in facts) == ["alert.approved", "alert.rejected"]
        assert {"hold_released", "hold_rejected"} <= site.alarms().keys()


def test_two_people_issue_and_release_a_warning_by_commands(tmp_path: Path, village: Village) -> None:
    """The first cannot release it, the second sees whom it tells and does."""
    with gateway() as sms:
        site = Site(tmp_path, sms)
        keys = village.keys
        village.settle(site)
        site.start()
        issued = command(
            site, keys["zhang"], "issue", "--hazard", "暴雨", "--color", "red", "--region", "621202",
            "--headline", "武都区应急管理局发布暴雨红色预警", "--expires", "6h", "--yes",
        )  # fmt: skip
        assert issued.returncode == 0, issued.stderr
        assert re.search("Would be told|放行后将告知", issued.stdout)
        assert issued.stdout.count("hazard: ") == 1, "a remark is made once"
        alert_id = issued.stdout.split(" is held")[0].split()[-1]
        alone = command(site, keys["zhang"], "alerts", "approve", alert_id, "--yes")
        assert (alone.returncode, "a second person approves it" in alone.stderr) == (1, True)
        shown = command(site, keys["li"], "alerts", "show", alert_id, "--language", "en")
        assert "Released by itself at" in shown.stdout
        assert "There is nobody to send to yet" not in shown.stdout
        link = command(site, keys["li"], "alerts", "link", alert_id, "--for", "王五")
        assert link.stdout.startswith(f"{site.url}/release/")
        released = command(site, keys["li"], "alerts", "approve", alert_id, "--yes")
        assert released.returncode == 0, released.stderr
        until(lambda: site.settled(alert_id), "all are told")
        ended = command(site, keys["zhang"], "issue", "--cancel", alert_id, "--yes", "--json")
        assert ended.returncode == 0, ended.stderr
        lift = json.loads(ended.stdout)
        assert (lift["state"], state(site, alert_id)) == ("held", "released")
        assert command(site, keys["li"], "alerts", "approve", lift["id"], "--yes").returncode == 0
        until(lambda: site.settled(lift["id"]), "all hear of the end")
        assert site.stop() == 0
        assert set(sms.numbers().values()) == {2}


def test_a_signed_push_is_let_in(tmp_path: Path, village: Village) -> None:
    """By a secret in a file, without a key."""
    with gateway() as sms:
        site = Site(tmp_path, sms)
        secret = tmp_path / "secret"
        secret.write_text("an invented secret of some length\n")
        village.settle(site, f'[sources.river]\nregions = ["621202"]\nhmac_secret_file = "{secret}"\n')
        site.start()
        message = tmp_path / "message.json"
        message.write_text(json.dumps(warning()))
        done = command(site, "", "push", str(message), "--hmac-secret-file", str(secret), "--source", "river")
        assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "held"), done.stderr
        assert site.stop() == 0


def _over(due: str) -> bool:
    return datetime.fromisoformat(due) <= datetime.now(UTC)
