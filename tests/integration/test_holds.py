"""What is held: its time-out, four eyes, the blast radius, and the link that opens one decision."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.integration import county as counties
from tests.integration.county import HAND, Clock, County
from tests.integration.door import RED
from warnd.app.clerk import Clerk
from warnd.app.foresight import Foresight
from warnd.errors import StoreError
from warnd.model.ulid import UlidMaker
from warnd.pipeline.forecast import Forecast


@pytest.fixture
def home(tmp_path: Path, county: Path) -> Path:
    counties.settle(tmp_path, county)
    return tmp_path


@pytest.fixture
async def here(home: Path) -> AsyncIterator[County]:
    clock = Clock()
    async with counties.opened(home, clock) as door:
        await counties.hand_out_keys(door)
        yield County(door, clock)


async def held(here: County, role: str = "village", **changes: Any) -> dict[str, Any]:
    body = (HAND if role in ("zhang", "zhang2", "li") else RED) | changes
    status, answer = await here.door.ask("POST", "alerts", role=role, json=body)
    assert (status, answer["state"]) == (202, "held"), answer
    found: dict[str, Any] = answer
    return found


# --- the time-out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("color", "minutes", "then", "state", "alarm"),
    [
        pytest.param("red", 5, "release", "released", "hold_released", id="red goes out after five minutes"),
        pytest.param("yellow", 30, "reject", "rejected", "hold_rejected", id="yellow is let go after thirty"),
    ],
)
async def test_what_nobody_decides_is_decided_by_itself(
    here: County, color: str, minutes: int, then: str, state: str, alarm: str
) -> None:
    """As its answer and its alarm said beforehand; not a second earlier; with an alarm that stays."""
    headline = "武都区发布暴雨预警"
    answer = await held(here, color=color, headline=headline)
    due = here.clock.now + timedelta(minutes=minutes)
    assert answer["hold"] == {"due": due.isoformat(), "then": then}
    local = f"{due + timedelta(hours=8):%F %T}"
    said = (await here.alarms())["alert_held"]
    assert f"{ {'release': 'released', 'reject': 'rejected'}[then] } by itself at {local}" in said
    here.clock.pass_(minutes=minutes, seconds=-1)
    await here.round()
    assert await here.state(answer["id"]) == "held"
    here.clock.pass_(seconds=1)
    await here.round()
    await here.round()
    assert await here.state(answer["id"]) == state
    found = await here.alarms()
    assert set(found) == {alarm}
    assert "nobody decided in time" in found[alarm]
    verb = {"released": "approved"}.get(state, state)
    assert [one for one in await here.journal(answer["id"]) if one[1] == "time-out"] == [
        (f"alert.{verb}", "time-out")
    ]


async def test_a_time_out_outlives_the_process(home: Path) -> None:
    """It is in the store: the next process decides, once, also when it starts long after."""
    clock = Clock()
    async with counties.opened(home, clock) as door:
        await counties.hand_out_keys(door)
        here = County(door, clock)
        red, yellow = await held(here), await held(here, identifier="B", color="yellow", headline="黄色预警")
        texts = door.texts
    clock.pass_(minutes=45)
    async with counties.opened(home, clock) as door:
        door.texts.update(texts)
        here = County(door, clock)
        await here.round()
        assert [await here.state(one["id"]) for one in (red, yellow)] == ["released", "rejected"]
    async with counties.opened(home, clock) as door:
        here = County(door, clock)
        await here.round()
        facts = [kind for kind, actor in await here.journal(red["id"]) if actor == "time-out"]
        assert facts == ["alert.approved"]


async def test_what_a_time_out_releases_is_told_before_rows_are_swept(
    here: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it ends may have a million rows, or the sweep may fail: a red does not wait for that."""
    _, first = await here.door.ask("POST", "alerts", role="weather", json=RED)
    refer = [{"sender": RED["sender"], "identifier": RED["identifier"], "sent": None}]
    waiting = await held(
        here, type="update", references=refer, identifier="U", sent="2026-07-14T08:01:00+08:00"
    )
    here.clock.pass_(minutes=5)

    async def fail(*_: Any) -> None:
        raise StoreError("no room")

    monkeypatch.setattr(Clerk, "_sweep", fail)
    with pytest.raises(StoreError):
        await here.round()
    assert await here.state(first["id"]) == "superseded"
    assert here.planned == [waiting["id"]]


