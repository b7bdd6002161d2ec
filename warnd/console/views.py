"""What the pages show: the store's answers put into values that a template only has to write down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from warnd.app.story import Moment, Tone, tone_of
from warnd.console.quarantine import Quarantine
from warnd.errors import Fault
from warnd.model.delivery import State


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a progress bar, in per cent of its width."""

    tone: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How many deliveries stand where; ``counts`` has every tone in its order, ``parts`` those above zero.

    ``resent`` of those ``targeted`` are told again in a later round; nought where that is told for all together.
    """

    targeted: int
    suppressed: int
    resent: int
    counts: tuple[tuple[str, int], ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class AlertHead:
    """
    An alert as every page names it. ``color`` is "none" when it is not known.

    ``change`` is what it changes in words, empty for a first issue; ``standing`` is its state in words.
    """

    id: str
    color: str
    hazard: str
    headline: str
    issuer: str
    area: str
    status: str
    change: str
    state: str
    standing: str
    sent: datetime
    received: datetime
    expires: datetime | None
    identifier: str
    source: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """``alert_id`` is empty when the alarm is not about one alert."""

    title: str
    message: str
    since: datetime
    times: int
    acknowledged_by: str | None
    alert_id: str


@dataclass(frozen=True, slots=True)
class Home:
    """``by_color`` counts the ``actual`` ones in force, the gravest first; exercises are shown and not counted."""

    by_color: Sequence[tuple[str, int]]
    in_force: Sequence[AlertHead]
    alarms: Sequence[OpenAlarm]
    recent: Sequence[AlertHead]
    actual: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table of progress."""

    name: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Of the divisions of one level in the area: in how many somebody was told, in how many nobody was even to be."""

    name: str
    divisions: int
    with_told: int
    without_anybody: int


@dataclass(frozen=True, slots=True)
class GapRow:
    region: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class SentText:
    """The words of one channel in one language, which ``tag`` names for the browser."""

    channel: str
    kind: str
    language: str
    tag: str
    subject: str
    body: str
    segments: int
    template: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Broadcast:
    """The live part of an alert's page; ``forgotten`` is when all but the counts was, None while it is kept."""

    alert: AlertHead
    progress: Progress
    planning: bool
    planned: int
    plan_of: int
    by_channel: Sequence[Row]
    by_level: Sequence[Row]
    coverage: Sequence[CoverageRow]
    gaps: Sequence[GapRow]
    more_gaps: bool
    forgotten: datetime | None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """An alert's page: the part that lives, and the words that stand."""

    live: Broadcast
    quarantine: Quarantine
    description: str
    instruction: str
    texts: Sequence[SentText]


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """``line`` is the delivery as the log has it; ``body`` is empty when nothing was to be sent."""

    line: LogLine
    alert_id: str
    headline: str
    color: str
    place: str
    round: int
    story: Sequence[Moment]
    subject: str
    body: str
    tag: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A delivery as the log shows it; ``why`` is empty when all is well."""

    id: str
    name: str
    address: str
    channel: str
    region: str
    state: str
    attempts: int
    updated: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Log:
    """
    A page of the log. ``filters`` are the form's fields as they were sent; ``faults`` what is wrong with them.

    ``forgotten``: when the deliveries of the alert asked for were, None while they are kept.
    """

    filters: Mapping[str, str]
    states: Sequence[tuple[str, str]]
    channels: Sequence[tuple[str, str]]
    alerts: Sequence[tuple[str, str]]
    faults: Sequence[Fault]
    rows: Sequence[LogLine]
    first_url: str
    next_url: str
    forgotten: datetime | None

    @property
    def filtered(self) -> bool:
        return any(self.filters.values())


def progress_of(counts: Mapping[str, int], resent: int = 0) -> Progress:
    """The bar for these counts by state; what nobody meant to send stands beside it."""
    by_tone = dict.fromkeys(Tone, 0)
    for state, count in counts.items():
        if state != State.SUPPRESSED.value:
            by_tone[tone_of(State(state))] += count
    return Progress(
        sum(by_tone.values()),
        counts.get(State.SUPPRESSED.value, 0),
        resent,
        tuple((tone.value, count) for tone, count in by_tone.items()),
        tuple(_parts({tone: count for tone, count in by_tone.items() if count})),
    )


_LEAST_WIDTH = 0.8
"""Per cent: one failure among a hundred thousand is still a line one can see."""


def _parts(counts: Mapping[Tone, int]) -> Iterable[Part]:
    raised = {tone: max(count / sum(counts.values()) * 100, _LEAST_WIDTH) for tone, count in counts.items()}
    scale = 100 / sum(raised.values(), 0.0) if raised else 0.0
    start = 0.0
    for tone, width in raised.items():
        yield Part(tone.value, counts[tone], round(start, 3), round(width * scale, 3))
        start += width * scale
