"""An audience import as values: a file's rows, what the store holds beside them, the changes between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from warnd.errors import Fault
from warnd.model.audience import AudienceClass, SubscriberKind


class GroupName(NamedTuple):
    """How a file names a group: ``region-code/name``."""

    region: str
    name: str

    def __str__(self) -> str:
        return f"{self.region}/{self.name}"


class Address(NamedTuple):
    """An address, normalised for its channel's kind."""

    channel: str
    address: str


class Finding(NamedTuple):
    """
    Something wrong or odd with a file: its line (the header is 1), its column, empty for the whole line.

    ``line`` None is the whole file.
    """

    line: int | None
    field: str
    code: str
    message: str

    @property
    def fault(self) -> Fault:
        """With its path, ``rows[8].address``."""
        place = "file" if self.line is None else f"rows[{self.line}]"
        return Fault(f"{place}.{self.field}" if self.field else place, self.code, self.message)

    def __str__(self) -> str:
        place = "the file" if self.line is None else f"line {self.line}"
        return f"{place}, {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """
    One row: one endpoint of one subscriber.

    ``number`` is the row's in the sheet, the header being 1. None is an empty cell, which says nothing: a new
    one gets the default, an existing one stays as it is. ``groups`` None: the file has no such column.
    ``external_id``, ``name`` and ``region`` are empty only where that cell is at fault.
    """

    number: int
    external_id: str
    kind: SubscriberKind | None
    name: str
    region: str
    groups: tuple[GroupName, ...] | None = None
    audience: AudienceClass | None = None
    endpoint: Address | None = None
    priority: int | None = None
    language: str | None = None
    drills: bool | None = None


class KnownSubscriber(NamedTuple):
    """
    A subscriber as stored.

    ``external``: has an external id, so that a sync may end it. An ``ended`` one lives again when named.
    """

    id: str
    kind: SubscriberKind
    name: str
    region: str
    language: str | None
    external: bool = True
    ended: bool = False


class KnownEndpoint(NamedTuple):
    id: str
    priority: int
    drills: bool


@dataclass(frozen=True, slots=True)
class ExistingAudience:
    """
    What the store holds of what a file names.

    ``regions`` leads from codes as written to divisions. ``subscribers`` go by external id, or by their own
    id where they have none; ``endpoints`` and ``memberships`` (ids of live groups) by subscriber id, ``classes``
    by group id. For a sync, ``subscribers`` holds every live one with an external id, named or not.
    """

    regions: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[GroupName, str] = field(default_factory=dict)
    subscribers: Mapping[str, KnownSubscriber] = field(default_factory=dict)
    endpoints: Mapping[str, Mapping[Address, KnownEndpoint]] = field(default_factory=dict)
    memberships: Mapping[str, frozenset[str]] = field(default_factory=dict)
    classes: Mapping[str, AudienceClass] = field(default_factory=dict)


class NewGroup(NamedTuple):
    name: GroupName
    audience: AudienceClass


class NewSubscriber(NamedTuple):
    external_id: str
    kind: SubscriberKind
    name: str
    region: str
    language: str | None


class NewEndpoint(NamedTuple):
    """``subscriber``: its external id (or own id), as in the file."""

    subscriber: str
    address: Address
    priority: int
    drills: bool


class Join(NamedTuple):
    """Somebody comes into a group; by the names of the file, since neither need have an id yet."""

    subscriber: str
    group: GroupName


class Leave(NamedTuple):
    """Somebody is in a group no longer; by ids."""

    subscriber_id: str
    group_id: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """
    What an import changes, all of it or nothing.

    ``subscriber_ids`` and ``group_ids`` are the ids of those that exist already and that joins and new
    endpoints name. ``endpoints_removed`` (ids), ``leaves`` and ``ended`` come of a sync alone. ``unchanged``
    counts the named subscribers that stay just as they were. ``warnings`` name what is odd in the file, by line;
    they stop nothing.
    """

    groups: tuple[NewGroup, ...] = ()
    subscribers: tuple[NewSubscriber, ...] = ()
    subscribers_changed: tuple[KnownSubscriber, ...] = ()
    endpoints: tuple[NewEndpoint, ...] = ()
    endpoints_changed: tuple[KnownEndpoint, ...] = ()
    endpoints_removed: tuple[str, ...] = ()
    joins: tuple[Join, ...] = ()
    leaves: tuple[Leave, ...] = ()
    ended: tuple[KnownSubscriber, ...] = ()
    unchanged: int = 0
    subscriber_ids: Mapping[str, str] = field(default_factory=dict)
    group_ids: Mapping[GroupName, str] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each; the keys are part of the command's ``--json``."""
        return {
            "groups_added": len(self.groups),
            "subscribers_added": len(self.subscribers),
            "subscribers_changed": len(self.subscribers_changed),
            "subscribers_ended": len(self.ended),
            "subscribers_unchanged": self.unchanged,
            "endpoints_added": len(self.endpoints),
            "endpoints_changed": len(self.endpoints_changed),
            "endpoints_removed": len(self.endpoints_removed),
            "memberships_added": len(self.joins),
            "memberships_removed": len(self.leaves),
        }

    @property
    def changes_nothing(self) -> bool:
        return not any(n for key, n in self.counts.items() if key != "subscribers_unchanged")


class AudienceRow(NamedTuple):
    """One row as an export writes it: text, in the order of the file's columns."""

    external_id: str
    kind: str
    name: str
    region: str
    groups: str
    audience: str
    channel: str
    address: str
    priority: str
    language: str
    drills: str
