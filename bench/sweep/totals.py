"""The tables of a sweep: variant by variant and victim by victim, where it was struck and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from bench.sweep.broadcast import Death, Survived
from bench.sweep.judging import Verdict

PHASES = ("before the 202", "planning", "sending", "settling", "receipts", "starting", "done")


@dataclass(slots=True)
class Total:
    """Of some broadcasts and deaths."""

    broadcasts: int = 0
    recipients: int = 0
    in_flight: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def kills(self) -> int:
        return self.struck.total()

    def add(self, deaths: Sequence[Death], verdict: Verdict, people: int) -> None:
        self.broadcasts += 1
        self.recipients += people
        self.in_flight += sum(death.in_flight for death in deaths)
        self.struck.update(death.phase for death in deaths)
        self.verdict += verdict

    def __add__(self, other: Total) -> Total:
        return Total(
            self.broadcasts + other.broadcasts,
            self.recipients + other.recipients,
            self.in_flight + other.in_flight,
            self.struck + other.struck,
            self.verdict + other.verdict,
        )


@dataclass(slots=True)
class Totals:
    """``by_victim``: its own deaths, and how the broadcasts ended that had one of them, whatever else died there."""

    by_variant: dict[str, Total] = field(default_factory=dict)
    by_victim: dict[str, Total] = field(default_factory=dict)

    @property
    def together(self) -> Total:
        return sum(self.by_variant.values(), Total())

    @property
    def kills(self) -> int:
        return self.together.kills

    @property
    def clean(self) -> bool:
        return self.together.verdict.clean

    def add(self, variant: str, survived: Survived, people: int) -> None:
        self.by_variant.setdefault(variant, Total()).add(survived.deaths, survived.verdict, people)
        for victim in dict.fromkeys(death.victim for death in survived.deaths):
            deaths = [death for death in survived.deaths if death.victim == victim]
            self.by_victim.setdefault(victim, Total()).add(deaths, survived.verdict, people)


HEADER = (
    "", "broadcasts", "recipients", "kills", *PHASES, "in flight", "told twice", "of them unmarked", "lost",
    "given up, with an alarm", "receipts lost", "told what had ended", "not finished", "tallies that differ",
    "journals broken",
)  # fmt: skip


def cells(totals: Totals) -> Sequence[Sequence[str]]:
    """A row for each variant, and one for all."""
    return [_row(name, total) for name, total in {**totals.by_variant, "together": totals.together}.items()]


def show(totals: Totals, console: Console) -> None:
    """Turned on their side, so that they fit: a column for each variant, and for each victim."""
    for title, rows in _tables(totals).items():
        table = Table(*(row[0] for row in rows), title=title)
        for column in table.columns[1:]:
            column.justify = "right"
        for line in list(zip(*rows, strict=True))[1:]:
            table.add_row(*line)
        console.print(table)


def markdown(totals: Totals) -> str:
    return "\n\n".join(_markdown(rows) for rows in _tables(totals).values())


def as_json(totals: Totals, *, deployment: str, seed: int, seconds: float) -> Mapping[str, object]:
    return {
        "deployment": deployment,
        "seed": seed,
        "seconds": round(seconds, 1),
        "clean": totals.clean,
        "variants": _as_json(totals.by_variant),
        "victims": _as_json(totals.by_victim),
    }


def _tables(totals: Totals) -> Mapping[str, Sequence[Sequence[str]]]:
    tables = {"kill -9": [HEADER, *cells(totals)]}
    if len(totals.by_victim) > 1:
        victims = [_row(name, total) for name, total in totals.by_victim.items()]
        tables["by what was killed"] = [HEADER, *victims]
    return tables


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    first, *lines = zip(*rows, strict=True)
    rule = ["---", *("---:" for _ in rows[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (first, rule, *lines))


def _as_json(totals: Mapping[str, Total]) -> Mapping[str, object]:
    return {
        name: {**asdict(total), "struck": dict(total.struck), "kills": total.kills}
        for name, total in totals.items()
    }


def _row(name: str, total: Total) -> Sequence[str]:
    verdict = total.verdict
    numbers = [
        total.broadcasts, total.recipients, total.kills, *(total.struck[phase] for phase in PHASES), total.in_flight,
        verdict.repeated, verdict.unmarked, verdict.lost, verdict.given_up, verdict.receipts_lost, verdict.stale,
        verdict.unfinished, verdict.miscounted, verdict.broken,
    ]  # fmt: skip
    return [name, *(f"{number:,}" for number in numbers)]
