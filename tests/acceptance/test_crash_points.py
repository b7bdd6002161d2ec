"""
Each crash point that the architecture names, met exactly there: before a commit, and after it with nobody told of it.

Dying anywhere at all is test_crash's; here it is known what was on disk, so it is known who may hear it twice.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.programs import completed
from tests.acceptance import dying
from tests.acceptance.conftest import POSTS
from tests.acceptance.site import Gateway, Site, address, gateway, until, warning

BATCH, SLOTS = 100, 4
IN_FLIGHT = 3 * SLOTS * BATCH


@pytest.fixture
def sms() -> Iterator[Gateway]:
    with gateway("--latency", "10", slots=SLOTS, max_batch=BATCH) as one:
        yield one


@pytest.fixture
def site(tmp_path: Path, on_three_channels: Path, sms: Gateway) -> Site:
    made = Site(tmp_path, sms)
    made.settle_in(on_three_channels)
    return made


def program(kind: str, when: str, nth: int) -> list[str]:
    return ["-m", dying.__name__, kind, when, str(nth)]


def died(site: Site) -> None:
    assert site.process is not None
    assert site.process.wait(timeout=60) == dying.CODE


def push(site: Site, body: dict[str, Any]) -> str | None:
    """The answer's id; None when the daemon died over it."""
    try:
        return str(site.push(**body)["id"])
    except urllib.error.HTTPError:
        raise  # whoever answers is alive
    except OSError:
        return None


def goes_on(site: Site, body: dict[str, Any], *, repeats: bool) -> None:
    """The feed sends again what it may, everybody is told; twice only what may have been out, and marked."""
    site.start()
    alert = push(site, body)
    assert alert is not None
    until(lambda: site.settled(alert), "the broadcast is finished after the restart")
    assert site.stop() == 0
    assert site.rows("SELECT count(*) FROM alerts") == [(1,)]
    assert site.states(alert, "sms") == {"accepted": POSTS}
    numbers = site.gateway.numbers()
    twice = {number for number, times in numbers.items() if times > 1}
    assert len(numbers) == POSTS
    assert twice <= site.marked_repeats()
    assert len(twice) <= (IN_FLIGHT if repeats else 0)


@pytest.mark.parametrize(
    ("kind", "when", "nth", "repeats"),
    [
        pytest.param("admission", "before", 1, False, id="before the admission is committed"),
        pytest.param("admission", "after", 1, False, id="after it, before the 202"),
        pytest.param("chunk", "before", 1, False, id="before the first chunk of the plan"),
        pytest.param("chunk", "after", 1, True, id="after a chunk, before its hints"),
        pytest.param("chunk", "before", 2, True, id="between two chunks"),
        pytest.param("lease", "after", 1, True, id="after a lease, before its bytes left"),
        pytest.param("outcome", "before", 1, True, id="after the answer, before its commit"),
    ],
)
def test_a_broadcast_cut_short(site: Site, kind: str, when: str, nth: int, repeats: bool) -> None:
    """Nobody is lost; before anything left, nobody is told twice either."""
    body = warning()
    site.start(*program(kind, when, nth))
    push(site, body)
    died(site)
    if kind == "admission":
        assert site.rows("SELECT count(*) FROM alerts") == [(int(when == "after"),)]
    goes_on(site, body, repeats=repeats)


def test_a_crash_while_an_earlier_one_is_made_up_for(site: Site) -> None:
    """The restart dies itself, before it has said that those leases are unclear: the next one says it."""
    body = warning()
    site.start(*program("outcome", "before", 1))
    push(site, body)
    died(site)
    again = completed([*program("leases run out", "before", 1), "serve", "--config", str(site.config)])
    assert again.returncode == dying.CODE
    goes_on(site, body, repeats=True)


def test_a_crash_before_what_left_its_batch_is_gathered(
    tmp_path: Path, on_three_channels: Path, sms: Gateway
) -> None:
    """Whose number is refused has a mailbox that stood by: woken on disk, in no batch yet."""
    bad = [address("sms", n) for n in range(0, POSTS, 50)]
    sms.go_wrong(bad_addresses=bad)
    with gateway(channel="email", slots=SLOTS) as mail:
        policy = '[policy.responsible.red]\nchannels = ["sms", "email"]\nmode = "ordered"'
        site = Site(tmp_path, sms, [mail], tables=policy)
        site.settle_in(on_three_channels)
        body = warning()
        site.start(*program("gathering", "before", 1))
        push(site, body)
        died(site)
        assert site.rows("SELECT 1 FROM deliveries WHERE state = 'waiting' AND batch_id IS NULL")
        site.start()
        alert = push(site, body)
        assert alert is not None
        until(lambda: site.settled(alert), "the mailboxes are told")
        assert site.stop() == 0
        assert mail.numbers() == {address("email", n): 1 for n in range(0, POSTS, 50)}


