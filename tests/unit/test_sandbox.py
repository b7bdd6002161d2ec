"""A template can print what it is given, and nothing else; it can neither run long nor grow without end."""

from __future__ import annotations

import pytest

from warnd.errors import TemplateError
from warnd.pipeline.sandbox import MAX_OUTPUT, MAX_SOURCE, Sandbox

FIELDS = frozenset({"name", "names"})
VALUES = {"name": "武都区", "names": ("甲镇", "乙镇")}


def fill(source: str, **others: str) -> str:
    sandbox = Sandbox(
        {"t": source, **{path.replace("__", "/"): text for path, text in others.items()}}, FIELDS
    )
    if (fault := sandbox.faults.get("t")) is not None:
        raise fault
    return sandbox.fill("t", VALUES)


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        pytest.param("{{ name }}", "武都区", id="a value"),
        pytest.param(
            "{% for n in names %}{{ n }}{% if not loop.last %}/{% endif %}{% endfor %}",
            "甲镇/乙镇",
            id="a loop",
        ),
        pytest.param("{{ {'武都区': 'Wudu'}[name] }}", "Wudu", id="a dictionary of constants"),
        pytest.param("{% if name in ['武都区'] %}1{% else %}2{% endif %}", "1", id="a list of constants"),
        pytest.param("{{ 'red'|upper }} {{ names|length }}", "RED 2", id="the filters there are"),
        pytest.param("{{ name[0] }}{{ name[-1:] }}", "武区", id="a piece of a text"),
    ],
)
def test_templates_do_what_templates_need(source: str, printed: str) -> None:
    """Values, choices, loops over a list, and a few filters."""
    assert fill(source) == printed


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("{{ ''.__class__.__mro__ }}", "only loop has attributes", id="attributes of a text"),
        pytest.param("{{ ''['__class__'] }}", "unsafe", id="the same by index"),
        pytest.param("{{ name|attr('__class__') }}", "attr", id="the same by filter"),
        pytest.param("{{ loop.__class__ }}", "loop", id="of a loop that is not there"),
        pytest.param("{% for n in names %}{{ loop.__class__ }}{% endfor %}", "unsafe", id="of one that is"),
        pytest.param("{{ '{0.__class__}'.format(name) }}", "Call", id="format strings"),
        pytest.param("{% for i in range(10**9) %}{% endfor %}", "Call|Pow", id="a long loop"),
        pytest.param(
            "{% for a in names %}{% for b in names %}{% endfor %}{% endfor %}",
            "no other",
            id="loops in loops",
        ),
        pytest.param(
            "{% for a in names %}{% block b %}{% endblock %}{% endfor %}", "no other", id="hidden in a block"
        ),
        pytest.param("{{ 'x' * 999999999 }}", "Mul", id="a huge constant"),
        pytest.param("{{ 9 ** 9 ** 9 }}", "Pow", id="a huge number"),
        pytest.param("{{ '%0999999999d' % 1 }}", "Mod", id="a huge format"),
        pytest.param("{{ name|center(999999999) }}", "center", id="a huge filter"),
        pytest.param("{% set x = name ~ name %}", "Assign", id="doubling"),
        pytest.param("{{ name ~ name }}", "Concat", id="joining"),
        pytest.param("{{ [name, name] }}", "constants", id="lists of values"),
        pytest.param("{{ [[1], [2]] }}", "constants", id="lists of lists"),
        pytest.param(
            "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "Macro|Call", id="recursion"
        ),
        pytest.param("{% import 'x' as y %}", "Import", id="imports"),
        pytest.param("{% include name %}", "named outright", id="a template named by a value"),
        pytest.param("{% include 't2' %}", "only what lies in parts/", id="including a whole template"),
        pytest.param("{{ nmae }}", "unknown name nmae", id="a misspelt name"),
        pytest.param("{{ lipsum }}{{ cycler }}{{ range }}", "unknown name", id="Jinja's own names"),
        pytest.param("{{ name|shout }}", "shout", id="a filter that does not exist"),
        pytest.param("{% if name %}", "line 1", id="an unclosed tag"),
        pytest.param("(" * 3 + "{{ " + "(" * 5000 + "name" + ")" * 5000 + " }}", "", id="depth"),
        pytest.param("x" * (MAX_SOURCE + 1), "longer than", id="a long source"),
    ],
)
def test_what_could_harm_is_refused(source: str, message: str) -> None:
    """Refused where it can be seen when the template is loaded, and else when it is filled."""
    with pytest.raises(TemplateError, match=message or "."):
        fill(source, t2="")


def test_output_is_capped_while_it_is_made() -> None:
    """A bomb ends at the cap, not after it has filled the memory."""
    many = {"name": "x" * 1000, "names": ("x",) * 1000}
    sandbox = Sandbox({"t": "{% for n in names %}{{ name }}{{ name }}{% endfor %}"}, FIELDS)
    with pytest.raises(TemplateError, match=str(MAX_OUTPUT)):
        sandbox.fill("t", many)


def test_a_template_may_extend_another_and_include_parts() -> None:
    """What is mandatory is worded once; a hazard's template adds its block."""
    child = "{% extends 'base' %}{% block more %}{% include 'parts/more' %}{% endblock %}"
    assert fill(child, base="{{ name }}{% block more %}{% endblock %}", parts__more="!") == "武都区!"


@pytest.mark.parametrize(
    ("others", "message"),
    [
        pytest.param({}, "does not exist", id="missing"),
        pytest.param({"base": "{{ nmae }}"}, "broken template: base: unknown name nmae", id="broken"),
        pytest.param({"base": "{% extends 't' %}"}, "itself", id="a circle"),
        pytest.param(
            {"base": "{% include 'parts/a' %}", "parts__a": "{% include 'parts/b' %}"},
            "part",
            id="parts of parts",
        ),
        pytest.param(
            {
                "base": "{% extends 'b0' %}",
                **{f"b{n}": f"{{% extends 'b{n + 1}' %}}" for n in range(9)},
                "b9": "",
            },
            "deep",
            id="a tower",
        ),
    ],
)
def test_a_template_is_no_better_than_what_it_builds_on(others: dict[str, str], message: str) -> None:
    """Found when loading: at three in the morning it would be too late."""
    with pytest.raises(TemplateError, match=message):
        fill("{% extends 'base' %}", **others)
