"""Reading a JSON body into its model, every fault named by its path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from warnd.errors import Fault, Invalid
from warnd.intake.wording import sentence


class Body(BaseModel):
    """A body whose every key is known: a misspelt one is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


B = TypeVar("B", bound=Body)

_CODES = {"extra_forbidden": "unknown_key", "missing": "missing"}


def read_body(model: type[B], content: object) -> B:
    """The body as its model. ``content`` is parsed JSON. Raises Invalid with all that is wrong."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = [
            Fault(
                body_path(found["loc"]),
                _CODES.get(found["type"], "invalid"),
                sentence(found),
            )
            for found in error.errors(include_url=False, include_input=False)
        ]
        raise Invalid(faults) from error


def body_path(location: Sequence[str | int]) -> str:
    """``("areas", 0, "name")`` as ``areas[0].name``; ``body`` for the whole."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".") or "body"
