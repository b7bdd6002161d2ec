"""The last result in pictures, from its rows alone: PNG and SVG into bench/plots/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.matrix import HALF, LOST, MOST, PEAK, RATE, TWICE, By, deaths, side_by_side
from bench.red import BEHIND, IDLE
from bench.report import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DIRECTORY = Path(__file__).parent / "plots"

_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
"""Of Okabe and Ito, told apart by everybody; markers tell them apart in grey too."""

_MARKERS = "osD^vPX"
_FIRST = "warnd"
_SIZE = (8.0, 4.5)


def draw(results: Sequence[Result], directory: Path = _DIRECTORY) -> Sequence[str]:
    """Whatever these rows hold; the names of the pictures, without those that have no rows."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "warnd", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3})
    cases = side_by_side(results)
    latencies = {
        _milliseconds(case): engines for case, engines in cases.items() if case.startswith("gateway")
    }
    pictures: dict[str, Callable[[], object]] = {}
    if latencies:
        pictures["rate"] = lambda: _rate(latencies)
        pictures["latency"] = lambda: _bars(
            cases,
            (HALF, MOST),
            "Until half, and 99 in 100, are told",
            "seconds after handing over",
            logarithmic=True,
        )
        pictures["memory"] = lambda: _bars(cases, (PEAK,), "Peak memory of all processes", "MiB")
    if died := deaths(results):
        pictures["kill"] = lambda: _killed(died)
    if red := _red(results):
        pictures["red"] = lambda: _red_behind_blue(red)
    for name, picture in pictures.items():
        _save(directory / name, picture)
    return list(pictures)


def _rate(latencies: Mapping[float, Mapping[str, Mapping[str, Result]]]) -> None:
    axes = _axes("Rate by the gateway's latency", "gateway's latency, ms", "recipients a second")
    places = {at: place for place, at in enumerate(sorted(latencies))}
    for number, engine in enumerate(_engines(latencies.values())):
        points = [(places[at], said[engine][RATE].value) for at, said in latencies.items() if engine in said]
        axes.plot(*zip(*points, strict=True), label=engine, **_style(number))
    axes.set_yscale("log")
    axes.set_xticks(list(places.values()), [f"{at:g}" for at in places])
    _explain(axes)


def _bars(cases: By, what: Sequence[str], title: str, unit: str, *, logarithmic: bool = False) -> None:
    """A group of bars for each gateway, a color for each engine; a second value of an engine is a mark above its bar."""
    axes = _axes(title, "", unit)
    engines = _engines(cases.values())
    width = 0.8 / len(engines)
    for number, engine in enumerate(engines):
        there = [(place, said[engine]) for place, said in enumerate(cases.values()) if engine in said]
        at = [place + (number - (len(engines) - 1) / 2) * width for place, _ in there]
        axes.bar(at, [said[what[0]].value for _, said in there], width, label=engine, color=_COLORS[number])
        for mark in what[1:]:
            heights = [said[mark].value for _, said in there]
            axes.plot(at, heights, linestyle="", marker="_", markersize=9, color="#000000")
    axes.set_xticks(range(len(cases)), [case.replace(", ", ",\n") for case in cases])
    if len(what) > 1:
        axes.plot([], [], linestyle="", marker="_", color="#000000", label=f"{what[1]} (bars: {what[0]})")
    if logarithmic:
        axes.set_yscale("log")
    _explain(axes)


def _killed(died: Mapping[str, Mapping[str, float]]) -> None:
    axes = _axes("kill -9 with part told, then a restart", "", "% of the recipients handed over")
    for shift, (said, color, hatch) in ((-0.2, (LOST, _COLORS[5], "")), (0.2, (TWICE, _COLORS[4], "//"))):
        shares = [100 * found[said] / _handed_over(engine) for engine, found in died.items()]
        bars = axes.bar(
            [place + shift for place in range(len(died))], shares, 0.4, label=said, color=color, hatch=hatch
        )
        axes.bar_label(bars, [f"{found[said]:,.0f}" for found in died.values()], fontsize=8)
    axes.set_xticks(range(len(died)), [engine.replace(", ", ",\n") for engine in died], fontsize=8)
    axes.legend()


def _red_behind_blue(red: Mapping[str, Mapping[str, float]]) -> None:
    axes = _axes("A red warning's last request", "", "ms after the 202")
    for number, (where, said) in enumerate(red.items()):
        places = [place + (number - 0.5) * 0.4 for place in range(len(said))]
        bars = axes.bar(places, list(said.values()), 0.4, label=where, color=_COLORS[number])
        axes.bar_label(bars, [f"{value:,.0f}" for value in said.values()], fontsize=8)
    axes.set_xticks(range(2), list(next(iter(red.values()))))
    axes.legend()


def _red(results: Sequence[Result]) -> Mapping[str, Mapping[str, float]]:
    """Milliseconds by where and what; empty when these rows lack them."""
    found: dict[str, dict[str, float]] = {}
    for where in (IDLE, BEHIND):
        for one in results:
            head, _, said = one.name.rpartition(": ")
            if head.endswith(f", {where}") and one.name.startswith("red to"):
                found.setdefault(where, {})[said] = one.value
    return found if len(found) == 2 else {}


def _engines(cases: Iterable[Mapping[str, object]]) -> Sequence[str]:
    """warnd, then the others as they come."""
    names = dict.fromkeys(engine for engines in cases for engine in engines)
    return sorted(names, key=lambda name: name != _FIRST)


def _milliseconds(case: str) -> float:
    return float(case.removeprefix("gateway ").removesuffix(" ms"))


def _handed_over(engine: str) -> int:
    """It ends its name: ``Celery, 2,000 handed over``."""
    return int(engine.removesuffix(" handed over").rpartition(", ")[2].replace(",", ""))


def _style(number: int) -> dict[str, Any]:
    return {"color": _COLORS[number], "marker": _MARKERS[number], "linewidth": 2 if number == 0 else 1.2}


def _explain(axes: Axes) -> None:
    """The legend below, where it hides nothing."""
    axes.figure.legend(loc="outside lower center", ncols=3, fontsize=8)


def _axes(title: str, x: str, y: str) -> Axes:
    from matplotlib import pyplot as plt

    _, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    axes.set_title(title)
    axes.set_axisbelow(True)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return axes


def _save(file: Path, picture: Callable[[], object]) -> None:
    from matplotlib import pyplot as plt

    file.parent.mkdir(exist_ok=True)
    picture()
    plt.savefig(file.with_suffix(".png"), dpi=150)
    plt.savefig(file.with_suffix(".svg"), metadata={"Date": None})
    plt.close()
