"""What pydantic finds wrong with a body, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic_core import ErrorDetails

_OBJECT = "must be an object"
_LIST = "must be a list"
_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_TRUTH = "must be true or false"
_TIME = "must be a time with its offset, such as 2026-07-14T08:00:00+08:00"


def _each(types: Iterable[str], sentence: str) -> dict[str, str]:
    return dict.fromkeys(types, sentence)


_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must have the form {pattern}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "none_required": "must be null",
    "json_invalid": "is not JSON: {error}",
    **_each(("model_type", "model_attributes_type", "dict_type", "dataclass_type"), _OBJECT),
    **_each(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **_each(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
    **_each(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **_each(("bool_type", "bool_parsing"), _TRUTH),
    **_each(("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"), _TIME),
}


def sentence(found: ErrorDetails) -> str:
    """One finding of a ValidationError, read with its context; what a validator of ours says stays as it is."""
    context = found.get("ctx", {})
    if found["type"] in ("string_too_short", "too_short") and context["min_length"] == 1:
        return "must not be empty"
    if (words := _SENTENCES.get(found["type"])) is not None:
        return words.format_map(context)
    return found["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
