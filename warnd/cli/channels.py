"""``warnd channels``: what is configured, how it is, and whether a message comes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from warnd.app import App
from warnd.app.channel_health import ChannelHealth, ChannelState, health_of
from warnd.app.wiring import Line
from warnd.audience.addresses import normalise
from warnd.cli.common import ACTOR, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AsJson, Language, language
from warnd.cli.terminal import clock, print_json, print_plain, print_table
from warnd.contract.channel import ReceivesReceipts
from warnd.contract.outcome import Accepted, Deferred, Outcome, Receipt
from warnd.errors import Fault, Invalid, NotFound
from warnd.model.alert import Alert, AlertType, Status, Text
from warnd.model.color import Lane
from warnd.model.content import Content
from warnd.model.delivery import Batch
from warnd.model.hazard import OTHER
from warnd.pipeline import cap
from warnd.pipeline.deadline import Deadline
from warnd.pipeline.send import send
from warnd.pipeline.settle import describe
from warnd.queue.rates import Rate
from warnd.store import alarms, receipt_secrets
from warnd.store.journal import Entry
from warnd.store.tables import micros

_UNITS = {1.0: "s", 60.0: "min", 3600.0: "h"}

channels_app = typer.Typer(help="The ways of reaching people.", no_args_is_help=True)

_WORDS = {
    "zh": (
        "【测试】预警发布系统",
        "【测试】这是 {at} 从预警发布系统的通道 {channel} 发出的测试信息，请勿理会。",
    ),
    "en": (
        "[TEST] Early warning system",
        "[TEST] A test message, sent at {at} on channel {channel} of the early warning system. Please ignore it.",
    ),
}


@channels_app.command("list")
def list_(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """
    List the configured channels and how each is: working, down or paused, since when and why, as its alarms say.

    The receipt path holds a secret: it is what the provider is given, behind `server.public_url`. With --json rates are
    numbers a second.
    """
    found, zone = run(_list(config))
    if as_json:
        for one in found:
            print_json(_view(one))
        return
    columns = ("name", "health", "adapter", "kind", "rate", "target_rate", "slots", "emulated", "receipts")
    print_table(columns, map(_line, found))
    for one in found:
        if one.health.state is not ChannelState.WORKING:
            print_plain(
                f"{one.name} is {one.health.state.value} since {clock(one.health.since, zone)}: {one.health.why}"
            )


@channels_app.command("test")
def try_out(
    channel: Annotated[str, typer.Argument(help="A configured channel.")],
    address: Annotated[
        str, typer.Argument(help="Where to: a number, a robot's key, a mailbox, a platform's URL.")
    ],
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Send one message, marked as a test, to one address; exits 1 unless the provider takes it over."""
    outcome = run(_test(config, channel, address, language(chosen)))
    if as_json:
        print_json({"channel": channel, **describe(outcome)})
    else:
        print_plain(_told(outcome))
    if not isinstance(outcome, Accepted):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Listed:
    """A configured channel, how it is, and the path for its provider's receipts if it takes any."""

    name: str
    line: Line
    health: ChannelHealth
    receipts: str | None


async def _list(config: Path | None) -> tuple[list[Listed], ZoneInfo]:
    async with open_store(config) as app:
        standing = await app.store.read(alarms.open_alarms)
        found = [
            Listed(name, line, health_of(name, standing), await _receipt_path(app, name, line))
            for name, line in app.lines.items()
        ]
        return found, app.settings.time_zone


async def _receipt_path(app: App, name: str, line: Line) -> str | None:
    if not isinstance(line.channel, ReceivesReceipts):
        return None
    await app.store.write(receipt_secrets.make_seed)
    return f"/api/v1/receipts/{name}/{await app.store.read(receipt_secrets.receipt_secret, name)}"


