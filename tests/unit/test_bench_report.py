"""What the benchmark hands on: bars, tables, the sections of its README, the pictures."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench import matrix, report
from bench.matrix import HALF, LOST, MOST, PEAK, RATE, TWICE
from bench.peers.race import judge
from bench.report import Bar, Result

ROWS = [
    *(
        Result(matrix.row(case, engine, said), value, "")
        for case, factor in (("gateway 0 ms", 1), ("gateway 20 ms", 2), ("1% answered 503", 3))
        for engine in ("a bare loop", "warnd")
        for said, value in ((RATE, 4_000 / factor), (HALF, 0.5 * factor), (MOST, 0.9 * factor), (PEAK, 130))
    ),
    Result(f"{matrix.DEATH}: Celery, acks_late, 2,000 handed over: {LOST}", 3, "recipients"),
    Result(f"{matrix.DEATH}: Celery, acks_late, 2,000 handed over: {TWICE}", 4, "recipients"),
]


@pytest.mark.parametrize(
    ("bar", "value", "holds", "shown"),
    [
        (Bar(0.45, first=0.35), 0.4, False, "≥ 0.45 (first 0.35)"),
        (Bar(0.45), 0.45, True, "≥ 0.45"),
        (Bar(4, at_least=False, first=8), 4.1, False, "≤ 4 (first 8)"),
        (Bar(0, at_least=False), 0, True, "≤ 0"),
    ],
)
def test_a_bar_is_kept_or_not_and_shows_what_was_asked_at_first(
    bar: Bar, value: float, holds: bool, shown: str
) -> None:
    """The engine's bar is the one that counts."""
    assert Result("", value, "", None, bar).holds is holds
    assert str(bar) == shown


def test_results_keep_their_shape_and_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads results.json finds the same keys for ever."""
    file = tmp_path / "results.json"
    monkeypatch.setattr(report, "_RESULTS", file)
    report.keep([Result("a", 1.23456, "s", "b", Bar(1))])
    row = {"name": "a", "value": 1.2346, "unit": "s", "ratio_to": "b", "bar": 1, "holds": True}
    assert json.loads(file.read_text()) == [row]
    assert report.kept() == [Result("a", 1.2346, "s", "b")]


def test_a_section_is_written_in_its_own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands before and behind it stays."""
    monkeypatch.setattr(report, "_HERE", tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("# It\n\n## One\n\nold\nolder\n\n## Two\n\nkept\n")
    report.write_section("## One", "new")
    report.write_section("## Two", "newer")
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert readme.read_text() == f"# It\n\n## One\n\n{day}. new\n\n## Two\n\n{day}. newer\n"


def test_engines_side_by_side_are_laid_out_by_gateway() -> None:
    """One line for each engine at each gateway."""
    lines = matrix.markdown(ROWS).splitlines()[2:]
    assert len(lines) == 6
    assert lines[3] == "| gateway 20 ms | warnd | 2,000 | 1 | 1.80 | 130 |  |"


def test_what_a_death_cost_is_found_by_engine() -> None:
    """The name of an engine may have a comma."""
    assert matrix.deaths(ROWS) == {"Celery, acks_late, 2,000 handed over": {LOST: 3, TWICE: 4}}


def test_a_run_is_judged_by_when_each_was_told() -> None:
    """Times are after the handing over; who never came is counted, and no part of the rate."""
    ran = judge({f"{n}": n * 1_000_000_000 for n in range(1, 102)}, 110, began=0, peak=9)
    assert (ran.told, ran.missing, ran.seconds, ran.p50, ran.p99) == (101, 9, 101, 51, 100)
    assert ran.rate == 1


def test_the_pictures_are_drawn_from_the_rows(tmp_path: Path) -> None:
    """Those that have rows, as PNG and SVG."""
    pytest.importorskip("matplotlib")
    from bench import plots

    plots.draw(ROWS, tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {f"{name}.{kind}" for name in ("rate", "latency", "memory", "kill") for kind in ("png", "svg")}  # fmt: skip