async def test_a_time_out_after_the_end_releases_nothing(here: County) -> None:
    """A daemon that was away too long would mislead people."""
    answer = await held(here)
    here.clock.pass_(hours=7)
    await here.round()
    assert await here.state(answer["id"]) == "rejected"
    assert "its time was over" in (await here.alarms())["hold_rejected"]


async def test_a_time_out_behind_a_later_message_releases_nothing(here: County) -> None:
    """What was held must not take the place of what was released meanwhile."""
    _, first = await here.door.ask("POST", "alerts", role="weather", json=RED)
    refer = [{"sender": RED["sender"], "identifier": RED["identifier"], "sent": None}]
    update = {"type": "update", "references": refer, "identifier": "U1", "sent": "2026-07-14T08:01:00+08:00"}
    waiting = await held(here, **update)
    later = RED | update | {"identifier": "U2", "sent": "2026-07-14T08:02:00+08:00"}
    _, other = await here.door.ask("POST", "alerts", role="weather", json=later)
    here.clock.pass_(minutes=6)
    await here.round()
    states = [await here.state(one["id"]) for one in (first, waiting, other)]
    assert states == ["superseded", "rejected", "released"]


async def test_a_held_end_of_what_others_have_ended_is_not_called_rejected(here: County) -> None:
    """It is kept, as the journal says; nobody decided, and nobody has to hear of it."""
    await here.door.ask("POST", "alerts", role="weather", json=RED)
    ends = RED | {
        "type": "cancel",
        "references": [{"sender": RED["sender"], "identifier": RED["identifier"]}],
    }
    later, sooner = (
        ends | {"identifier": f"E{minute}", "sent": f"2026-07-14T08:0{minute}:00+08:00"} for minute in (2, 1)
    )
    _, waits = await here.door.ask("POST", "alerts", role="village", json=later)
    await here.door.ask("POST", "alerts", role="weather", json=sooner)
    here.clock.pass_(minutes=6)
    await here.round()
    assert await here.state(waits["id"]) == "kept"
    assert "hold_rejected" not in await here.alarms()


async def test_what_was_ended_while_it_waited_is_never_released(here: County) -> None:
    """Neither by a person nor by itself: people would be told of what is over."""
    answer = await held(here)
    refer = [{"sender": RED["sender"], "identifier": RED["identifier"], "sent": None}]
    end = {"type": "cancel", "references": refer, "identifier": "C", "sent": "2026-07-14T08:01:00+08:00"}
    _, lift = await here.door.ask("POST", "alerts", role="village", json=RED | end)
    assert lift["state"] == "kept"
    status, problem = await here.door.ask("POST", f"alerts/{answer['id']}/approve", role="li")
    assert (status, "has ended" in problem["detail"]) == (409, True)
    here.clock.pass_(minutes=5)
    await here.round()
    assert await here.state(answer["id"]) == "rejected"


async def test_an_alarm_of_a_hold_that_is_over_goes_with_its_acknowledgement(here: County) -> None:
    """No condition ends it: somebody must look."""
    await held(here, color="blue", headline="蓝色预警")
    here.clock.pass_(minutes=31)
    await here.round()
    _, listed = await here.door.ask("GET", "alarms")
    [alarm] = [one for one in listed["items"] if one["kind"] == "hold_rejected"]
    status, _ = await here.door.ask("POST", f"alarms/{alarm['id']}/acknowledge", role="li")
    assert (status, "hold_rejected" in await here.alarms()) == (200, False)


# --- by hand, under four eyes ---------------------------------------------------------------------------


async def test_a_warning_by_hand_waits_for_another_person(here: County) -> None:
    """Whoever issued it cannot release it, with no key of theirs; the attempt is in the journal."""
    answer = await held(here, "zhang")
    assert re.fullmatch("hand-[0-9A-Z]{26}", answer["identifier"])
    _, shown = await here.door.ask("GET", f"alerts/{answer['id']}")
    assert (shown["source"], shown["sender"], shown["issuer"]) == ("hand", "duty.wudu.example", "张三")
    for role in ("zhang", "zhang2"):
        status, problem = await here.door.ask("POST", f"alerts/{answer['id']}/approve", role=role)
        assert (status, "a second person approves it" in problem["detail"]) == (409, True)
    status, _ = await here.door.ask("POST", f"alerts/{answer['id']}/approve", role="li")
    assert (status, await here.state(answer["id"])) == (200, "released")
    assert await here.journal(answer["id"]) == [
        ("alert.admitted", "张三"),
        ("alert.approval_refused", "张三"),
        ("alert.approval_refused", "张三"),
        ("alert.approved", "李四"),
    ]


