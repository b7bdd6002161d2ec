"""What Prometheus is shown."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Sending:
    """One channel's figures, looked up once and not once a request."""

    def __init__(self, metrics: Metrics, channel: str) -> None:
        self._seconds = metrics.seconds.labels(channel)
        self._accepted = metrics.outcomes.labels(channel, "accepted")
        self._other = metrics.outcomes.labels(channel, "other")
        self._requests = {
            result: metrics.requests.labels(channel, result) for result in ("accepted", "mixed", "refused")
        }

    def settled(self, *, seconds: float, accepted: int, others: int) -> None:
        """One request came to an end."""
        self._seconds.observe(seconds)
        if accepted:
            self._accepted.inc(accepted)
        if others:
            self._other.inc(others)
        self._requests["mixed" if accepted and others else "accepted" if accepted else "refused"].inc()


class Metrics:
    """All figures of one daemon, in a registry of their own; counts are since start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sending: dict[str, Sending] = {}
        self.alerts = Counter(
            "warnd_alerts_admitted", "Messages admitted", ["state", "color"], registry=self.registry
        )
        self.requests = Counter(
            "warnd_requests", "Requests to providers", ["channel", "result"], registry=self.registry
        )
        self.outcomes = Counter(
            "warnd_outcomes", "Outcomes by delivery", ["channel", "outcome"], registry=self.registry
        )
        self.seconds = Histogram(
            "warnd_request_seconds",
            "Time of one request to a provider",
            ["channel"],
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
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

    def sending(self, channel: str) -> Sending:
        """The figures of one channel's requests."""
        found = self._sending.get(channel)
        if found is None:
            found = self._sending[channel] = Sending(self, channel)
        return found

    def exposition(self) -> bytes:
        """Everything in the text format."""
        return generate_latest(self.registry)
