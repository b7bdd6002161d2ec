"""Faults are told in plain sentences, not in the words of the library that found them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from warnd.api.routing import instant
from warnd.errors import InvalidAlert
from warnd.intake.hazards import load_hazards
from warnd.intake.read import read
from warnd.intake.wording import sentence
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")


def _refuse(text: str) -> str:
    raise ValueError(f"{text!r} is not ours")


@pytest.mark.parametrize(
    ("type_", "value", "said"),
    [
        (dict[str, int], [], "must be an object"),
        (list[int], {}, "must be a list"),
        (tuple[int, ...], 1, "must be a list"),
        (str, 1, "must be text"),
        (int, "x", "must be a whole number"),
        (float, "x", "must be a number"),
        (bool, "x", "must be true or false"),
        (Literal["a", "b"], "c", "must be 'a' or 'b'"),
        (Annotated[str, Field(min_length=1)], "", "must not be empty"),
        (Annotated[str, Field(min_length=2)], "a", "must have at least 2 characters"),
        (Annotated[list[int], Field(min_length=1)], [], "must not be empty"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "must have at most 1 items"),
        (Annotated[str, Field(pattern="^[0-9]{2}$")], "x", "must have the form ^[0-9]{2}$"),
        (Annotated[int, Field(gt=3)], 3, "must be greater than 3"),
        (Annotated[int, Field(lt=3)], 3, "must be less than 3"),
        (Annotated[str, AfterValidator(_refuse)], "x", "'x' is not ours"),
        (bytes, 1, "must be a valid bytes"),
    ],
)
def test_what_the_library_finds_is_said_plainly(type_: Any, value: object, said: str) -> None:
    """A type it does not know keeps the library's words, as far as they go."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(type_).validate_python(value)
    assert sentence(refused.value.errors()[0]) == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], {"body": "must be an object"}),
        ({"areas": 1}, {"areas": "must be a list", "sender": "is missing"}),
        ({"headline": 1, "status": "on"}, {"headline": "must be text"}),
    ],
)
def test_faults_of_a_pushed_warning_are_said_plainly(body: object, said: dict[str, str]) -> None:
    """Whoever builds a feed reads them."""
    with pytest.raises(InvalidAlert) as refused:
        read(json.dumps(body).encode(), "application/json", CATALOGUE)
    messages = {fault.path: fault.message for fault in refused.value.faults}
    assert said.items() <= messages.items()
    assert not [message for message in messages.values() if "Input" in message or "instance" in message]


@pytest.mark.parametrize("given", ["yesterday", "2026-07-14T08:00:00"])
def test_a_query_that_is_no_instant_is_told_what_one_is(given: str) -> None:
    """With an example to copy."""
    with pytest.raises(ValueError, match="is a time with its offset, such as"):
        instant("since", "").parse(given)