async def test_whoever_issued_it_may_take_it_back(here: County) -> None:
    """That tells nobody."""
    answer = await held(here, "zhang")
    status, body = await here.door.ask("POST", f"alerts/{answer['id']}/reject", role="zhang")
    assert (status, body["state"]) == (200, "rejected")


async def test_the_end_of_a_warning_by_hand_waits_too(here: County) -> None:
    """As long as its gravest color says; nothing is lifted before."""
    first = await held(here, "zhang")
    await here.door.ask("POST", f"alerts/{first['id']}/approve", role="li")
    refer = [{"sender": "duty.wudu.example", "identifier": first["identifier"], "sent": None}]
    end = {"type": "cancel", "references": refer, "headline": "解除暴雨红色预警"}
    status, lift = await here.door.ask("POST", "alerts", role="zhang", json=end)
    assert (status, lift["state"], lift["hold"]["then"]) == (202, "held", "release")
    assert await here.state(first["id"]) == "released"
    assert (await here.door.ask("POST", f"alerts/{lift['id']}/approve", role="zhang"))[0] == 409
    assert (await here.door.ask("POST", f"alerts/{lift['id']}/approve", role="li"))[0] == 200
    assert await here.state(first["id"]) == "cancelled"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"areas": [{"regions": ["6201"]}]}, "areas", id="elsewhere"),
        pytest.param({"color": None, "headline": "暴雨"}, "color", id="of no color"),
        pytest.param({"areas": [{"regions": ["621202999"]}]}, "areas", id="nowhere"),
        pytest.param({"areas": []}, "areas", id="without a place"),
        pytest.param({"hazard": "rainstrom", "headline": "发布红色预警"}, "hazard", id="of a mistyped kind"),
        pytest.param({"sender": "62120241600000"}, "sender", id="in another's name"),
        pytest.param({"type": "cancel", "references": [
            {"sender": RED["sender"], "identifier": RED["identifier"]}]}, "references", id="about another's"),
    ],
)  # fmt: skip
async def test_what_cannot_be_released_is_refused_to_the_person_who_can_mend_it(
    here: County, changes: dict[str, Any], path: str
) -> None:
    """Quarantine would be a way round the second person; the dry run says the same."""
    await here.door.ask("POST", "alerts", role="weather", json=RED)
    for route in ("alerts?dry_run=true", "alerts"):
        status, body = await here.door.ask("POST", route, role="zhang", json=HAND | changes)
        assert (status, path in {one["path"] for one in body["errors"]}) == (422, True), body
    _, listed = await here.door.ask("GET", "alerts?state=quarantined")
    assert listed["items"] == []


async def test_a_request_by_hand_that_is_repeated_issues_one_warning(here: County) -> None:
    """Its identifier is its time as well."""
    body = {"identifier": f"hand-{UlidMaker().one(here.clock.now)}"}
    first = await held(here, "zhang", **body)
    here.clock.pass_(minutes=1)
    status, again = await here.door.ask("POST", "alerts", role="zhang", json=HAND | body)
    assert (status, again["id"], again["repeat"]) == (200, first["id"], True)


async def test_the_same_words_by_hand_are_issued_once(here: County) -> None:
    """Both would be released by time-out, and people told twice; an end counted from now lies a little later."""
    first = await held(here, "zhang", expires="2026-07-14T14:00:00+08:00")
    again = HAND | {"expires": "2026-07-14T14:02:00+08:00"}
    here.clock.pass_(minutes=2)
    status, answer = await here.door.ask("POST", "alerts", role="zhang", json=again)
    assert (status, answer["id"], answer.get("repeat")) == (200, first["id"], True), answer
    assert answer["warnings"] == []
    here.clock.pass_(minutes=3)
    await here.round()
    assert await here.state(first["id"]) == "released"
    status, answer = await here.door.ask("POST", "alerts", role="zhang", json=again)
    assert (status, answer["id"]) == (200, first["id"])
    _, dry = await here.door.ask("POST", "alerts?dry_run=true", role="zhang", json=again)
    assert dry["state"] == "held", "a dry run is of a message that comes for the first time"


