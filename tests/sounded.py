"""What the code sounds: every call that begins an alarm, with what it says of it, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import warnd

_ROOT = Path(warnd.__file__).parent
_CALLS = frozenset({"sound", "concern"})


@dataclass(frozen=True, slots=True)
class Sounding:
    """``cases`` are those written out in the call, None where only its run tells; ``facts`` are the names it gives."""

    kind: str
    cases: frozenset[str] | None
    facts: frozenset[str]
    where: str


def soundings() -> list[Sounding]:
    """All of them, in the order of files and lines."""
    return [one for path in sorted(_ROOT.rglob("*.py")) for one in _in_file(path)]


def _in_file(path: Path) -> Iterator[Sounding]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and _name(node.func) in _CALLS and node.args:
            where = f"{path.relative_to(_ROOT)}:{node.lineno}"
            match node.args[0]:
                case ast.Constant(value=str(kind)):
                    given = {one.arg: one.value for one in node.keywords if one.arg is not None}
                    yield Sounding(kind, _cases(given.get("case")), frozenset(given) - {"case"}, where)
                case ast.Name(id="connection"):
                    pass  # the row of one that is sounded elsewhere
                case _:
                    raise AssertionError(f"{where}: which kind it sounds cannot be read")


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _cases(value: ast.expr | None) -> frozenset[str] | None:
    match value:
        case None:
            return frozenset()
        case ast.Constant(value=str(case)):
            return frozenset({case})
        case ast.IfExp(body=ast.Constant(value=str(one)), orelse=ast.Constant(value=str(other))):
            return frozenset({one, other})
        case _:
            return None
