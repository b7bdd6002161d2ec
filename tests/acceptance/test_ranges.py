"""A plan for tens of thousands, or to those told before, shared by three processes: whichever dies, nobody is lost."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from servers.postgres import PostgresServer
from tests.acceptance import dying
from tests.acceptance.fleet import Prepared
from tests.acceptance.site import until, warning

POSTS = 30_000
BATCH = 100

AS_THE_FIRST = (
    f"INSERT INTO subscribers (id, kind, name, region, created_at) SELECT 'P' || n, kind, name, region, created_at "
    f"FROM subscribers CROSS JOIN generate_series(100001, {100_000 + POSTS - 1}) n",
    "INSERT INTO memberships (subscriber_id, group_id) "
    "SELECT s.id, m.group_id FROM memberships m CROSS JOIN subscribers s WHERE s.id LIKE 'P1%'",
    "INSERT INTO endpoints (id, subscriber_id, channel, address, created_at) "
    "SELECT 'E' || id, id, 'sms', '+86154' || lpad(substr(id, 3), 8, '0'), created_at FROM subscribers WHERE id LIKE 'P1%'",
)
"""Further posts like the one that is there, each with a number of its own: so many are quicker made than imported."""


@pytest.fixture(scope="module")
def prepared_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    prepared = Prepared.of(postgres, tmp_path_factory.mktemp("prepared"), 1)
    with psycopg.connect(postgres.place(prepared.database).url, autocommit=True) as connection:
        for statement in AS_THE_FIRST:
            connection.execute(statement)
    return prepared


@pytest.mark.parametrize(
    ("role", "kind", "when", "nth"),
    [
        pytest.param("serve", "split", "after", 1, id="once the plan is split, before anybody has a range"),
        pytest.param("worker", "chunk of a range", "before", 2, id="between two chunks of a range"),
        pytest.param(
            "worker", "chunk of a range", "after", 2, id="after a chunk of a range, before its hints"
        ),
    ],
)
def test_a_process_that_dies_with_a_range_in_hand_leaves_it_to_the_others(
    tmp_path: Path, prepared_database: Prepared, role: str, kind: str, when: str, nth: int
) -> None:  # fmt: skip
    """They go on from where its last commit ended; everybody is told once, or twice and marked."""
    with prepared_database.fleet(tmp_path, slots=8, max_batch=BATCH) as (fleet, sms):
        site = fleet.site
        mortal = ("-m", dying.__name__, kind, when, str(nth))
        through = mortal if role == "serve" else ("-m", "warnd")
        fleet.start("serve", role="serve", through=through)
        fleet.start("worker 1", through=mortal if role == "worker" else ("-m", "warnd"))
        fleet.start("worker 2")
        alert = site.push()["id"]
        dead = fleet.members.pop("serve" if role == "serve" else "worker 1")
        assert dead.process.wait(timeout=60) == dying.CODE
        until(lambda: site.settled(alert), "the others plan and send what is left")
        numbers = sms.numbers()
        twice = {number for number, times in numbers.items() if times > 1}
        assert len(numbers) == POSTS
        assert twice <= site.marked_repeats()
        assert site.states(alert) == {"accepted": POSTS}
        assert site.rows("SELECT planned, plan_done FROM alerts") == [(POSTS, True)]
        assert site.rows("SELECT count(*) FROM plan_ranges") == [(0,)]
        assert {member.stop() for member in fleet.members.values()} == {0}


@pytest.mark.parametrize(
    ("role", "kind", "when"),
    [
        pytest.param(
            "serve", "split", "after", id="once those told are shared out, before anybody has a range"
        ),
        pytest.param("worker", "chunk of a range", "before", id="between two chunks of a range"),
        pytest.param("worker", "chunk of a range", "after", id="after a chunk of a range, before its hints"),
    ],
)
def test_a_process_that_dies_while_those_told_hear_of_the_end_leaves_them_to_the_others(
    tmp_path: Path, prepared_database: Prepared, role: str, kind: str, when: str
) -> None:
    """Everybody who was told hears of it, once, or twice and marked."""
    with prepared_database.fleet(tmp_path, slots=8, max_batch=BATCH) as (fleet, sms):
        site = fleet.site
        mortal = ("-m", dying.__name__, kind, when, "2")  # the second split is that of the end
        fleet.start("serve", role="serve", through=mortal if role == "serve" else ("-m", "warnd"))
        fleet.start("worker 1")
        first = warning()
        alert = site.post(first)[1]["id"]
        until(lambda: site.settled(alert), "everybody is told")
        assert site.states(alert) == {"accepted": POSTS}
        fleet.start("worker 2", through=mortal if role == "worker" else ("-m", "warnd"))
        lift = site.push(
            identifier=f"{first['identifier']}9", type="cancel",
            references=[{"sender": first["sender"], "identifier": first["identifier"], "sent": None}],
        )["id"]  # fmt: skip
        dead = fleet.members.pop("serve" if role == "serve" else "worker 2")
        assert dead.process.wait(timeout=60) == dying.CODE
        until(lambda: site.settled(lift), "the others plan and send what is left")
        assert site.states(lift) == {"accepted": POSTS}
        assert site.rows("SELECT plan_done, planned FROM alerts WHERE id = ?", lift) == [(True, POSTS)]
        assert site.rows("SELECT count(*) FROM plan_ranges") == [(0,)]
        numbers = sms.numbers()
        assert set(numbers.values()) <= {2, 3}
        assert {number for number, times in numbers.items() if times == 3} <= site.marked_repeats()
        assert {member.stop() for member in fleet.members.values()} == {0}
