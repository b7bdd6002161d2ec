"""A channel's own table of the configuration: what is wrong with it is told by its key, never its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from warnd.contract.secret import Secret
from warnd.errors import ConfigError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def _duration(value: Any) -> timedelta:
    """``10`` (seconds), ``"10s"``, ``"500ms"`` or ``"2m"``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|s|m)?", str(value).strip())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match is not None else 0.0
    if not 0 < seconds <= 3600:
        raise ValueError("should be a time of up to an hour, such as 10s or 500ms")
    return timedelta(seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(_duration)]


def _credential(value: object) -> Secret:
    secret = Secret(value) if isinstance(value, str) else value
    if not isinstance(secret, Secret) or not secret:
        raise ValueError("should be the gateway's credential; token_file may name a file that holds it")
    if not all("!" <= character <= "~" for character in secret.reveal()):
        raise ValueError("holds characters that no header can carry")
    return secret


BearerToken = Annotated[Secret, BeforeValidator(_credential)]
"""What stands after ``Authorization: Bearer``."""


class Options(BaseModel):
    """A table's keys as fields. Text is read as the field's type: an environment variable has no other."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Raises ConfigError for the first key that is unknown, or else missing or of the wrong type."""
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
        # A key that is spelt wrongly is missing under its right name too: the first says more.
        fault = min(faults, key=lambda one: one["type"] != "extra_forbidden")
        key = ".".join(map(str, fault["loc"]))
        match fault["type"]:
            case "extra_forbidden":
                raise ConfigError(key, f"is not a setting here; there are {', '.join(cls.model_fields)}")
            case "missing":
                raise ConfigError(key, "is missing")
            case _:
                # pydantic's own exception quotes the value, which may be a credential: it is left behind.
                raise ConfigError(key, re.sub("^(Value error,|Input) ", "", fault["msg"]))
