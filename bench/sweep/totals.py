"""The table of a sweep: variant by variant, where it was struck and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from bench.sweep.broadcast import Survived
from bench.sweep.judging import Verdict

PHASES = ("before the 202", "planning", "sending", "settling", "receipts", "starting", "done")


@dataclass(slots=True)
class Total:
    """Of one variant, or of all."""

    broadcasts: int = 0
    recipients: int = 0
    in_flight: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def kills(self) -> int:
        return self.struck.total()

    def add(self, survived: Survived, people: int) -> None:
        self.broadcasts += 1
        self.recipients += people
        self.in_flight += survived.in_flight
        self.struck.update(survived.struck)
        self.verdict += survived.verdict

    def __add__(self, other: Total) -> Total:
        return Total(
            self.broadcasts + other.broadcasts,
            self.recipients + other.recipients,
            self.in_flight + other.in_flight,
            self.struck + other.struck,
            self.verdict + other.verdict,
        )


HEADER = (
    "", "broadcasts", "recipients", "kills", *PHASES, "in flight", "told twice", "of them unmarked", "lost",
    "given up, with an alarm", "receipts lost",
)  # fmt: skip


def cells(totals: Mapping[str, Total]) -> Sequence[Sequence[str]]:
    """A row for each variant and one for all."""
    everything = sum(totals.values(), Total())
    return [_row(name, total) for name, total in {**totals, "together": everything}.items()]


def show(totals: Mapping[str, Total], console: Console) -> None:
    """Turned on its side, so that it fits: a column for each variant."""
    rows = [HEADER, *cells(totals)]
    table = Table(*(row[0] for row in rows), title="kill -9")
    for column in table.columns[1:]:
        column.justify = "right"
    for line in list(zip(*rows, strict=True))[1:]:
        table.add_row(*line)
    console.print(table)


def markdown(totals: Mapping[str, Total]) -> str:
    rows = [HEADER, *cells(totals)]
    first, *lines = zip(*rows, strict=True)
    rule = ["---", *("---:" for _ in rows[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (first, rule, *lines))


def as_json(totals: Mapping[str, Total], *, seed: int, seconds: float) -> Mapping[str, object]:
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "clean": all(total.verdict.clean for total in totals.values()),
        "variants": {
            name: {**asdict(total), "struck": dict(total.struck), "kills": total.kills}
            for name, total in totals.items()
        },
    }


def _row(name: str, total: Total) -> Sequence[str]:
    verdict = total.verdict
    numbers = [
        total.broadcasts, total.recipients, total.kills, *(total.struck[phase] for phase in PHASES), total.in_flight,
        verdict.repeated, verdict.unmarked, verdict.lost, verdict.given_up, verdict.receipts_lost,
    ]  # fmt: skip
    return [name, *(f"{number:,}" for number in numbers)]
