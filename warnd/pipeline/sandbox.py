"""Running a site's templates without trusting them: what cannot be bounded is refused before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.environment import Environment
from jinja2.meta import find_referenced_templates, find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from warnd.errors import TemplateError

MAX_SOURCE = 16_384
"""Characters of a template's source."""

MAX_OUTPUT = 200_000
"""Characters a template may print."""

MAX_DEPTH = 8
"""Templates that extend one another."""

PARTS = "parts/"
"""Where the shared pieces are that templates may include."""

_FILTERS = ("capitalize", "length", "lower", "trim", "upper")

_STATEMENTS = (
    nodes.Output,
    nodes.TemplateData,
    nodes.Extends,
    nodes.Block,
    nodes.Include,
    nodes.For,
    nodes.If,
)
_EXPRESSIONS = (
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.CondExpr),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand),
    *(nodes.Filter, nodes.Test, nodes.Getitem, nodes.Slice, nodes.Neg, nodes.Getattr),
)
_ALLOWED = frozenset((nodes.Template, *_STATEMENTS, *_EXPRESSIONS))


class Sandbox:
    """
    Templates by path, compiled once and filled with plain values.

    The language is Jinja without calls, assignments, arithmetic and loops in loops, so that the time a
    template takes and the memory it needs grow no faster than its source times its values: nothing in it could
    go on for ever. Jinja's own sandbox stands behind that. ``fields`` are the names a template may use: a
    misspelt one is a fault when the template is loaded, not when the warning goes out.
    """

    def __init__(self, sources: Mapping[str, str], fields: Iterable[str]) -> None:
        self._sources = dict(sources)
        self._fields = frozenset(fields)
        self._parents: dict[str, str] = {}
        self._loader = _Compiled()
        self._environment = _environment(self._loader)
        self._faults: dict[str, TemplateError] = {}
        references: dict[str, frozenset[str]] = {}
        for path, source in sources.items():
            try:
                references[path] = self._admit(path, source)
            except TemplateError as fault:
                self._faults[path] = fault
        for path in sources:
            self._trace(path, references, ())

    @property
    def faults(self) -> Mapping[str, TemplateError]:
        """Why a template cannot be used: its own fault, or one of a template it builds on."""
        return self._faults

    def fill(self, path: str, values: Mapping[str, Any]) -> str:
        """Print a template. Raises TemplateError for whatever goes wrong in it."""
        pieces: list[str] = []
        size = 0
        with _translated(path):
            for piece in self._loader.templates[path].generate(values):
                size += len(piece)
                if size > MAX_OUTPUT:
                    raise TemplateError(path, f"prints more than {MAX_OUTPUT} characters")
                pieces.append(piece)
        return "".join(pieces)

    def opens_with(self, path: str, text: str) -> bool:
        """Whether a template's source, or that of the one it extends in the end, begins so."""
        while path in self._parents:
            path = self._parents[path]
        return self._sources[path].startswith(text)

    def lineage(self, path: str) -> tuple[str, ...]:
        """A template and those it extends, one after the other; each once, if they go round in a circle."""
        line: dict[str, None] = {}
        while path not in line:
            line[path] = None
            path = self._parents.get(path, path)
        return tuple(line)

    def _admit(self, path: str, source: str) -> frozenset[str]:
        """Check and compile one template; the paths it builds on. Raises TemplateError."""
        if len(source) > MAX_SOURCE:
            raise TemplateError(path, f"is longer than {MAX_SOURCE} characters")
        with _translated(path):
            tree = self._environment.parse(source, path)
            _check(path, tree)
            if unknown := find_undeclared_variables(tree) - self._fields:
                raise TemplateError(path, f"unknown name {', '.join(sorted(unknown))}")
            code = self._environment.compile(source, path, path)
            self._loader.templates[path] = Template.from_code(self._environment, code, {})
            if (extends := tree.find(nodes.Extends)) is not None:
                self._parents[path] = extends.template.as_const()
            return frozenset(name for name in find_referenced_templates(tree) if name is not None)

    def _trace(self, path: str, references: Mapping[str, frozenset[str]], above: tuple[str, ...]) -> None:
        """Pass the faults of what a template builds on up to it; a circle is one too."""
        if path in self._faults:
            return
        for name in sorted(references[path]):
            if name in above or name == path:
                self._faults[path] = TemplateError(path, f"builds on itself through {name}")
            elif len(above) == MAX_DEPTH:
                self._faults[path] = TemplateError(path, f"is more than {MAX_DEPTH} templates deep")
            elif name not in references and name not in self._faults:
                self._faults[path] = TemplateError(path, f"builds on {name}, which does not exist")
            else:
                self._trace(name, references, (*above, path))
                if (fault := self._faults.get(name)) is not None:
                    self._faults[path] = TemplateError(path, f"builds on a broken template: {fault}")


class _Compiled(BaseLoader):
    """What ``extends`` and ``include`` find: only what was checked and compiled at load time."""

    def __init__(self) -> None:
        self.templates: dict[str, Template] = {}

    def load(
        self,
        environment: Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        try:
            return self.templates[name]
        except KeyError:
            raise TemplateNotFound(name) from None


def _environment(loader: BaseLoader) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=False,  # no HTML is made here; values come safe for their format
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=0,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    return environment


def _check(path: str, tree: nodes.Template) -> None:
    """Refuse whatever could take more than its share. Raises TemplateError."""
    for node in _descendants(tree):
        if type(node) not in _ALLOWED:
            raise TemplateError(
                path, f"line {node.lineno}: {type(node).__name__} is not available in templates"
            )
        if (reason := _objection(path, node)) is not None:
            raise TemplateError(path, f"line {node.lineno}: {reason}")


def _objection(path: str, node: nodes.Node) -> str | None:
    match node:
        case nodes.For() if any(
            isinstance(inner, nodes.For | nodes.Block | nodes.Include)
            for inner in _descendants(node, own=False)
        ):
            return "a loop may hold no other loop, block or include"
        case nodes.Getattr() if not (isinstance(node.node, nodes.Name) and node.node.name == "loop"):
            return "only loop has attributes"
        case nodes.List() | nodes.Tuple() | nodes.Dict() if not all(
            isinstance(inner, nodes.Const | nodes.Pair) for inner in _descendants(node, own=False)
        ):
            return "lists and dictionaries hold constants only"
        case nodes.Extends() | nodes.Include() if path.startswith(PARTS):
            return "a part builds on nothing else"
        case nodes.Extends() | nodes.Include() if not _is_text(node.template):
            return "the template to build on is named outright"
        case nodes.Include(template=nodes.Const(value=name)) if not name.startswith(PARTS):
            return f"only what lies in {PARTS} can be included"
    return None


def _descendants(node: nodes.Node, *, own: bool = True) -> Iterable[nodes.Node]:
    if own:
        yield node
    for child in node.iter_child_nodes():
        yield from _descendants(child)


def _is_text(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Whatever a template does wrong, in whichever library, becomes a TemplateError."""
    try:
        yield
    except TemplateError:
        raise
    except Exception as error:
        raise TemplateError(path, _sentence(error)) from error


def _sentence(error: Exception) -> str:
    """The fault in one line, short enough for an alarm."""
    where = f"line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
    return f"{where}{type(error).__name__}: {error}".replace("\n", " ")[:300]
