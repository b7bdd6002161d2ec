"""REST bodies of the audience: what is taken, and that every fault is named by its path."""

from __future__ import annotations

from typing import Any

import pytest

from warnd.api.audience_bodies import (
    EndpointBody,
    EndpointPatch,
    GroupBody,
    GroupPatch,
    SubscriberBody,
    SubscriberPatch,
    SubscriptionBody,
    SubscriptionPatch,
    check_hazards,
)
from warnd.api.bodies import Body, read_body
from warnd.errors import Invalid
from warnd.model.audience import AudienceClass, Relation
from warnd.model.color import Color
from warnd.model.hazard import Hazard, HazardCatalogue

ID = "01J2QZ00000000000000000000"

GROUP = {"name": "两水镇山洪责任人", "region": "621202101", "audience": "responsible", "labels": ["flood"]}
SUBSCRIPTION = {
    "group": ID, "hazards": ["rainstorm", "flash-flood"], "min_color": "blue", "relation": "both",
    "covering_min_color": None, "language": "zh", "channels": None,
}  # fmt: skip
SUBSCRIBER = {
    "kind": "post", "name": "两水镇值班室", "region": "621202101", "language": "zh", "external_id": "LSZ-001",
    "groups": [ID],
}  # fmt: skip
ENDPOINT = {
    "subscriber": ID, "channel": "sms", "address": "15400000001", "priority": 1, "state": "active", "drills": True,
}  # fmt: skip
WHOLE: list[tuple[type[Body], dict[str, Any]]] = [
    (GroupBody, GROUP),
    (SubscriptionBody, SUBSCRIPTION),
    (SubscriberBody, SUBSCRIBER),
    (EndpointBody, ENDPOINT),
]


def faults(model: type[Body], content: object) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        read_body(model, content)
    return {fault.path: fault.code for fault in refused.value.faults}


def test_whole_bodies_become_drafts() -> None:
    """The address in the form in which it is stored."""
    assert read_body(GroupBody, GROUP).draft().audience is AudienceClass.RESPONSIBLE
    rule = read_body(SubscriptionBody, SUBSCRIPTION).draft()
    assert (rule.hazards, rule.min_color, rule.relation) == (
        ("rainstorm", "flash-flood"),
        Color.BLUE,
        Relation.BOTH,
    )
    assert read_body(SubscriberBody, SUBSCRIBER).draft().groups == (ID,)
    assert read_body(EndpointBody, ENDPOINT).draft().address == "+8615400000001"


@pytest.mark.parametrize(("model", "content"), WHOLE, ids=lambda value: getattr(value, "__name__", ""))
def test_an_unknown_key_is_refused_with_its_path(model: type[Body], content: dict[str, Any]) -> None:
    """A misspelt key would silently leave its default."""
    assert faults(model, content | {"colour": 1}) == {"colour": "unknown_key"}
    assert set(faults(model, {}).values()) == {"missing"}
    assert faults(model, ["not", "an", "object"]) == {"body": "invalid"}


@pytest.mark.parametrize(
    ("model", "content", "path"),
    [
        (GroupBody, GROUP | {"name": "a;b"}, "name"),
        (GroupBody, GROUP | {"name": " "}, "name"),
        (GroupBody, GROUP | {"region": "两水"}, "region"),
        (GroupBody, GROUP | {"labels": ["ok", ""]}, "labels[1]"),
        (GroupPatch, {"name": None}, "name"),
        (SubscriptionBody, SUBSCRIPTION | {"hazards": []}, "hazards"),
        (SubscriptionBody, SUBSCRIPTION | {"hazards": ["Rain storm"]}, "hazards[0]"),
        (SubscriptionBody, SUBSCRIPTION | {"min_color": "purple"}, "min_color"),
        (SubscriptionBody, SUBSCRIPTION | {"channels": []}, "channels"),
        (SubscriptionPatch, {"group": ID}, "group"),
        (SubscriberBody, SUBSCRIBER | {"name": "a\nb"}, "name"),
        (SubscriberBody, SUBSCRIBER | {"groups": ["x"]}, "groups[0]"),
        (EndpointBody, ENDPOINT | {"address": "12"}, "address"),
        (EndpointBody, ENDPOINT | {"channel": "sms.http"}, "channel"),
        (EndpointBody, ENDPOINT | {"priority": "1"}, "priority"),
        (EndpointBody, ENDPOINT | {"drills": "yes"}, "drills"),
    ],
)
def test_a_bad_value_is_named_by_its_path(model: type[Body], content: dict[str, Any], path: str) -> None:
    """In words that say what would be right."""
    assert list(faults(model, content)) == [path]


@pytest.mark.parametrize(
    ("model", "content", "message"),
    [
        (GroupBody, [], "must be an object"),
        (GroupBody, {}, "is missing"),
        (GroupBody, GROUP | {"name": 1}, "must be text"),
        (GroupBody, GROUP | {"name": ""}, "must not be empty"),
        (GroupBody, GROUP | {"name": "长" * 201}, "must have at most 200 characters"),
        (GroupBody, GROUP | {"labels": "flood"}, "must be a list"),
        (GroupBody, GROUP | {"audience": "all"}, "must be 'leaders', 'responsible' or 'public'"),
        (SubscriptionBody, SUBSCRIPTION | {"channels": []}, "names at least one"),
        (EndpointBody, ENDPOINT | {"priority": "1"}, "must be a whole number"),
        (EndpointBody, ENDPOINT | {"priority": 0}, "must be at least 1"),
        (EndpointBody, ENDPOINT | {"priority": 100}, "must be at most 99"),
        (EndpointBody, ENDPOINT | {"drills": "yes"}, "must be true or false"),
    ],
)
def test_a_fault_is_a_plain_sentence(model: type[Body], content: object, message: str) -> None:
    """In the words of the document, not of the library that reads it."""
    with pytest.raises(Invalid) as refused:
        read_body(model, content)
    assert {fault.message for fault in refused.value.faults} == {message}


def test_a_patch_changes_what_it_names() -> None:
    """Null is a value where a value may be lacking."""
    assert read_body(GroupPatch, {"audience": "leaders"}).changes() == {"audience": "leaders"}
    assert read_body(SubscriberPatch, {"language": None, "groups": []}).changes() == {
        "language": None,
        "groups": [],
    }
    assert read_body(SubscriptionPatch, {}).changes() == {}


def test_a_patched_address_is_normalised_for_its_channel() -> None:
    """Which the endpoint keeps."""
    patch = read_body(EndpointPatch, {"address": "154 0000 0001"})
    assert patch.changes_on("sms") == {"address": "+8615400000001"}
    with pytest.raises(Invalid) as refused:
        patch.changes_on("email")
    assert [fault.path for fault in refused.value.faults] == ["address"]


def test_a_hazard_that_is_in_no_catalogue_is_refused() -> None:
    """Such a rule would never apply, and nobody would notice before the flood."""
    catalogue = HazardCatalogue.of([Hazard("rainstorm", {"zh": "暴雨", "en": "Rainstorm"})])
    check_hazards(["*", "rainstorm"], catalogue)
    with pytest.raises(Invalid) as refused:
        check_hazards(["rainstorm", "rainstrom"], catalogue)
    assert [fault.path for fault in refused.value.faults] == ["hazards[1]"]