async def test_the_same_words_by_hand_are_a_new_warning_once_the_first_counts_no_more(here: County) -> None:
    """A rejected one is issued anew; long after a release people are told again, if somebody means it."""
    first = await held(here, "zhang")
    await here.door.ask("POST", f"alerts/{first['id']}/reject", role="li")
    second = await held(here, "zhang")
    await here.door.ask("POST", f"alerts/{second['id']}/approve", role="li")
    here.clock.pass_(minutes=16)
    assert (await held(here, "zhang"))["id"] not in (first["id"], second["id"])


@pytest.mark.parametrize(
    ("area", "name"),
    [
        pytest.param({"regions": ["621202"]}, "甘肃省陇南市武都区", id="a code"),
        pytest.param({"regions": ["621202000000"]}, "甘肃省陇南市武都区", id="a padded one"),
        pytest.param(
            {"regions": ["621202101", "621202102"]},
            "甘肃省陇南市武都区安化镇、甘肃省陇南市武都区东江镇",
            id="several",
        ),
        pytest.param({"regions": ["621202"], "name": "武都全区"}, "武都全区", id="a name of its own"),
    ],
)
async def test_an_area_by_hand_goes_out_under_its_name(here: County, area: dict[str, Any], name: str) -> None:
    """Whoever reads it elsewhere knows no codes; it is so before a second person looks."""
    answer = await held(here, "zhang", areas=[area])
    _, shown = await here.door.ask("GET", f"alerts/{answer['id']}")
    assert [one["name"] for one in shown["message"]["areas"]] == [name]
    reply = await here.door.reply("GET", f"alerts/{answer['id']}/cap")
    assert f"<areaDesc>{name}</areaDesc>" in await reply.text()


async def test_by_hand_is_json_alone_and_off_unless_configured(here: County, door: Any) -> None:
    """The second door is the one of a configuration without [issue]."""
    status, _ = await here.door.ask(
        "POST", "alerts", role="zhang", data=b"<alert/>", headers={"Content-Type": "application/cap+xml"}
    )
    assert status == 415
    status, problem = await door.ask("POST", "alerts", role="operator", json=HAND)
    assert (status, "issue.sender" in problem["detail"]) == (409, True)


async def test_the_blast_radius_is_shown_while_it_waits(here: County) -> None:
    """By channel and level, with who cannot be told; of an end, those who were told."""
    await here.door.settle_in(4)
    answer = await held(here, "zhang")
    status, found = await here.door.ask("GET", f"alerts/{answer['id']}/forecast", role="li")
    assert (status, found) == (200, {
        "targeted": 4, "suppressed": 0, "by_channel": {"sms": 4}, "by_level": {"township": 4}, "by_reason": {},
        "told_before": 0, "delayed": 0,
    })  # fmt: skip
    await here.door.ask("POST", f"alerts/{answer['id']}/approve", role="li")
    assert (await here.door.ask("GET", f"alerts/{answer['id']}/forecast"))[0] == 409
    await here.door.app.broadcaster.broadcast(answer["id"])
    _, log = await here.door.ask("GET", "deliveries")
    told = [one["id"] for one in log["items"]][:3]

    def tell(connection: Any) -> None:
        for one in told:
            connection.exec_driver_sql("UPDATE deliveries SET told = 1 WHERE id = ?", (one,))

    await here.door.app.store.write(tell)
    refer = [{"sender": "duty.wudu.example", "identifier": answer["identifier"], "sent": None}]
    end = {"type": "cancel", "references": refer}
    _, dry = await here.door.ask("POST", "alerts?dry_run=true", role="zhang", json=end)
    assert (dry["targeted"], dry["by_channel"], dry["told_before"]) == (3, {"sms": 3}, 3)


@pytest.mark.parametrize("id_", ["nope", "01KXEZB1Y0E51THZXH3ZMGFH33", "no-pe"])
async def test_an_alert_that_is_not_there_is_named(here: County, id_: str) -> None:
    """Whatever it is called: a slip of the hand in an id is none in the address."""
    for method, path in (("GET", f"alerts/{id_}/forecast"), ("POST", f"alerts/{id_}/approve")):
        status, problem = await here.door.ask(method, path, role="li")
        assert (status, problem["detail"]) == (404, f"no alert {id_}")


# --- the link -------------------------------------------------------------------------------------------


async def minted(here: County, alert_id: str, name: str = "王五", role: str = "li") -> str:
    """The link's path."""
    status, body = await here.door.ask("POST", f"alerts/{alert_id}/links", role=role, json={"for": name})
    assert (status, body["for"]) == (201, name), body
    return "/release/" + str(body["url"]).rpartition("/")[2]


