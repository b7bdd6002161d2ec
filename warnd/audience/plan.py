"""What an audience file changes: its rows beside what the store holds make a plan, carried out whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from warnd.audience.csv_rows import CAPS
from warnd.errors import Fault, Invalid
from warnd.model.audience import AudienceClass, SubscriberKind
from warnd.model.audience_import import (
    Address,
    ExistingAudience,
    Finding,
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
MOST_WARNINGS = 1000

V = TypeVar("V")


def plan_import(
    rows: Sequence[ImportRow],
    existing: ExistingAudience,
    *,
    sync: bool = False,
    faults: Sequence[Finding] = (),
    warnings: Sequence[Finding] = (),
) -> ImportPlan:
    """
    What makes the store hold what the rows say.

    An import only adds and changes. With ``sync`` the rows are the whole truth: of everyone they name, other
    endpoints go and, if the file has a column for groups, other memberships; live subscribers with an
    external id that they do not name end. Whoever was made without an external id no file can end.

    Raises Invalid naming, by line, every row that contradicts an earlier one or names a division there is not,
    together with the ``faults`` that reading the file found; and when a sync has no rows, since that would end
    everyone. ``warnings`` are those of the reading; the plan has them with its own.
    """
    if sync and not rows and not faults:
        raise Invalid([Fault("file", "empty", "a sync with an empty file would end every subscriber")])
    reading = _Reading(existing)
    for row in rows:
        reading.take(row)
    if faults or reading.faults:
        raise _refusal([*faults, *reading.faults])
    draft = _Draft(existing, sync=sync)
    for name, audience in reading.groups.items():
        draft.want_group(name, audience)
    for person in reading.people.values():
        draft.want_person(person)
    if sync:
        draft.end_all_but(reading.people)
    return replace(draft.plan(), warnings=_capped([*warnings, *reading.warnings]))


def preview(plan: ImportPlan, *, shown: int = 5, warnings_shown: int = 20) -> str:
    """
    The plan in a few lines, for a person to read before it is carried out.

    At most ``shown`` names of each kind and ``warnings_shown`` warnings.
    """
    return "\n".join([_changes(plan, shown), *_warnings(plan.warnings, warnings_shown)])


def _changes(plan: ImportPlan, shown: int) -> str:
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


def _warnings(warnings: Sequence[Finding], shown: int) -> Iterator[str]:
    yield from (f"warning: {warning}" for warning in warnings[:shown])
    if len(warnings) > shown:
        yield f"… and {len(warnings) - shown} more warnings"


def _refusal(faults: Sequence[Finding]) -> Invalid:
    """All of them by line; where reading may have stopped for their number, that too."""
    named = [found.fault for found in sorted(faults, key=_line_of)[: CAPS.faults]]
    if len(faults) >= CAPS.faults:
        named.append(Fault("file", "too_many_faults", "there may be more faults"))
    return Invalid(named)


def _capped(warnings: Sequence[Finding]) -> tuple[Finding, ...]:
    first = sorted(warnings, key=_line_of)[:MOST_WARNINGS]
    if (left := len(warnings) - len(first)) > 0:
        first.append(Finding(None, "", "too_many_warnings", f"further warnings: {left}"))
    return tuple(first)


def _line_of(found: Finding) -> int:
    return found.line or 0


@dataclass(slots=True)
class _Person:
    """All that the rows say of one subscriber; ``first`` is the first that names them."""

    first: ImportRow
    external_id: str
    kind: SubscriberKind | None
    name: str
    region: str
    language: str | None
    groups: dict[GroupName, None] | None = None
    endpoints: dict[Address, tuple[int | None, bool | None]] = field(default_factory=dict)
    lines: dict[ImportRow, int] | None = None


class _Reading:
    """Gathers the rows by subscriber, noting where they contradict each other."""

    def __init__(self, existing: ExistingAudience) -> None:
        self.people: dict[str, _Person] = {}
        self.groups: dict[GroupName, AudienceClass | None] = {}
        self.faults: list[Finding] = []
        self.warnings: list[Finding] = []
        self._existing = existing

    def take(self, row: ImportRow) -> None:
        """A row at fault is taken as far as it goes: an empty cell contradicts nothing."""
        region = self._division(row, "region", row.region) if row.region else ""
        groups = [
            GroupName(self._division(row, "groups", written.region), written.name)
            for written in row.groups or ()
        ]
        for group in groups:
            self._give(row, group)
        if not row.external_id:
            return
        person = self._person(row, region)
        if row.endpoint is not None:
            said = (row.priority, row.drills)
            if person.endpoints.setdefault(row.endpoint, said) != said:
                self._fault(row, "address", "an earlier row has it with another priority or drills")
        if row.groups is not None:
            if person.groups is None:
                person.groups = {}
            person.groups.update(dict.fromkeys(groups))

    def _person(self, row: ImportRow, region: str) -> _Person:
        person = self.people.get(row.external_id)
        if person is None:
            person = _Person(row, row.external_id, row.kind, row.name, region, row.language)
            self.people[row.external_id] = person
            return person
        person.name = self._agree(row, person, "name", person.name, row.name)
        person.region = self._agree(row, person, "region", person.region, region)
        person.kind = self._agree(row, person, "kind", person.kind, row.kind)
        person.language = self._agree(row, person, "language", person.language, row.language)
        self._compare(row, person)
        return person

    def _agree(self, row: ImportRow, person: _Person, cell: str, earlier: V, later: V) -> V:
        if earlier and later and earlier != later:
            self._fault(row, cell, f"differs from line {person.first.number}, which has the same external_id")
        return earlier or later

    def _compare(self, row: ImportRow, person: _Person) -> None:
        """Notes a row that says nothing new."""
        if person.lines is None:
            person.lines = {replace(person.first, number=0): person.first.number}
        line = person.lines.setdefault(replace(row, number=0), row.number)
        if line != row.number:
            self._warn(row, "", "repeated_row", f"says the same as line {line}")

    def _give(self, row: ImportRow, group: GroupName) -> None:
        """Only a group that the import makes takes its audience from the file."""
        earlier = self.groups.get(group)
        if group in self._existing.groups:
            self.groups[group] = None
            self._hold_to_class(row, group)
        elif earlier is None or row.audience is None:
            self.groups[group] = earlier or row.audience
        elif earlier is not row.audience:
            self._fault(row, "audience", f"the new group {group} is {earlier.value} by an earlier row")

    def _hold_to_class(self, row: ImportRow, group: GroupName) -> None:
        held = self._existing.classes.get(self._existing.groups[group])
        if held is not None and row.audience is not None and row.audience is not held:
            message = f"is ignored: the group {group} exists and is {held.value}"
            self._warn(row, "audience", "audience_ignored", message)

    def _division(self, row: ImportRow, cell: str, code: str) -> str:
        known = self._existing.regions.get(code)
        if known is None:
            self._fault(row, cell, f"there is no division {code}", code="unknown_region")
        return known or code

    def _fault(self, row: ImportRow, cell: str, message: str, *, code: str = "contradiction") -> None:
        self.faults.append(Finding(row.number, cell, code, message))

    def _warn(self, row: ImportRow, cell: str, code: str, message: str) -> None:
        self.warnings.append(Finding(row.number, cell, code, message))


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
