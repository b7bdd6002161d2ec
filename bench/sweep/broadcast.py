"""One broadcast of a sweep: a daemon, a gateway, a feed, several deaths, a verdict."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench.audience import Crowd, build
from bench.gateway import Counting, counting_gateway, free_port
from bench.standing import feed_key, receipts_path
from bench.sweep.deployment import Deployment, Embedded
from bench.sweep.evidence import gathered, phase, settled, unapplied
from bench.sweep.feed import Feed
from bench.sweep.judging import Verdict, judge
from bench.sweep.moments import Course, Moment, draw
from bench.sweep.variants import SHAPES, Follow, Variant
from bench.until import until
from bench.warning import warning

_PATIENCE = 120.0
_RECEIPTS_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Survived:
    """One broadcast: where each death struck, recipients in flight at all of them together, and how it ended."""

    struck: Mapping[str, int]
    in_flight: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Audience:
    """``people`` posts, in a store file that is copied for every broadcast; it has a feed's key."""

    file: Path
    people: int
    key: str
    receipts: str

    @classmethod
    def at(cls, file: Path, people: int) -> Audience:
        build(file, [Crowd("sms", people)])
        return cls(file, people, feed_key(file), receipts_path(file, "sms"))


def broadcast(
    audience: Audience, variant: Variant, kills: int, dice: random.Random, *, spoil: int, struck: Callable[[], None]
) -> Survived:  # fmt: skip
    """
    Tell everybody, with that many deaths on the way; ``struck`` is called after each.

    ``spoil`` numbers are struck from the gateway's book at the end: a judge that does not call them lost is none.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}{audience.receipts}" if variant.receipts else None
    with tempfile.TemporaryDirectory(prefix="sweep-") as home, counting_gateway(receipts=url) as gateway:
        shape = dice.choice(SHAPES)
        gateway.go_wrong(latency=shape.latency, seed=dice.randrange(2**31), **variant.faults)
        shutil.copy(audience.file, Path(home, "warnd.db"))
        channel = {
            "adapter": "sms.http", "max_batch": shape.batch, "slots": shape.slots, "receipts": variant.receipts,
            "timeout": "1s", **gateway.options,
        }  # fmt: skip
        deployment = Embedded(Path(home), channel, port=port)
        feed = Feed(deployment.url, audience.key)
        course = draw(dice, kills, follows=variant.follow is not Follow.NOTHING)
        try:
            run = _Run(deployment, gateway, feed, audience.people, variant, course)
            phases, in_flight = run.through(struck)
            run.finish()
            gateway.lose(spoil)
            addresses = Crowd("sms", audience.people).addresses
            evidence = gathered(deployment, gateway, addresses, variant.follow, answered=feed.answered)
            return Survived(phases, in_flight, judge(evidence))
        finally:
            feed.stop()
            deployment.kill()


@dataclass(slots=True)
class _Run:
    deployment: Deployment
    gateway: Counting
    feed: Feed
    people: int
    variant: Variant
    course: Course
    first: Mapping[str, Any] = field(default_factory=lambda: orjson.loads(warning("orange")))
    posted: int = 0

    def through(self, struck: Callable[[], None]) -> tuple[Counter[str], int]:
        """All deaths, a start after each; how many struck in which phase, and recipients in flight at them together."""
        phases: Counter[str] = Counter()
        in_flight = 0
        self.deployment.begin()
        self._post(self.first)
        for moment in self.course.moments:
            if not moment.starting:
                self.deployment.ready()
                until(partial(self._reached, moment), "so many are told", patience=_PATIENCE)
            time.sleep(moment.after)
            self.deployment.kill()
            during, flying = phase(self.deployment, self.variant)
            phases["starting" if moment.starting else during] += 1
            in_flight += flying
            struck()
            self.deployment.begin()
        return phases, in_flight

    def finish(self) -> None:
        """Until everything is settled, and no receipt is left to come. What never is, the judge will find."""
        self._follow()
        self.deployment.ready()
        until(lambda: self.feed.answered == self.posted, "all messages are answered", patience=_PATIENCE)
        with suppress(TimeoutError):
            until(lambda: settled(self.deployment, self.posted), "the broadcast is over", patience=_PATIENCE)
            if self.variant.receipts:
                until(self._receipts_are_in, "the receipts are in", patience=_RECEIPTS_PATIENCE)

    def _reached(self, moment: Moment) -> bool:
        """Whether so many have heard something, or no more will; sends what follows when its time has come."""
        arrived = self.gateway.arrived()
        if arrived >= self.course.follow_at * self.people:
            self._follow()
        return arrived >= moment.share * self.people or settled(self.deployment, self.posted)

    def _follow(self) -> None:
        if self.variant.follow is Follow.NOTHING or self.posted > 1:
            return
        reference = {"sender": self.first["sender"], "identifier": self.first["identifier"], "sent": None}
        if self.variant.follow is Follow.UPDATE:
            color, changes = "red", {"type": "update", "headline": "县气象台变更发布暴雨红色预警信号"}
        else:
            color, changes = "orange", {"type": "cancel", "headline": "县气象台解除暴雨橙色预警信号"}
        self._post(orjson.loads(warning(color, references=[reference], **changes)))

    def _post(self, message: Mapping[str, Any]) -> None:
        self.feed.post(orjson.dumps(message))
        self.posted += 1

    def _receipts_are_in(self) -> bool:
        """Whether the gateway has none left to push (as many as half a second before), and all have come to something."""
        before = len(self.gateway.answered())
        time.sleep(0.5)
        return before == len(self.gateway.answered()) and not unapplied(self.deployment, self.gateway)
