"""Where scenarios are played: a real application, real channels, their gateways on loopback, a clock that is set."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from channels.email.emulator import MailGateway
from channels.sms.emulator import SmsGateway
from channels.wechat.emulator import RobotGateway
from tests.acceptance.messages import NAMES, PLACES, SENDERS, SPEAKS_OF_RAIN, as_cap, written
from tests.acceptance.script import DAY, Message, Scenario, Step
from warnd.app import App, acts
from warnd.contract.emulator import Emulator
from warnd.contract.secret import Secret
from warnd.errors import Conflict
from warnd.model.release import Person
from warnd.settings import load
from warnd.store import endpoints, groups, subscribers, subscriptions, tables
from warnd.store.database import engine_over, open_writer, upgrade

CAST = {
    "Liangshui": ("621202103", "responsible", ("sms", "wechat")),
    "Jiaogong": ("621202106", "responsible", ("sms",)),
    "Wenxian": ("621222", "responsible", ("sms",)),
    "Mayor": ("6212", "leaders", ("sms", "email")),
    "Residents": ("621202", "public", ("wechat",)),
    "Warden": ("621221", "responsible", ("sms", "email")),
    "Kangxian": ("621224", "public", ("sms", "email")),
}
"""Who there is: where, in which audience class, reached how. The warden has a siren, which is for danger alone."""

NEWCOMER = "Newcomer"

_CHANGES = {"升级为": "raised", "降级为": "lowered", "扩大": "widened", "缩小": "narrowed", "继续发布": "continued",
            "更新": "updated", "解除": "lifted", "发布": "issued"}  # fmt: skip
_OPEN = """
SELECT (SELECT count(*) FROM alerts WHERE NOT plan_done AND stopped_at IS NULL)
     + (SELECT count(*) FROM batches b JOIN alerts a ON a.id = b.alert_id WHERE b.state = 'sending'
        OR b.state IN ('queued', 'waiting', 'unknown') AND b.due <= ?1 AND a.stopped_at IS NULL)
     + (SELECT count(*) FROM deliveries WHERE state = 'waiting' AND batch_id IS NULL AND due <= ?1)
