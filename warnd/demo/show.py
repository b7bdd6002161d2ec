"""What the demo puts before a person's eyes: live progress by channel, the reckoning, messages as received."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from warnd.app.phrases import phrases
from warnd.demo.ledger import Standing, Untold
from warnd.demo.reckoning import NOT_ACCEPTED, TAKEN_OVER, Reckoning, Span, Tally
from warnd.demo.words import Words
from warnd.model.delivery import State

COMMANDS = (
    "{warnd} deliveries list --config {file} --state failed",
    "{warnd} alerts list --config {file}",
    "curl -H 'Authorization: Bearer {key}' {url}/api/v1/alerts",
)
"""What to try next."""

_UNKNOWABLE = "–"

_PIPE_WIDTH = 120
"""Where nobody looks on, tables are as wide as this."""


class Screen:
    """Writes to a terminal, or plainly to a pipe; to standard error if ``aside``. ``warnd``: how it was called."""

    def __init__(self, words: Words, *, aside: bool, warnd: str = "warnd") -> None:
        self.words = words
        self._warnd = warnd
        self._console = Console(stderr=aside, highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = _PIPE_WIDTH

    def title(self) -> None:
        self._console.print(Rule(self.words.title, style="red"))

    def say(self, text: str, **facts: object) -> None:
        self._console.print(Text(f"• {text.format(**facts)}"), soft_wrap=True)

    def progress(self) -> LiveProgress:
        return LiveProgress(self._console, self.words)

    def reckoning(
        self,
        found: Reckoning,
        spans: Mapping[str, Span],
        taken: Mapping[str, int],
        *,
        since: int,
        receipts: frozenset[str],
    ) -> None:
        """
        ``taken`` is what each gateway counted; seconds run from ``since``, microseconds since 1970.

        ``receipts`` are the channels that report what arrived.
        """
        words = self.words
        table = Table(
            title=words.reckoning, title_justify="left", header_style="bold", box=box.HORIZONTALS,
            collapse_padding=True, pad_edge=False,
        )  # fmt: skip
        for place, column in enumerate(words.columns):
            table.add_column(column, justify="left" if place < 2 else "right", overflow="fold")
        channels = sorted({channel for channel, _ in found.tallies})
        for channel in channels:
            name = words.channels[channel]
            for (each, level), tally in found.tallies.items():
                if each == channel:
                    cells = _cells(tally, receipts=channel in receipts)
                    table.add_row(name, words.levels[level], *cells, "", "", str(tally.taken))
            table.add_row(
                name, words.all, *_cells(found.of_channel(channel), receipts=channel in receipts),
                *_seconds(spans.get(channel), since), str(taken[channel]), style="bold", end_section=True,
            )  # fmt: skip
        whole = Span.around(spans.values()) if spans else None
        table.add_row(
            words.all, "", *_cells(found.total), *_seconds(whole, since), str(sum(taken.values())), style="bold"
        )  # fmt: skip
        self._console.print(table)
        good = not found.lost and all(found.of_channel(name).taken == n for name, n in taken.items())
        verdict = words.agreed if good else words.disagreed
        self._console.print(
            verdict.format(lost=found.lost, repeated=found.repeated), style="green" if good else "bold red"
        )

    def received(self, title: str, body: str) -> None:
        self._console.print(Panel(Text(body), title=Text(title), title_align="left", border_style="red"))

    def story(self, title: str, told: Iterable[tuple[datetime, str]], zone: ZoneInfo) -> None:
        """Each sentence with its time, to the millisecond: most of it happens within a second."""
        table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for at, sentence in told:
            table.add_row(f"{at.astimezone(zone):%H:%M:%S.%f}"[:-3], sentence)
        self._console.print(table)

    def untold(self, one: Untold) -> None:
        words = self.words
        why = phrases(words.language).word("whys", one.why)
        if one.channel:
            self.say(words.untold, n=one.n, name=one.name, channel=words.channels[one.channel], why=why)
        else:
            self.say(words.nobody, n=one.n, name=one.name, why=why)

    def where_to_look(self, url: str, token: str, key: str, file: Path) -> None:
        """Lines to be copied: each whole, whatever the width."""
        words = self.words
        for line in (
            "",
            words.serving,
            f"  {words.link} {url}/link/{token}",
            f"  {words.key} {key}",
            f"  {words.settings.format(path=file)}",
            words.next,
            *(f"  {command.format(warnd=self._warnd, url=url, key=key, file=file)}" for command in COMMANDS),
            words.stop,
        ):
            self._console.print(Text(line), soft_wrap=True)


class LiveProgress:
    """A bar for each channel while a broadcast runs; nothing at all where nobody looks on."""

    def __init__(self, console: Console, words: Words) -> None:
        self._words = words
        said = f"{words.accepted} {{task.fields[taken]}}  {words.delivered} {{task.fields[delivered]}}"
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn(f"{said}  {words.failed} {{task.fields[failed]}}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> LiveProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, standing: Standing) -> None:
        for channel, states in sorted(standing.states.items()):
            taken = sum(states[state] for state in TAKEN_OVER)
            failed = sum(states[state] for state in NOT_ACCEPTED)
            total = states.total() - states[State.SUPPRESSED]
            facts: dict[str, Any] = {"taken": taken, "delivered": states[State.DELIVERED], "failed": failed}
            task = self._tasks.get(channel)
            if task is None:
                name = self._words.channels[channel]
                task = self._tasks[channel] = self._progress.add_task(name, total=total, **facts)
            self._progress.update(task, total=total, completed=taken + failed, **facts)


def _cells(tally: Tally, *, receipts: bool = True) -> list[str]:
    """Where no receipts come, nobody knows what arrived: that is not the same as nothing."""
    arrived = [str(tally.delivered), str(tally.undelivered)] if receipts else [_UNKNOWABLE] * 2
    return [
        *(str(n) for n in (tally.targeted, tally.accepted)),
        *arrived,
        *(str(n) for n in (tally.failed, tally.suppressed, tally.retries)),
    ]


def _seconds(span: Span | None, since: int) -> list[str]:
    return ["", ""] if span is None else [f"{seconds:.2f}" for seconds in span.seconds(since)]