async def decide(here: County, path: str, *, origin: str | None = None, **form: str) -> ClientResponse:
    """As a browser sends the page's form."""
    ours = str(here.door.client.make_url("/"))[:-1]
    return await here.door.client.post(path, data=form, headers={"Origin": origin or ours})


async def test_a_link_shows_what_waits_and_releases_once(here: County) -> None:
    """Looking does nothing, however often; a decision uses it up, and the journal has the name it was for."""
    await here.door.settle_in(4)
    answer = await held(here, "zhang")
    path = await minted(here, answer["id"])
    for _ in range(3):
        async with here.door.client.get(path + "?lang=en") as page:
            assert page.status == 200
            assert "form-action 'self'" in page.headers["Content-Security-Policy"]
            assert page.headers["Cache-Control"] == "no-store"
            text = await page.text()
    assert all(part in text for part in (HAND["headline"], "王五", "张三", "Would be told"))
    assert await here.state(answer["id"]) == "held"
    async with await decide(here, path, decision="release") as reply:
        assert reply.status == 200
    assert await here.state(answer["id"]) == "released"
    assert ("alert.approved", "王五") in await here.journal(answer["id"])
    assert ("link.minted", "李四") in await here.journal(answer["id"])
    for again in (here.door.client.get(path), decide(here, path, decision="reject")):
        async with await again as reply:
            assert reply.status == 410
    assert await here.state(answer["id"]) == "released"


async def test_a_link_rejects_with_a_reason(here: County) -> None:
    """Nobody is told."""
    answer = await held(here)
    path = await minted(here, answer["id"])
    async with await decide(here, path, decision="reject", reason="误报") as reply:
        assert reply.status == 200
    assert await here.state(answer["id"]) == "rejected"


@pytest.mark.parametrize("spoil", ["other", "short", "expired", "decided", "nonsense"])
async def test_a_link_that_is_not_quite_right_opens_nothing(here: County, spoil: str) -> None:
    """Tampered, over, of an alert that is decided, or made up: the same page, and nothing is decided."""
    answer = await held(here, "zhang")
    path = await minted(here, answer["id"])
    match spoil:
        case "other":
            path = path[:-1] + ("A" if path[-1] != "A" else "B")
        case "short":
            path = path[:-1]
        case "nonsense":
            path = "/release/%00%ff"
        case "expired":
            here.clock.pass_(minutes=5)
        case _:
            await here.door.ask("POST", f"alerts/{answer['id']}/reject", role="li")
    before = await here.state(answer["id"])
    async with here.door.client.get(path) as page:
        assert page.status == 410
        assert HAND["headline"] not in await page.text()
    async with await decide(here, path, decision="release") as reply:
        assert reply.status == 410
    assert await here.state(answer["id"]) == before


async def test_a_link_decides_on_its_own_alert_alone(here: County) -> None:
    """Another one that waits goes on waiting."""
    mine, other = await held(here, "zhang"), await held(here)
    async with await decide(here, await minted(here, mine["id"]), decision="release") as reply:
        assert reply.status == 200
    assert [await here.state(one["id"]) for one in (mine, other)] == ["released", "held"]


