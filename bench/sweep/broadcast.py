"""One broadcast of a sweep: a deployment, a gateway, a feed, several deaths, a verdict."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench.audience import Crowd
from bench.gateway import Counting, counting_gateway, free_port
from bench.sweep.deployment import Deployment
from bench.sweep.evidence import gathered, phase, receipts_are_in, settled
from bench.sweep.feed import Feed
from bench.sweep.ground import Ground
from bench.sweep.judging import Evidence, Verdict, judge
from bench.sweep.moments import Course, Moment, draw
from bench.sweep.variants import Follow, Shape, Variant
from bench.until import until
from bench.warning import warning

_PATIENCE = 120.0
_RECEIPTS_PATIENCE = 15.0
_LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Death:
    """Whose it was, in which phase it struck, and how many recipients were in flight."""

    victim: str
    phase: str
    in_flight: int


@dataclass(frozen=True, slots=True)
class Survived:
    """One broadcast: its deaths, and how it ended."""

    deaths: Sequence[Death]
    verdict: Verdict


def broadcast(
    ground: Ground, variant: Variant, kills: int, dice: random.Random, *, spoil: int, struck: Callable[[], None]
) -> Survived:  # fmt: skip
    """
    Tell everybody, with that many deaths on the way; ``struck`` is called after each.

    ``spoil`` numbers are struck from the gateway's book at the end: a judge that does not call them lost is none.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}{ground.receipts}" if variant.receipts else None
    with tempfile.TemporaryDirectory(prefix="sweep-") as home, counting_gateway(receipts=url) as gateway:
        shape = dice.choice(ground.shapes)
        faults = variant.faults(ground.people // shape.batch)
        gateway.go_wrong(latency=shape.latency, seed=dice.randrange(2**31), **faults)
        channel = {**_channel(variant, shape), **gateway.options}
        with (
            ground.deployed(
                Path(home), channel, port=port, sends=dice.random() < 0.5, splits=dice.random() < 0.5
            ) as deployment,
            closing(Feed(deployment.url, ground.key)) as feed,
        ):
            course = draw(dice, kills, deployment.victims, follows=variant.follow is not Follow.NOTHING)
            run = _Run(deployment, gateway, feed, ground.people, variant, course)
            deaths = run.through(struck)
            run.finish()
            gateway.lose(spoil)
            return Survived(deaths, judge(run.evidence(shape)))


def _channel(variant: Variant, shape: Shape) -> Mapping[str, Any]:
    return {
        "adapter": "sms.http",
        "max_batch": shape.batch,
        "slots": shape.slots,
        "receipts": variant.receipts,
        "timeout": "1s",
    }


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

    def through(self, struck: Callable[[], None]) -> Sequence[Death]:
        """
        All deaths; what died is started again, at once (also while the feed waits for an answer) or after the next one's.

        All are at work before the first; after that whoever is goes on meanwhile, and nobody waits for the others.
        """
        deaths = []
        self.deployment.begin()
        self.deployment.ready()
        self._post(self.first)
        for moment in self.course.moments:
            if not moment.starting:
                self.deployment.ready(least=1)
                self._until(partial(self._reached, moment), "so many are told")
            time.sleep(moment.after)
            self.deployment.kill(moment.victim)
            deaths.append(Death(moment.victim.name, *self._phase(moment)))
            struck()
            if moment.back or self.feed.answered < self.posted:
                self.deployment.begin()
        return deaths

    def finish(self) -> None:
        """Until everything is settled, and no receipt is left to come. What never is, the judge will find."""
        self._follow()
        self.deployment.begin()
        self.deployment.ready()
        self._until(lambda: self.feed.answered == self.posted, "all messages are answered")
        with suppress(TimeoutError):
            self._until(lambda: settled(self.deployment, self.posted), "the broadcast is over")
            if self.variant.receipts:
                arrived = partial(receipts_are_in, self.deployment, self.gateway)
                self._until(arrived, "the receipts are in", patience=_RECEIPTS_PATIENCE)

    def evidence(self, shape: Shape) -> Evidence:
        return gathered(
            self.deployment,
            self.gateway,
            Crowd("sms", self.people).addresses,
            self.variant.follow,
            answered=self.feed.answered,
            latency=shape.latency,
        )

    def _until(self, holds: Callable[[], object], what: str, *, patience: float = _PATIENCE) -> None:
        def looked() -> object:
            self.deployment.tend()
            return holds()

        until(looked, what, patience=patience, every=_LOOK_EVERY)

    def _phase(self, moment: Moment) -> tuple[str, int]:
        during, in_flight = phase(self.deployment, self.variant)
        return "starting" if moment.starting else during, in_flight

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
