"""The rows of the table, group by group, in its order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bench.groups import crash, division, peers, prediction, prefecture, speed, storm
from bench.report import Result
from bench.scale import Scale

Group = Callable[[Scale], Awaitable[Sequence[Result]]]

GROUPS: Mapping[str, Group] = {
    "one": speed.one_per_request,
    "hundred": speed.hundred_per_request,
    "mail": speed.pooled_mail,
    "peers": peers.side_by_side,
    "kill": crash.killed,
    "peers-kill": peers.killed,
    "workload-r": prefecture.whole,
    "red": prefecture.red_first,
    "memory": prefecture.long_queue,
    "match": division.matched,
    "national": division.planned,
    "places": division.touched,
    "intake": storm.thousand,
    "model": prediction.beside_measurement,
}
