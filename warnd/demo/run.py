"""
The demo from its first line to its last.

Gateways, divisions, audience, keys, the daemon, the warning, the reckoning, the lift; then it goes on serving.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Connection

from warnd.app import App
from warnd.app.story import tell
from warnd.daemon import Daemon, running
from warnd.demo import configuration, ledger, stage, warning
from warnd.demo.door import API, Door
from warnd.demo.gateways import REPORTS, Gateways, Seen, usual_faults
from warnd.demo.reckoning import Line, Reckoning, Span, reckon, targeted, told
from warnd.demo.show import Screen
from warnd.errors import WarndError
from warnd.settings import Settings, load
from warnd.store.delivery_story import get_delivery
from warnd.store.keys import Purpose, Role, create_key, open_session
from warnd.store.receipt_secrets import make_seed, receipt_secret

RECEIPTS = frozenset({REPORTS})

_LOOK_EVERY = 0.1
_MOST_LOOKS = 600
_LINK_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Told:
    """A broadcast that is over: which alert, when its 202 came (microseconds since 1970), how it went."""

    alert_id: str
    answered: int
    lines: Sequence[Line]
    found: Reckoning
    spans: Mapping[str, Span]
    seen: Mapping[str, Seen]

    def as_json(self) -> dict[str, Any]:
        """The demo's last line; INTERFACE names its keys."""
        total = self.found.total
        first, last = Span.around(self.spans.values()).seconds(self.answered)
        return {
            "alert_id": self.alert_id,
            "targeted": total.targeted,
            "accepted": total.accepted,
            "delivered": total.delivered,
            "undelivered": total.undelivered,
            "failed": total.failed,
            "suppressed": total.suppressed,
            "unknown": total.unknown,
            "retries": total.retries,
            "seconds_first": round(first, 3),
            "seconds_last": round(last, 3),
            "gateway": {name: one.counts.taken for name, one in self.seen.items()},
            "lost": self.found.lost,
            "repeated": self.found.repeated,
        }


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the demo: to send warnings with, and to look on with."""

    feed: str
    operator: str
    operator_id: str


async def run(screen: Screen, *, directory: Path, port: int, once: bool) -> Told:
    """Everything, with the daemon's files in ``directory``; port 0 is any free one. How the first alert went."""
    screen.title()
    port = port or _free_port()
    file = directory / "warnd.toml"
    async with AsyncExitStack() as life:
        gateways = await life.enter_async_context(Gateways())
        async with _opened(_settings(file, port, {})) as app:
            people = await stage.fill(app, screen)
            keys = await _keys(app)
            secret = await app.store.write(_secret, REPORTS)
        receipt_url = f"http://127.0.0.1:{port}{API}/receipts/{REPORTS}/{secret}"
        options = await gateways.open(usual_faults(people.gone), receipt_url=receipt_url)
        screen.say(screen.words.gateways)
        daemon = await life.enter_async_context(running(_settings(file, port, options)))
        screen.say(screen.words.daemon, url=daemon.url, directory=directory)
        http = await life.enter_async_context(aiohttp.ClientSession())
        play = Play(screen, gateways, daemon, Door(http, daemon.url), keys)
        issued = datetime.now(UTC)
        first = await play.broadcast(issued)
        await play.explain(first)
        await play.lift(issued, first)
        if not once:
            await play.go_on(file)
        return first


