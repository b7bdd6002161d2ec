"""A credential that does not show itself."""

from __future__ import annotations

from typing import final


@final
class Secret:
    """
    Wraps a credential so that logs, errors and ``repr`` show ``***``.

    ``reveal`` is called where the request is made, nowhere else.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))
