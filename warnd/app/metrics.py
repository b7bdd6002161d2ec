"""What Prometheus is shown."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_BOUNDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds of a request, the upper bounds of the histogram's buckets."""

_LABELS = (*map(str, _BOUNDS), "+Inf")


class Sending:
    """One channel's figures since start, as plain numbers: a request costs no lock and no look-up of labels."""

    def __init__(self) -> None:
        self.accepted = self.others = 0
        self.requests = {"accepted": 0, "mixed": 0, "refused": 0}
        self.buckets = [0] * (len(_BOUNDS) + 1)
        self.seconds = 0.0

    def settled(self, *, seconds: float, accepted: int, others: int) -> None:
        """One request came to an end."""
        self.accepted += accepted
        self.others += others
        self.requests["mixed" if accepted and others else "accepted" if accepted else "refused"] += 1
        self.buckets[bisect_left(_BOUNDS, seconds)] += 1
        self.seconds += seconds


class _Requests(Collector):
    """All channels' figures in Prometheus's terms, made when they are asked for."""

    def __init__(self, sending: Mapping[str, Sending]) -> None:
        self._sending = sending

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "warnd_requests", "Requests to providers", labels=["channel", "result"]
        )
        outcomes = CounterMetricFamily(
            "warnd_outcomes", "Outcomes by delivery", labels=["channel", "outcome"]
        )
        seconds = HistogramMetricFamily(
            "warnd_request_seconds", "Time of one request to a provider", labels=["channel"]
        )
        for channel, one in self._sending.items():
            for result, n in one.requests.items():
                requests.add_metric([channel, result], n)
            outcomes.add_metric([channel, "accepted"], one.accepted)
            outcomes.add_metric([channel, "other"], one.others)
            upto = accumulate(one.buckets)
            buckets = list(zip(_LABELS, upto, strict=True))
            seconds.add_metric([channel], buckets, one.seconds)
        yield from (requests, outcomes, seconds)


class Metrics:
    """All figures of one daemon, in a registry of their own; counts are since start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sending: defaultdict[str, Sending] = defaultdict(Sending)
        self.alerts = Counter(
            "warnd_alerts_admitted", "Messages admitted", ["state", "color"], registry=self.registry
        )
        self.receipts = Counter(
            "warnd_receipts", "Receipts received", ["channel", "status"], registry=self.registry
        )
        self.feed_polls = Counter(
            "warnd_feed_polls", "Polls of feeds", ["feed", "result"], registry=self.registry
        )
        self.feed_entries = Counter(
            "warnd_feed_entries", "New entries of feeds", ["feed", "taken"], registry=self.registry
        )
        self.held = Gauge("warnd_batches_held", "Batches held in memory", ["channel"], registry=self.registry)
        self.alarms = Gauge("warnd_alarms_open", "Open alarms", ["kind"], registry=self.registry)
        self.commits = Gauge("warnd_store_commits", "Commits of the store", registry=self.registry)
        self.registry.register(_Requests(self._sending))

    def sending(self, channel: str) -> Sending:
        """The figures of one channel's requests."""
        return self._sending[channel]

    def exposition(self) -> bytes:
        """Everything in the text format."""
        return generate_latest(self.registry)