@dataclass(frozen=True, slots=True)
class Play:
    """What the demo shows, once everything stands."""

    screen: Screen
    gateways: Gateways
    daemon: Daemon
    door: Door
    keys: Keys

    async def broadcast(self, issued: datetime) -> Told:
        """Push the warning, look on until nothing more happens to it, and hold both counts against each other."""
        alert_id, answered = await self._push(warning.issue(issued), self.screen.words.pushed)
        lines = await self._over(alert_id)
        seen = await self.gateways.seen()
        found = reckon(lines, {name: one.addresses() for name, one in seen.items()}, receipts=RECEIPTS)
        spans = await self.daemon.app.store.read(ledger.spans, alert_id)
        counted = {name: one.counts.taken for name, one in seen.items()}
        self.screen.reckoning(found, spans, counted, since=answered, receipts=RECEIPTS)
        return Told(alert_id, answered, lines, found, spans, seen)

    async def explain(self, first: Told) -> None:
        """Messages as they were received, what became of one delivery, and who was not told."""
        words, store = self.screen.words, self.daemon.app.store
        one = await store.read(ledger.eventful, first.alert_id)
        if one is not None:
            text = next(m for m in first.seen["sms"].messages if m.address == one.address)
            self.screen.received(words.as_sms.format(address=one.address), text.body)
        for post in first.seen["wechat"].messages[:1]:
            self.screen.received(words.as_post, post.body)
        if one is not None:
            title = words.story.format(name=one.name, channel=words.channels[one.channel])
            told_of = tell(await store.read(get_delivery, one.id), words.language)
            self.screen.story(title, told_of, self.daemon.app.settings.time_zone)
        for untold in await store.read(ledger.untold, first.alert_id):
            self.screen.untold(untold)

    async def lift(self, issued: datetime, first: Told) -> None:
        """The second step: the end of the warning, to exactly those told; again both sides are compared."""
        cancel = warning.lift(issued, max(datetime.now(UTC), issued + timedelta(seconds=1)))
        alert_id, _ = await self._push(cancel, self.screen.words.lifting)
        lines = await self._over(alert_id)
        seen = await self.gateways.seen()
        later = {name: one.addresses()[len(first.seen[name].messages) :] for name, one in seen.items()}
        found = reckon(lines, later, receipts=RECEIPTS)
        before, now = told(first.lines), targeted(lines)
        self.screen.say(
            self.screen.words.lifted, told=len(before), reached=len(before & now), others=len(now - before),
            accepted=found.total.accepted, taken=found.total.taken, lost=found.lost,
        )  # fmt: skip

    async def go_on(self, file: Path) -> None:
        """Serve until Ctrl-C, after saying where to look."""
        app = self.daemon.app
        until = app.now() + _LINK_LASTS
        token = await app.store.write(
            open_session, self.keys.operator_id, Purpose.LINK, until=until, now=app.now()
        )
        self.screen.where_to_look(self.daemon.url, token, self.keys.operator, file)
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()

    async def _push(self, cap: bytes, said: str) -> tuple[str, int]:
        """The alert's id, and the moment its answer was here, in microseconds since 1970."""
        status, answer = await self.door.push(cap, self.keys.feed)
        answered = self.daemon.app.clock()
        self.screen.say(said, status=status, verdict=answer["verdict"])
        return str(answer["id"]), answered

    async def _over(self, alert_id: str) -> list[Line]:
        """
        Look on until nothing more happens to the alert, or for a minute at the most; its deliveries then.

        Raises WarndError when not even the planning has come to its end.
        """
        store = self.daemon.app.store
        with self.screen.progress() as progress:
            for _ in range(_MOST_LOOKS):
                standing = await store.read(ledger.standing, alert_id)
                progress.show(standing)
                if standing.is_over(RECEIPTS):
                    break
                await asyncio.sleep(_LOOK_EVERY)
        if not standing.planned:
            raise WarndError("the broadcast is still being planned: something is wrong, see the log above")
        return await store.read(ledger.lines, alert_id)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[App]:
    app = App(settings)
    await app.open()
    try:
        yield app
    finally:
        await app.close()


def _settings(file: Path, port: int, options: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Written out first, then read as any daemon would."""
    text = configuration.toml(file.parent, port=port, prefecture=stage.PREFECTURE, options=options)
    file.write_text(text, encoding="utf-8")
    return load(file, {})


async def _keys(app: App) -> Keys:
    async def made(name: str, role: Role, source: str | None) -> tuple[str, str]:
        text, key = await app.store.record(
            create_key, name, role, source=source, id=app.new_id(), now=app.now()
        )
        return text, key.id

    feed, _ = await made("demo feed", Role.FEED, configuration.SOURCE)
    operator, operator_id = await made("demo operator", Role.OPERATOR, None)
    return Keys(feed, operator, operator_id)


def _secret(connection: Connection, channel: str) -> str:
    make_seed(connection)
    return receipt_secret(connection, channel)


def _free_port() -> int:
    """The gateways must know where to report to before the daemon listens there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
