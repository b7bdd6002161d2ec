"""What an audience file changes: its rows beside what the store holds make a plan, carried out whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from warnd.errors import Fault, Invalid
from warnd.model.audience import AudienceClass, SubscriberKind
from warnd.model.audience_import import (
    Address,
    ExistingAudience,
    GroupName,
    ImportPlan,
    ImportRow,
    Join,
    KnownEndpoint,
    KnownSubscriber,
    Leave,
    NewEndpoint,
    NewGroup,
    NewSubscriber,
)

DEFAULT_KIND = SubscriberKind.PERSON
DEFAULT_AUDIENCE = AudienceClass.RESPONSIBLE
DEFAULT_PRIORITY = 1
MOST_FAULTS = 1000

V = TypeVar("V")


def plan_import(rows: Sequence[ImportRow], existing: ExistingAudience, *, sync: bool = False) -> ImportPlan:
    """
    What makes the store hold what the rows say.

    An import only adds and changes. With ``sync`` the rows are the whole truth: of everyone they name, other
    endpoints go and, if the file has a column for groups, other memberships; live subscribers with an
    external id that they do not name end. Whoever was made without an external id no file can end.

    Raises Invalid naming every row that contradicts an earlier one or names a division there is not; and when
    a sync has no rows, since that would end everyone.
    """
    if sync and not rows:
        raise Invalid([Fault("file", "empty", "a sync with an empty file would end every subscriber")])
    reading = _Reading(existing)
    for row in rows:
        reading.take(row)
    if reading.faults:
        raise Invalid(reading.faults[:MOST_FAULTS])
    draft = _Draft(existing, sync=sync)
    for name, audience in reading.groups.items():
        draft.want_group(name, audience)
    for person in reading.people.values():
        draft.want_person(person)
    if sync:
        draft.end_all_but(reading.people)
    return draft.plan()


def preview(plan: ImportPlan, *, shown: int = 5) -> str:
    """The plan in a few lines, for a person to read before it is carried out; at most ``shown`` names."""
    if plan.changes_nothing:
        return f"Nothing changes; {plan.unchanged} subscribers are as the file says."
    counts = plan.counts
    lines = [
        _line("groups to add", counts["groups_added"], (str(group.name) for group in plan.groups), shown),
        _line("subscribers to add", counts["subscribers_added"], (s.name for s in plan.subscribers), shown),
        _line(
            "subscribers to change",
            counts["subscribers_changed"],
            (s.name for s in plan.subscribers_changed),
            shown,
        ),
        _line("subscribers to end", counts["subscribers_ended"], (s.name for s in plan.ended), shown),
        _line("endpoints to add", counts["endpoints_added"], (), shown),
        _line("endpoints to change", counts["endpoints_changed"], (), shown),
        _line("endpoints to remove", counts["endpoints_removed"], (), shown),
        _line("memberships to add", counts["memberships_added"], (), shown),
        _line("memberships to remove", counts["memberships_removed"], (), shown),
        _line("subscribers unchanged", plan.unchanged, (), shown),
    ]
    return "\n".join(line for line in lines if line)


def _line(what: str, count: int, names: Iterable[str], shown: int) -> str:
    if not count:
        return ""
    first = [name for name, _ in zip(names, range(shown), strict=False)]
    more = ", …" if first and count > len(first) else ""
    return f"{what}: {count}" + (f" ({', '.join(first)}{more})" if first else "")


@dataclass(slots=True)
class _Person:
    """All that the rows say of one subscriber; ``row`` is the first that names them."""

    row: int
    external_id: str
    kind: SubscriberKind | None
    name: str
    region: str
    language: str | None
    groups: dict[GroupName, None] | None = None
    endpoints: dict[Address, tuple[int | None, bool | None]] = field(default_factory=dict)


class _Reading:
    """Gathers the rows by subscriber, noting where they contradict each other."""

    def __init__(self, existing: ExistingAudience) -> None:
        self.people: dict[str, _Person] = {}
        self.groups: dict[GroupName, AudienceClass | None] = {}
        self.faults: list[Fault] = []
        self._existing = existing

    def take(self, row: ImportRow) -> None:
        person = self._person(row)
        if row.endpoint is not None:
            said = (row.priority, row.drills)
            if person.endpoints.setdefault(row.endpoint, said) != said:
                self._fault(
                    row, "address", "contradiction", "an earlier row has it with another priority or drills"
                )
        if row.groups is None:
            return
        if person.groups is None:
            person.groups = {}
        for written in row.groups:
            group = GroupName(self._division(row, "groups", written.region), written.name)
            person.groups[group] = None
            self._give(row, group)

    def _person(self, row: ImportRow) -> _Person:
        region = self._division(row, "region", row.region)
        person = self.people.get(row.external_id)
        if person is None:
            person = _Person(row.number, row.external_id, row.kind, row.name, region, row.language)
            self.people[row.external_id] = person
            return person
        self._agree(row, person, "name", person.name, row.name)
        self._agree(row, person, "region", person.region, region)
        person.kind = self._agree(row, person, "kind", person.kind, row.kind)
        person.language = self._agree(row, person, "language", person.language, row.language)
        return person

    def _agree(
        self, row: ImportRow, person: _Person, cell: str, earlier: V | None, later: V | None
    ) -> V | None:
        if earlier is not None and later is not None and earlier != later:
            message = f"differs from row {person.row}, which has the same external_id"
            self._fault(row, cell, "contradiction", message)
        return later if earlier is None else earlier

    def _give(self, row: ImportRow, group: GroupName) -> None:
        """Only a group that the import makes takes its audience from the file."""
        earlier = self.groups.get(group)
        if earlier is None or row.audience is None:
            self.groups[group] = earlier or row.audience
        elif earlier is not row.audience and group not in self._existing.groups:
            message = f"the new group {group} is {earlier.value} by an earlier row"
            self._fault(row, "audience", "contradiction", message)

    def _division(self, row: ImportRow, cell: str, code: str) -> str:
        known = self._existing.regions.get(code)
        if known is None:
            self._fault(row, cell, "unknown_region", f"there is no division {code}")
        return known or code

    def _fault(self, row: ImportRow, cell: str, code: str, message: str) -> None:
        self.faults.append(Fault(f"rows[{row.number}].{cell}", code, message))


class _Draft:
    """The plan as it grows."""

    def __init__(self, existing: ExistingAudience, *, sync: bool) -> None:
        self._existing = existing
        self._sync = sync
        self._groups: list[NewGroup] = []
        self._added: list[NewSubscriber] = []
        self._changed: list[KnownSubscriber] = []
        self._endpoints: list[NewEndpoint] = []
        self._endpoints_changed: list[KnownEndpoint] = []
        self._endpoints_removed: list[str] = []
        self._joins: list[Join] = []
        self._leaves: list[Leave] = []
        self._ended: list[KnownSubscriber] = []
        self._unchanged = 0

    def want_group(self, name: GroupName, audience: AudienceClass | None) -> None:
        if name not in self._existing.groups:
            self._groups.append(NewGroup(name, audience or DEFAULT_AUDIENCE))

    def want_person(self, person: _Person) -> None:
        known = self._existing.subscribers.get(person.external_id)
        before = self._size()
        if known is None:
            kind = person.kind or DEFAULT_KIND
            added = NewSubscriber(person.external_id, kind, person.name, person.region, person.language)
            self._added.append(added)
        else:
            wanted = known._replace(
                kind=person.kind or known.kind,
                name=person.name,
                region=person.region,
                language=person.language or known.language,
                ended=False,
            )
            if wanted != known:
                self._changed.append(wanted)
        self._want_endpoints(person, known)
        self._want_groups(person, known)
        self._unchanged += self._size() == before

    def end_all_but(self, named: Mapping[str, object]) -> None:
        self._ended += [
            known
            for key, known in self._existing.subscribers.items()
            if key not in named and known.external and not known.ended
        ]

    def plan(self) -> ImportPlan:
        subscribers = self._existing.subscribers
        named = {endpoint.subscriber for endpoint in self._endpoints} | {
            join.subscriber for join in self._joins
        }
        groups = {join.group for join in self._joins}
        return ImportPlan(
            groups=tuple(self._groups),
            subscribers=tuple(self._added),
            subscribers_changed=tuple(self._changed),
            endpoints=tuple(self._endpoints),
            endpoints_changed=tuple(self._endpoints_changed),
            endpoints_removed=tuple(self._endpoints_removed),
            joins=tuple(self._joins),
            leaves=tuple(self._leaves),
            ended=tuple(self._ended),
            unchanged=self._unchanged,
            subscriber_ids={key: subscribers[key].id for key in named if key in subscribers},
            group_ids={name: self._existing.groups[name] for name in groups if name in self._existing.groups},
        )

    def _want_endpoints(self, person: _Person, known: KnownSubscriber | None) -> None:
        held = self._existing.endpoints.get(known.id, {}) if known is not None else {}
        for address, (priority, drills) in person.endpoints.items():
            endpoint = held.get(address)
            if endpoint is None:
                new = NewEndpoint(person.external_id, address, priority or DEFAULT_PRIORITY, bool(drills))
                self._endpoints.append(new)
                continue
            wanted = endpoint._replace(
                priority=endpoint.priority if priority is None else priority,
                drills=endpoint.drills if drills is None else drills,
            )
            if wanted != endpoint:
                self._endpoints_changed.append(wanted)
        if self._sync:
            gone = (endpoint.id for address, endpoint in held.items() if address not in person.endpoints)
            self._endpoints_removed.extend(gone)

    def _want_groups(self, person: _Person, known: KnownSubscriber | None) -> None:
        if person.groups is None:
            return
        current = self._existing.memberships.get(known.id, frozenset()) if known is not None else frozenset()
        wanted = {name: self._existing.groups.get(name) for name in person.groups}
        self._joins += [Join(person.external_id, name) for name, id in wanted.items() if id not in current]
        if self._sync and known is not None:
            self._leaves += [Leave(known.id, id) for id in sorted(current - set(wanted.values()))]

    def _size(self) -> int:
        return (
            len(self._added)
            + len(self._changed)
            + len(self._endpoints)
            + len(self._endpoints_changed)
            + len(self._endpoints_removed)
            + len(self._joins)
            + len(self._leaves)
        )
