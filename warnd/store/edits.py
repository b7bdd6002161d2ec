"""What every edit of the audience has in common: what it changed, and how a duplicate is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.exc import IntegrityError

from warnd.errors import Conflict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """A thing before and after an edit; equal when the edit said nothing new."""

    before: T
    after: T


@contextmanager
def unique(message: str) -> Iterator[None]:
    """Turns the database's word that something is there already into Conflict with this message."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(message) from error
