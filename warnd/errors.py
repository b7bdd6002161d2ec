"""
Every exception warnd raises on purpose.

::

    WarndError
    ├── ConfigError      a setting that can never work; names the key (exit 78)
    ├── InvalidAlert     a message that cannot be an Alert; lists every fault by path (422)
    ├── Invalid          any other body with faults, listed by path (422)
    ├── TemplateError    a template that cannot be rendered; the renderer falls back
    ├── NotFound         no row with that id (404)
    ├── TooMany          a source sends more than its rate (429)
    └── StoreError       the store could not do what it was asked
        └── Conflict     it holds something else under that key already (409)
            └── SamePerson   whoever issued a warning by hand is not the second person it needs (409)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


class WarndError(Exception):
    """The root: whatever carries this is warnd's own word, fit for an operator to read."""


class ConfigError(WarndError):
    """
    Settings that can never work as they stand: a ``key``, dotted as ``channels.sms.url``, and what is wrong with it.

    ``others`` are more such pairs; ``faults`` are sentences, one for each.
    """

    def __init__(self, key: str, message: str, *others: tuple[str, str]) -> None:
        self.key = key
        self.faults = tuple(f"{each}: {why}" for each, why in ((key, message), *others))
        super().__init__("; ".join(self.faults))


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing wrong with a body.

    ``path`` leads to it from the root (``areas[0].regions[2]`` or ``alert/info[1]/expires``), ``code`` is
    constant and fit for a program, ``message`` is a plain sentence. ``about`` is what it speaks of, a name or
    a code as it was given; empty where the path says enough.
    """

    path: str
    code: str
    message: str
    about: str = field(default="", compare=False)


class Invalid(WarndError):
    """A body with faults, all of them named at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class InvalidAlert(Invalid):
    """A message that cannot be read as an Alert."""


class TemplateError(WarndError):
    """A template that is missing, does not compile or does not render. ``template`` is its path."""

    def __init__(self, template: str, message: str) -> None:
        super().__init__(f"{template}: {message}")
        self.template = template


class NotFound(WarndError):
    """There is no such thing: ``kind`` as in the vocabulary, ``key`` as it was asked for."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"no {kind} {key}")
        self.kind = kind
        self.key = key


class TooMany(WarndError):
    """A source sends more than its rate. ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreError(WarndError):
    """The store could not do what it was asked; nothing of the request was kept."""


class Conflict(StoreError):
    """The store holds something else under that key already."""


class SamePerson(Conflict):
    """Whoever issued a warning by hand is not the second person it needs."""