"""
_CONFIG = """
[store]
url = "sqlite:///{home}/warnd.db"
[retry]
first = "50ms"
ceiling = "100ms"
[channels.sms]
adapter = "sms.http"
{sms}
[channels.wechat]
adapter = "wechat.robot"
{wechat}
quiet = true
[channels.email]
adapter = "email.smtp"
{email}
[channels.siren]
adapter = "email.smtp"
{siren}
lifts = false
[policy.responsible.red]
channels = ["sms", "wechat", "siren"]
[policy.responsible.orange]
channels = ["sms", "wechat"]
[policy.responsible.yellow]
channels = ["sms", "wechat"]
[policy.responsible.blue]
channels = ["sms", "wechat"]
[policy.public.yellow]
channels = ["wechat", "sms", "email"]
mode = "ordered"
quiet_hours = "22:00-07:00"
[sources.weather]
regions = ["6212"]
official = true
[sources.emergency]
regions = ["6212"]
official = true
[sources.village]
regions = ["6212"]
official = false
"""


def divisions(home: Path) -> Path:
    """A store with the divisions that the scenarios speak of."""
    path = home / "warnd.db"
    raw = open_writer(path)
    connection = engine_over(raw).connect()
    upgrade(connection)
    codes = {**{PLACES[place]: name for place, name in NAMES.items()}, "62": "甘肃省", "6212": "陇南市"}
    connection.execute(insert(tables.regions), [{"code": code, "name": name} for code, name in codes.items()])
    connection.commit()
    connection.close()
    raw.close()
    return path


@asynccontextmanager
async def stage(home: Path, prepared: Path) -> AsyncIterator[Stage]:
    """Everything running, everybody in the place that ``CAST`` says."""
    shutil.copy(prepared, home / "warnd.db")
    gateways: dict[str, Emulator] = {
        "sms": SmsGateway(), "wechat": RobotGateway(per_minute=None), "email": MailGateway(), "siren": MailGateway()
    }  # fmt: skip
    for gateway in gateways.values():
        await gateway.start()
    channels = {name: _table(gateway.options) for name, gateway in gateways.items()}
    config = home / "warnd.toml"
    config.write_text(_CONFIG.format(home=home, **channels), encoding="utf-8")
    clock = _Clock(DAY)
    app = App(load(config, {}), wall=lambda: clock.now)
    await app.open()
    made = Stage(app, clock, gateways)
    for number, (person, place) in enumerate(CAST.items()):
        await made.settle(person, *place, number=number)
    async with asyncio.TaskGroup() as tasks:
        await app.start(tasks)
        try:
            yield made
        finally:
            await app.stop()
    await app.close()
    for gateway in gateways.values():
        await gateway.stop()


@dataclass(slots=True)
class _Clock:
    now: datetime


@dataclass(slots=True)
class Stage:
    """``alerts`` are the ids of the messages by the name they have in the scenario."""

    app: App
    clock: _Clock
    gateways: Mapping[str, Emulator]
    alerts: dict[str, str] = field(default_factory=dict)
    identifiers: dict[str, tuple[str, str]] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    async def play(self, scenario: Scenario) -> list[str]:
        """What each message became, step by step."""
        became = []
        for step in scenario.steps:
            await (self.under_way() if step.meanwhile else self.quiet())
            self.clock.now = step.at
            became.append(
                await (self._message(step) if step.message is not None else self._event(step.happens))
            )
        await self.quiet()
        return became

    async def heard(self, scenario: Scenario) -> list[dict[str, frozenset[str]]]:
        """What the gateways took over for whom, as "channel change" by person, step by step."""
        texts = await self.app.store.read(_texts)
        names = {alert: name for name, alert in self.alerts.items()}
        found: list[dict[str, set[str]]] = [{} for _ in scenario.steps]
        place: dict[str, int] = {}
        for number, step in enumerate(scenario.steps):
            if step.message is not None:
                place.setdefault(step.message.name, number)
            elif step.becomes == "released":
                place[step.happens.rpartition(" ")[2]] = number
        for channel, gateway in self.gateways.items():
            for one in gateway.messages():
                alert = texts[_flat(one.body)]
                person = self.addresses[one.address]
                what = f"{channel} {_change_in(one.body)}"
                said = found[place[names[alert]]].setdefault(person, set())
                said.add(f"{what} twice" if what in said else what)
        return [{person: frozenset(said) for person, said in step.items()} for step in found]

    async def said(self, scenario: Scenario) -> list[list[str]]:
        """The texts that were made of each step's message."""
        texts = await self.app.store.read(_texts)
        wanted = [self.alerts.get(step.message.name) if step.message else None for step in scenario.steps]
        return [[text for text, alert in texts.items() if alert == one] for one in wanted]

    async def quiet(self) -> None:
        """Wait until nothing is under way."""
        async with asyncio.timeout(30):
            while await self.app.store.read(_open, self.app.clock()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)  # the store calls nobody

    async def under_way(self) -> None:
        """Wait until a gateway has been asked and has not answered."""
        async with asyncio.timeout(30):
            while not await self.app.store.read(_sending):  # noqa: ASYNC110
                await asyncio.sleep(0.005)  # the store calls nobody

    async def settle(
        self, person: str, region: str, audience: str, channels: tuple[str, ...], *, number: int
    ) -> None:
        now, new = self.clock.now, self.app.new_id
        group = self.groups.get(f"{region} {audience}")
        if group is None:
            draft = groups.GroupDraft(person, region, audience=groups.AudienceClass(audience))
            made = await self.app.change_audience(
                "op", "group.created", groups.create_group, draft, id=new(), now=now
            )
            group = self.groups[f"{region} {audience}"] = made.id
            rule = subscriptions.SubscriptionDraft(group)
            await self.app.change_audience(
                "op", "subscription.created", subscriptions.create_subscription, rule, id=new(), now=now
            )
        one = subscribers.SubscriberDraft(subscribers.SubscriberKind.POST, person, region, groups=(group,))
        subscriber = await self.app.change_audience(
            "op", "subscriber.created", subscribers.create_subscriber, one, id=new(), now=now
        )
        self.people[person] = subscriber.id
        for channel in channels:
            address = self.gateways[channel].example_address(number)
            self.addresses[address] = person
            endpoint = endpoints.EndpointDraft(subscriber.id, channel, address)
            await self.app.change_audience(
                "op", "endpoint.created", endpoints.create_endpoint, endpoint, id=new(), now=now
            )

    # --- what happens -----------------------------------------------------------------------------

    async def _message(self, step: Step) -> str:
        message = step.message
        assert message is not None
        sender, issuer = SENDERS["weather" if message.relayed else message.source]
        identifier = self._identifier(message)
        again = self.identifiers.get(message.name)
        self.identifiers.setdefault(message.name, (sender, identifier))
        body = written(message, sender=sender, issuer=issuer, identifier=identifier, at=step.at,
                     of=[self.identifiers.get(one, (sender, f"weather-{one}")) for one in message.of])  # fmt: skip
        xml = message.said("as CAP") is not None
        sent = as_cap(body, message.said("as CAP") or "").encode() if xml else json.dumps(body).encode()
        speaker = self.app.speakers[message.source]
        try:
            admitted = await self.app.intake.receive(sent, None, speaker)
        except Conflict:
            return "refused"
        if admitted.repeat:
            return "a repeat"
        assert again is None, f"{message.name} is used twice"
        self.alerts[message.name] = admitted.id
        return admitted.state.value

    def _identifier(self, message: Message) -> str:
        if (other := message.said("under the identifier of")) is not None:
            return self.identifiers[other][1]
        if message.name in self.identifiers:
            return self.identifiers[message.name][1]
        if message.said("under a national identifier") is not None:
            return f"62120241600000_202607140000{ord(message.name):02}"
        return f"weather-{message.name}"

    async def _event(self, happens: str) -> str:
        match happens.split():
            case ["the", "chief", "approves", name]:
                try:
                    return (await acts.approve(self.app, self.alerts[name], by=Person("chief"))).state.value
                except Conflict:
                    return "refused"
            case ["the", "duty", "officer", "stops", name]:
                return (await acts.cancel(self.app, self.alerts[name], by="duty officer")).state.value
            case [person, "leaves", "every", "group"]:
                await self._edit(subscribers.update_subscriber, self.people[person], {"groups": []})
            case [who, channel, "is", ("suspended" | "removed") as how]:
                person = who.removesuffix("'s")
                endpoint = await self.app.store.read(_endpoint, self.people[person], channel)
                if how == "removed":
                    await self._edit(endpoints.delete_endpoint, endpoint)
                else:
                    await self._edit(endpoints.update_endpoint, endpoint, {"state": "suspended"})
            case ["a", "newcomer", "joins", person]:
                region, audience, channels = CAST[person]
                await self.settle(NEWCOMER, region, audience, channels, number=len(CAST))
            case ["the", "SMS", "gateway", "takes", "its", "time"]:
                self.gateways["sms"].faults.latency = timedelta(milliseconds=300)
            case ["the", "SMS", "gateway", "is", "busy"]:
                self.gateways["sms"].faults.unavailable = 1.0
            case ["the", "SMS", "gateway", "is", "well", "again"]:
                self.gateways["sms"].faults.unavailable = 0.0
            case _:
                raise AssertionError(f"nobody knows how to play: {happens}")
        return ""

    async def _edit(self, function: Any, *arguments: Any) -> None:
        await self.app.change_audience("op", "audience.changed", function, *arguments)


def _table(options: Mapping[str, Any]) -> str:
    plain = {key: value.reveal() if isinstance(value, Secret) else value for key, value in options.items()}
    return "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items())


def _open(connection: Connection, now: int) -> int:
    return int(connection.exec_driver_sql(_OPEN, (now,)).scalar_one())


def _sending(connection: Connection) -> int:
    return int(
        connection.exec_driver_sql("SELECT count(*) FROM batches WHERE state = 'sending'").scalar_one()
    )


def _texts(connection: Connection) -> dict[str, str]:
    """The alert of each text that was made."""
    return {
        _flat(body): alert
        for body, alert in connection.exec_driver_sql("SELECT body, alert_id FROM contents")
    }


def _endpoint(connection: Connection, subscriber: str, channel: str) -> str:
    found = endpoints.list_endpoints(connection, subscriber=subscriber, channel=channel)
    return found.items[0].id


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _change_in(body: str) -> str:
    """The word of change that stands first, before what the issuer says."""
    head = body.partition(SPEAKS_OF_RAIN)[0]
    return next(change for word, change in _CHANGES.items() if word in head)