@pytest.mark.parametrize(
    ("role", "name"),
    [
        pytest.param("zhang", "王五", id="its issuer may make none"),
        pytest.param("zhang2", "王五", id="nor with a second key"),
        pytest.param("li", " 张三 ", id="nor may one be made out to its issuer"),
    ],
)
async def test_a_link_is_no_way_round_the_second_person(here: County, role: str, name: str) -> None:
    """Else four eyes would be two."""
    answer = await held(here, "zhang")
    status, problem = await here.door.ask(
        "POST", f"alerts/{answer['id']}/links", role=role, json={"for": name}
    )
    assert (status, "was issued by 张三" in problem["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("origin", "form", "status"),
    [
        pytest.param("https://elsewhere.example", {"decision": "release"}, 403, id="from another page"),
        pytest.param(None, {"decision": "maybe"}, 400, id="neither button"),
        pytest.param(None, {}, 400, id="nothing"),
        pytest.param(None, {"decision": "reject", "reason": "x" * 1001}, 400, id="a novel"),
    ],
)
async def test_a_form_that_is_not_ours_decides_nothing(
    here: County, origin: str | None, form: dict[str, str], status: int
) -> None:
    """And the link still works."""
    answer = await held(here)
    path = await minted(here, answer["id"])
    async with await decide(here, path, origin=origin, **form) as reply:
        assert reply.status == status
    async with here.door.client.get(path) as page:
        assert page.status == 200


async def sign_in(here: County, role: str) -> None:
    ours = str(here.door.client.make_url("/"))[:-1]
    await here.door.client.post(
        "/signin", data={"key": here.door.texts[role]}, headers={"Origin": ours}, allow_redirects=False
    )


async def test_the_page_of_a_held_alert_says_how_it_waits(here: County) -> None:
    """Its time-out, whom it would tell, and who may decide; no heading stands without words below it."""
    await here.door.settle_in(4)
    answer = await held(here, "zhang")
    await sign_in(here, "li")
    async with here.door.client.get(f"/alerts/{answer['id']}?lang=en") as page:
        text = await page.text()
    for part in (
        "Waits for a second person",
        "Released by itself at",
        "Somebody other than 张三",
        "Would be told",
    ):
        assert part in text
    assert '<p class="prose" dir="auto"></p>' not in text


async def test_a_page_opens_though_somebody_decides_meanwhile(
    here: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading how it waits and counting whom it would tell, a second person may be quicker."""
    answer = await held(here, "zhang")
    await sign_in(here, "li")
    of_held = Foresight.of_held

    async def overtaken(self: Foresight, alert_id: str, now: datetime) -> Forecast:
        await here.door.ask("POST", f"alerts/{alert_id}/reject", role="li")
        return await of_held(self, alert_id, now)

    monkeypatch.setattr(Foresight, "of_held", overtaken)
    async with here.door.client.get(f"/alerts/{answer['id']}") as page:
        assert page.status == 200


# --- too much --------------------------------------------------------------------------------------------


async def test_over_its_rate_a_source_is_asked_to_come_again_unless_it_is_grave(here: County) -> None:
    """Nothing of what was refused is kept."""
    for n in range(3):
        status, answer = await here.door.ask(
            "POST", "alerts", role="water",
            json=RED | {"identifier": f"W{n}", "color": "blue", "headline": "蓝色预警"},
        )  # fmt: skip
        assert status == (202 if n < 2 else 429), answer
    reply = await here.door.reply("POST", "alerts", role="water", data=b"nonsense")
    assert (reply.status, 0 < int(reply.headers["Retry-After"]) <= 3600) == (429, True)
    assert "source_over_rate" in await here.alarms()
    status, _ = await here.door.ask("POST", "alerts", role="water", json=RED | {"identifier": "W9"})
    assert status == 202

    def kept(connection: Any) -> int:
        return int(connection.exec_driver_sql("SELECT count(*) FROM raw_messages").scalar())

    assert await here.door.app.store.read(kept) == 3


async def test_a_body_that_is_over_the_rate_in_whole_is_to_come_again(here: County) -> None:
    """Told that its warnings are invalid, a platform would never send them again."""
    blue = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{}</identifier><sender>water</sender>
        <sent>2026-07-14T08:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
        <info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Future</urgency>
        <severity>Minor</severity><certainty>Likely</certainty><headline>发布暴雨蓝色预警</headline>
        <area><areaDesc>武都区</areaDesc></area></info></alert>"""
    for first, expected in (("A", 202), ("C", 429)):
        body = "".join(blue.format(f"{first}{n}") for n in range(2))
        reply = await here.door.reply(
            "POST", "alerts", role="water", data=f"<alerts>{body}</alerts>".encode(),
            headers={"Content-Type": "application/xml"},
        )  # fmt: skip
        assert reply.status == expected, await reply.text()
    assert int(reply.headers["Retry-After"]) > 0


async def test_unusually_many_reds_alarm_and_block_nothing(here: County) -> None:
    """More than three within ten minutes, of this source; an hour's reds are not counted together."""
    for n in range(4):
        assert "reds_unusual" not in await here.alarms()
        status, answer = await here.door.ask(
            "POST", "alerts", role="water", json=RED | {"identifier": f"R{n}"}
        )
        assert (status, answer["state"]) == (202, "released")
    assert "4 red warnings in 10 minutes, more than 3" in (await here.alarms())["reds_unusual"]


async def test_reds_far_apart_are_nothing_unusual(here: County) -> None:
    """As many as a long storm has."""
    for n in range(6):
        await here.door.ask("POST", "alerts", role="water", json=RED | {"identifier": f"R{n}"})
        here.clock.pass_(minutes=4)
    assert "reds_unusual" not in await here.alarms()
