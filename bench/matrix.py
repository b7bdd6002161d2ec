"""What the rows of the engines side by side come to when they are laid out again: by gateway, engine and what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report import Result

SIDE_BY_SIDE, DEATH = "side by side", "kill -9 with part told, restart"
RATE, HALF, MOST, PEAK, NEVER = (
    "rate",
    "half are told",
    "99 in 100 are told",
    "peak memory",
    "not told in a minute",
)
"""What is said of each engine at each gateway."""

LOST, TWICE = "lost", "told twice"

_HEADER = "| gateway | engine | recipients/s | half are told, s | 99 in 100 are told, s | peak memory, MiB | not told in a minute |"
_RULE = "|---|---|---:|---:|---:|---:|---:|"

By = Mapping[str, Mapping[str, Mapping[str, Result]]]
"""By case, engine and what is said."""


def row(case: str, engine: str, said: str) -> str:
    """The name of that row."""
    return f"{SIDE_BY_SIDE}, {case}: {engine}: {said}"


def side_by_side(results: Sequence[Result]) -> By:
    """All such rows, in their order."""
    found: dict[str, dict[str, dict[str, Result]]] = {}
    for one in results:
        parts = one.name.removeprefix(f"{SIDE_BY_SIDE}, ").split(": ")
        if one.name.startswith(SIDE_BY_SIDE) and len(parts) == 3:
            case, engine, said = parts
            found.setdefault(case, {}).setdefault(engine, {})[said] = one
    return found


def deaths(results: Sequence[Result]) -> Mapping[str, Mapping[str, float]]:
    """Lost and told twice of each engine, by its name with how many were handed over."""
    found: dict[str, dict[str, float]] = {}
    for one in results:
        if one.name.startswith(DEATH):
            _, engine, said = one.name.rsplit(": ", 2)
            found.setdefault(engine, {})[said] = one.value
    return found


def markdown(results: Sequence[Result]) -> str:
    """A table of engines by gateway."""
    lines = [_HEADER, _RULE]
    for case, engines in side_by_side(results).items():
        for engine, said in engines.items():
            cells = [said[what].shown if what in said else "" for what in (RATE, HALF, MOST, PEAK, NEVER)]
            lines.append(f"| {case} | {engine} | {' | '.join(cells)} |")
    return "\n".join(lines)
