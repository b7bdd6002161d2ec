"""Neighbours that forward to one another: everybody hears of a warning once, and the exchange ends."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.site import Gateway, Site, gateway, until

PEOPLE = 40


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of a few posts, made once for all platforms."""
    home = tmp_path_factory.mktemp("county")
    with gateway() as sms:
        Site(home, sms).prepare(PEOPLE)
    return home


@dataclass(slots=True)
class Neighbour(Site):
    """A county's warnd that forwards to the next; ``port`` is known before it runs, ``onward`` is that one's."""

    port: int = 0
    onward: int = 0
    token: str = "made-up"

    def configure(self) -> None:
        super(Neighbour, self).configure()
        text = self.config.read_text().replace("port = 0", f"port = {self.port}")
        self.config.write_text(
            f"""{text}
            [sources.neighbour]
            regions = ["62"]
            official = true
            [channels.north]
            adapter = "cap.http"
            origin = "http://127.0.0.1:{self.onward}"
            token = "{self.token}"
            """
        )

    def move_in(self, county: Path) -> str:
        """Its people, the next platform among them, and a key for the one before it."""
        self.settle_in(county)
        platform = self.home / "platform.csv"
        platform.write_text(
            "external_id,kind,name,region,groups,audience,channel,address\n"
            "N-1,office,邻县预警平台,6212,6212/平台,leaders,cap,"
            f"http://127.0.0.1:{self.onward}/api/v1/alerts\n"
        )
        self.run("audience", "import", str(platform))
        return self.run("keys", "create", "before", "--role", "feed", "--source", "neighbour").strip()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def ring(home: Path, county: Path, sms: Gateway, count: int) -> Iterator[Sequence[Neighbour]]:
    """So many platforms, each forwarding to the next and the last to the first; they run."""
    ports = free_ports(count)
    ring = []
    for n, port in enumerate(ports):
        place = home / str(n)
        place.mkdir()
        ring.append(Neighbour(place, sms, port=port, onward=ports[(n + 1) % count]))
    keys = [one.move_in(county) for one in ring]
    for n, one in enumerate(ring):
        one.token = keys[(n + 1) % count]
        one.configure()
        one.start()
    try:
        yield ring
    finally:
        codes = [one.stop() for one in ring]
    assert codes == [0] * count


def known(site: Site, identifier: str) -> str:
    """Its id at that site, once all it told is settled; empty until then."""
    found = site.rows("SELECT id FROM alerts WHERE identifier = ?", identifier)
    return str(found[0][0]) if found and site.settled(found[0][0]) else ""


def everywhere(ring: Sequence[Neighbour], identifier: str) -> list[str]:
    return [until(lambda one=one: known(one, identifier), f"{one.home.name} has settled it") for one in ring]


def shown(site: Site, path: str) -> str:
    key = site.run("keys", "create", "look", "--role", "viewer").strip()
    request = urllib.request.Request(site.url + path, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def forwarded(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT alert_id, state, attempts, told FROM deliveries WHERE channel = 'north' ORDER BY id"
    )


@pytest.mark.parametrize("count", [2, 3], ids=["there and back", "three in a ring"])
def test_a_warning_goes_round_once_and_so_does_its_end(tmp_path: Path, county: Path, count: int) -> None:
    """What comes back is a repeat by its identity, answered 200, and goes out no more; nobody is told twice."""
    with gateway() as sms, ring(tmp_path, county, sms, count) as platforms:
        first = platforms[0]
        pushed = first.push()
        ids = everywhere(platforms, pushed["identifier"])
        sent = first.rows("SELECT body FROM alerts WHERE id = ?", ids[0])
        lift = first.push(
            type="cancel",
            identifier="62120241600000_20991231235959",
            headline="武都区气象台解除暴雨红色预警信号",
            references=[{"sender": "62120241600000", "identifier": pushed["identifier"], "sent": None}],
        )
        ends = everywhere(platforms, lift["identifier"])

        assert ids[0] == pushed["id"]
        for one, id_, end in zip(platforms, ids, ends, strict=True):
            assert one.rows("SELECT count(*) FROM alerts") == [(2,)]
            assert one.states(id_) == {"accepted": PEOPLE + 1}
            assert one.states(end) == {"accepted": PEOPLE + 1}
            assert [row[:2] for row in forwarded(one)] == [(id_, "accepted"), (end, "accepted")]
            assert one.rows("SELECT count(*) FROM alarms") == [(0,)]
        counts = sms.counts()
        assert counts["taken"] == 2 * PEOPLE * count
        heard = [json.loads(one.rows("SELECT body FROM alerts WHERE id = ?", id_)[0][0])
                 for one, id_ in zip(platforms, ids, strict=True)]  # fmt: skip
        original = json.loads(sent[0][0])
        for other in heard[1:]:
            for name in (
                "identifier",
                "sender",
                "sender_name",
                "headline",
                "description",
                "instruction",
                "color",
            ):
                assert other[name] == original[name]


def test_a_neighbour_that_is_away_hears_of_it_when_it_is_back(tmp_path: Path, county: Path) -> None:
    """Forwarding is as durable as telling people; what is sent is what the API and the feed show."""
    with gateway() as sms, ring(tmp_path, county, sms, 2) as (here, away):
        away.kill()
        pushed = here.push()

        def waiting() -> bool:
            return here.states(pushed["id"]) == {"accepted": PEOPLE, "waiting": 1}

        until(waiting, "everybody but the neighbour is told")
        away.start()
        until(lambda: known(away, pushed["identifier"]), "the neighbour has told its own")
        until(lambda: here.settled(pushed["id"]), "and has answered")
        assert here.states(pushed["id"]) == {"accepted": PEOPLE + 1}
        [(body,)] = here.rows("SELECT body FROM contents WHERE channel = 'north'")
        assert shown(here, f"/api/v1/alerts/{pushed['id']}/cap") == body
        assert body.partition("?>")[2].strip() in shown(here, "/feeds/cap.atom")
