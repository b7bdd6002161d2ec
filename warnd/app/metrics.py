"""What Prometheus is shown."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """All figures of one daemon, in a registry of their own; counts are since start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self.held = Gauge("warnd_batches_held", "Batches held in memory", ["channel"], registry=self.registry)
        self.alarms = Gauge("warnd_alarms_open", "Open alarms", ["kind"], registry=self.registry)
        self.commits = Gauge("warnd_store_commits", "Commits of the store", registry=self.registry)

    def exposition(self) -> bytes:
        """Everything in the text format."""
        return generate_latest(self.registry)
