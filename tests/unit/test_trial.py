"""What is amiss with a template is found before a warning comes, as rendering itself would find it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from warnd.contract.channel import Capabilities
from warnd.intake.hazards import load_hazards
from warnd.model.policy import Policies
from warnd.pipeline.expand import Route
from warnd.pipeline.surroundings import Surroundings
from warnd.pipeline.templates import Templates
from warnd.pipeline.trial import faults

ROOT = Path(__file__).parents[2]
SHIPPED = Templates.load(ROOT / "templates")
CATALOGUE = load_hazards(ROOT / "config" / "hazards.toml")

WHOLE = "{{ mark }}{{ issuer }}{{ sent }}{{ change_name }}{{ hazard_name }}{{ color_name }}预警，{{ area }}。"


def tried(own: dict[str, str], *, max_units: int | None = None) -> list[str]:
    """What is found in a site's own files, which lie over the shipped ones, with an SMS channel."""
    sms = Route("sms", Capabilities(kind="sms", max_units=max_units))
    return faults(
        Surroundings(
            {"sms": sms}, Policies({}), CATALOGUE, SHIPPED.having(own), "zh", ZoneInfo("Asia/Shanghai")
        )
    )


def test_every_shipped_template_can_be_used() -> None:
    """Also where the channel takes little more than what is mandatory."""
    assert tried({}) == []
    assert tried({}, max_units=200) == []


def test_a_template_that_says_all_that_is_mandatory_can_be_used() -> None:
    assert tried({"sms/default.red.zh.txt": WHOLE, "sms/rainstorm.en.txt": WHOLE}) == []


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        pytest.param(
            "wechat/default.zh.md",
            "hello",
            "wechat/default.zh.md: does not print mark, issuer, hazard_name, color_name, area, sent, change_name",
            id="nothing that is mandatory",
        ),
        pytest.param(
            "sms/default.red.zh.txt",
            WHOLE.replace("{{ change_name }}", "发布"),
            "sms/default.red.zh.txt: does not print change_name, where change is lifted, continued, updated, narrowed, "
            "widened, lowered, raised",
            id="that it is not new",
        ),
        pytest.param(
            "sms/default.red.zh.txt",
            "{% if change == 'raised' %}升级{% else %}" + WHOLE + "{% endif %}",
            "sms/default.red.zh.txt: does not print mark, issuer, hazard_name, color_name, area, sent, change_name, "
            "where change is raised",
            id="one branch of several",
        ),
        pytest.param(
            "sms/rainstrom.zh.txt",
            WHOLE,
            "sms/rainstrom.zh.txt: there is no hazard 'rainstrom', so it is never used",
            id="a hazard there is not",
        ),
        pytest.param(
            "sms/default.ug.txt",
            WHOLE,
            "sms/default.ug.txt: its language has no words/ug.toml",
            id="a language without words",
        ),
        pytest.param(
            "sms/bundle.zh.txt",
            "{{ mark }}{{ count }}",
            "sms/bundle.zh.txt: does not print the mark and then every part, in their order",
            id="a bundle without its parts",
        ),
        pytest.param(
            "sms/default.red.zh.txt",
            WHOLE + "。" * 200,
            "sms/default.red.zh.txt: is longer than the channel takes, even without the issuer's words",
            id="too much for the channel",
        ),
    ],
)
def test_a_template_that_cannot_be_used_is_named_with_what_it_lacks(
    path: str, source: str, found: str
) -> None:
    """Once for each file, however many sample warnings it fails."""
    assert tried({path: source}, max_units=200) == [found]


def test_what_does_not_compile_is_said_once() -> None:
    """Where the file is read and where it would be used."""
    (found,) = tried({"sms/default.red.zh.txt": "{{ isuer }}"})
    assert found.startswith("sms/default.red.zh.txt: ")


def test_a_part_that_lacks_something_fails_all_that_include_it() -> None:
    """The shipped templates that a site's own file has broken are named, each on a line of its own."""
    found = tried({"parts/statement.zh.txt": "预警"})
    assert {"sms/default.zh.txt", "email/default.zh.txt"} <= {one.partition(":")[0] for one in found}