@pytest.mark.parametrize(
    "kind", ["admission", "sweep"], ids=["before its rows say so", "in the middle of the sweep"]
)
def test_a_crash_after_an_update_took_the_place_of_a_warning(site: Site, sms: Gateway, kind: str) -> None:
    """From that commit on nothing more of the earlier one is leased; its rows say so after the restart."""
    sms.go_wrong(latency=0.3)
    first = warning(color="orange", headline="武都区气象台发布暴雨橙色预警信号")
    update = warning(
        identifier="62120241600000_20991231235959", type="update",
        references=[{"sender": first["sender"], "identifier": first["identifier"], "sent": None}],
    )  # fmt: skip
    nth = 2 if kind == "admission" else 1
    site.start(*program(kind, "after" if kind == "admission" else "before", nth))
    earlier = push(site, first)
    assert earlier is not None
    sms.has_taken(BATCH)
    push(site, update)
    died(site)
    assert site.rows("SELECT stopped_at IS NOT NULL, swept FROM alerts WHERE id = ?", earlier) == [(1, 0)]
    out = site.rows("SELECT coalesce(sum(size), 0) FROM batches WHERE state = 'sending'")[0][0]
    taken = sms.counts()["taken"]
    sms.go_wrong(latency=0.0)
    site.start()
    later = push(site, update)
    assert later is not None
    until(lambda: site.settled(earlier) and site.settled(later), "both are settled")
    assert site.stop() == 0
    assert {"queued", "waiting"}.isdisjoint(site.states(earlier))
    told = site.rows("SELECT count(*) FROM deliveries WHERE alert_id = ? AND told", earlier)[0][0]
    assert told <= taken + out, "nothing more of the earlier one left"
    assert site.states(later, "sms") == {"accepted": POSTS}


def test_a_crash_while_a_lift_waits_for_what_is_out(site: Site, sms: Gateway) -> None:
    """What nobody answered before the crash may have been told, hence is lifted."""
    sms.go_wrong(hang_after=1.0)
    first = warning()
    site.start()
    earlier = push(site, first)
    assert earlier is not None
    sms.has_taken(BATCH)
    lift = site.push(
        identifier="62120241600000_20991231235959", type="cancel",
        references=[{"sender": first["sender"], "identifier": first["identifier"], "sent": None}],
    )["id"]  # fmt: skip
    site.kill()
    assert site.rows("SELECT plan_done FROM alerts WHERE id = ?", lift) == [(0,)]
    sms.go_wrong(hang_after=0.0)
    site.start()
    until(lambda: site.settled(lift), "the lift is told")
    assert site.stop() == 0
    told = site.rows("SELECT address FROM deliveries WHERE alert_id = ? AND told ORDER BY 1", earlier)
    lifted = site.rows("SELECT address FROM deliveries WHERE alert_id = ? ORDER BY 1", lift)
    assert told
    assert lifted == told


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_while_receipts_are_stored(site: Site, when: str) -> None:
    """The provider got no 200 and pushes again: each counts once, though it may be there already."""
    site.start()
    alert = site.push()["id"]
    until(lambda: site.settled(alert), "everybody is told")
    assert site.stop() == 0
    keys = [row[0] for row in site.rows("SELECT receipt_key FROM receipt_keys")]
    place = re.search(r"/api/v1/receipts/sms/[0-9a-f]+", site.run("channels", "list"))
    assert place is not None
    body = json.dumps({"receipts": [{"id": key, "status": "delivered"} for key in keys]}).encode()

    def report() -> bool:
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{site.url}{place[0]}", body)) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    site.start(*program("receipts", when, 1))
    assert not report()
    died(site)
    assert site.states(alert, "sms") == {"accepted" if when == "before" else "delivered": POSTS}
    site.start()
    assert report()
    assert site.stop() == 0
    assert site.states(alert, "sms") == {"delivered": POSTS}