async def _test(config: Path | None, name: str, address: str, spoken: str) -> Outcome:
    async with open_store(config) as app:
        if (line := app.lines.get(name)) is None:
            raise NotFound("channel", name)
        batch = _message(app, line, _normal(line, address), spoken)
        try:
            await line.channel.open(_too_early)
            deadline = Deadline(line.channel.capabilities.timeout)
            outcome = (await send(line.channel, batch, deadline))[0]
        finally:
            await line.channel.close()
        await app.store.record(lambda _: (None, [_fact(batch, outcome, app.now())]))
        return outcome


def _message(app: App, line: Line, address: str, spoken: str) -> Batch:
    """A batch of one that no table knows: the delivery log is for alerts."""
    now = app.now()
    subject, body = _WORDS[spoken]
    at = now.astimezone(app.settings.time_zone).strftime("%F %T")
    body = body.format(at=at, channel=line.route.name)
    content = Content(
        id=app.new_id(),
        alert_id="",
        kind=line.channel.capabilities.kind,
        language=spoken,
        subject=subject,
        body=body,
    )
    if content.kind == cap.KIND:
        content = _as_message(app, content, now)
    return Batch(
        id=app.new_id(),
        alert_id="",
        channel=line.route.name,
        lane=Lane.DRILL,
        content=content,
        deliveries=(app.new_id(),),
        addresses=(address,),
        created=micros(now),
        deliver_until=micros(now),
        levels=bytes(1),
        attempts=1,
    )


def _as_message(app: App, words: Content, now: datetime) -> Content:
    """For a platform: a message of status System, which by CAP 1.2 is about the network alone and tells nobody."""
    alert = Alert(
        identifier=f"test-{words.id}",
        sender="warnd",
        sent=now.astimezone(app.settings.time_zone),
        status=Status.SYSTEM,
        type=AlertType.ALERT,
        hazard=OTHER,
        color=None,
        texts={words.language: Text(words.subject, words.body)},
        language=words.language,
    )
    return cap.content_of(alert, app.surroundings.catalogue, alert_id="", content_id=words.id)


def _normal(line: Line, address: str) -> str:
    try:
        return normalise(line.channel.capabilities.kind, address)
    except ValueError as error:
        raise Invalid([Fault("address", "impossible_address", str(error))]) from error


def _fact(batch: Batch, outcome: Outcome, now: datetime) -> Entry:
    return Entry(micros(now), "channel.tested", batch.channel, describe(outcome), ACTOR)


async def _too_early(receipts: Sequence[Receipt]) -> None:
    """The test's receipt: taken, and nobody waits for it."""


def _told(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "accepted: the provider took it over"
        case Deferred(maybe_sent=True):
            return f"unknown: {outcome.reason.value} {outcome.detail}".rstrip()
        case _:
            kind = type(outcome).__name__.lower()
            return f"{kind}: {outcome.reason.value} {outcome.detail}".rstrip()


def _view(one: Listed) -> dict[str, Any]:
    settings, health = one.line.settings, one.health
    return {
        "name": one.name,
        "health": health.state.value,
        "since": health.since,
        "why": health.why,
        "adapter": settings.adapter,
        "kind": one.line.channel.capabilities.kind,
        "rate": settings.rate,
        "target_rate": rate.per_second if (rate := settings.target_rate) else None,
        "slots": one.line.slots,
        "emulated": settings.emulated,
        "receipts": one.receipts,
    }


def _line(one: Listed) -> tuple[str, ...]:
    settings = one.line.settings
    return (
        one.name,
        one.health.state.value,
        settings.adapter,
        one.line.channel.capabilities.kind,
        f"{settings.rate:g}/s" if settings.rate is not None else "",
        _as_written(settings.target_rate) if settings.target_rate is not None else "",
        str(one.line.slots),
        "yes" if settings.emulated else "no",
        one.receipts or "",
    )


def _as_written(rate: Rate) -> str:
    """As the settings say it: ``20/min``."""
    return f"{rate.tokens:g}/{_UNITS[rate.seconds]}"
