"""The audience file: CSV bytes to rows with every fault named, and rows back to CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain
from typing import TypeVar

from warnd.audience import addresses
from warnd.audience.cells import guarded, unguarded
from warnd.audience.kinds import ChannelKinds
from warnd.errors import Fault, Invalid
from warnd.model.audience import AudienceClass, SubscriberKind
from warnd.model.audience_import import Address, AudienceRow, Finding, GroupName, ImportRow
from warnd.model.region import candidates

COLUMNS = AudienceRow._fields
REQUIRED = ("external_id", "name", "region")

E = TypeVar("E", bound=Enum)
V = TypeVar("V")

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SEPARATORS = re.compile("[;；]")
_TRUE = frozenset({"true", "yes", "1", "是"})
_FALSE = frozenset({"false", "no", "0", "否"})
_WRONG_SEPARATORS = {";": ";", "\t": "a tab", "|": "|"}


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of a file is read at all. ``faults``: so many are named, then reading stops."""

    bytes: int = 256 * 1024 * 1024
    rows: int = 1_000_000
    cell: int = 1000
    faults: int = 1000


CAPS = Caps()


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    A file as it was read.

    ``rows`` holds the rows at fault too, as far as they could be read, so that what the store knows can be
    held against the rest of their cells; only a row whose cells cannot be told apart is left out.
    """

    rows: tuple[ImportRow, ...]
    faults: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def read_sheet(body: bytes, kinds: ChannelKinds, caps: Caps = CAPS) -> Sheet:
    """
    The rows of a file in UTF-8 (with or without BOM) or GB18030, every fault and oddity by its line.

    Raises Invalid where no row can be made out: ``file``, or ``header.name`` for a column.
    """
    if len(body) > caps.bytes:
        raise _unreadable("too_large", f"the file has {len(body)} bytes; at most {caps.bytes} are read")
    text = io.StringIO(_decoded(body), newline="")
    _check_separator(text)
    reader = csv.reader(text, strict=True)
    faults: list[Finding] = []
    warnings: list[Finding] = []
    rows: list[ImportRow] = []
    number = 0
    try:
        header = _header(next(reader, []))
        number = 1
        for number, cells in enumerate(reader, start=2):
            if number - 1 > caps.rows:
                raise _unreadable("too_many_rows", f"at most {caps.rows} rows are read")
            if not any(cell.strip() for cell in cells):
                continue
            row = _Row(number, header, cells, caps.cell, kinds)
            if (parsed := row.parse()) is not None:
                rows.append(parsed)
            faults += row.faults
            warnings += row.warnings
            if len(faults) >= caps.faults:
                break
    except csv.Error as error:
        message = f"the row is not CSV, and what follows cannot be read: {error}"
        faults.append(Finding(number + 1, "", "malformed", message))
    return Sheet(tuple(rows), tuple(faults[: caps.faults]), tuple(warnings))


def write_rows(rows: Iterable[AudienceRow], *, header: bool = True) -> Iterator[str]:
    """The file line by line; no cell passes for a formula, and ``read_sheet`` gives all back."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for cells in chain([COLUMNS] if header else [], rows):
        writer.writerow([guarded(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable("encoding", "the file is neither UTF-8 nor GB18030")


def _check_separator(text: io.StringIO) -> None:
    """Spreadsheets of some countries save semicolons: one fault, not one for each column."""
    first = text.readline()
    text.seek(0)
    if "," in first:
        return
    for separator, name in _WRONG_SEPARATORS.items():
        if separator in first:
            raise _unreadable("separator", f"the separator is {name}, a comma is needed")


def _header(cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell.strip().lower() for cell in cells)
    while names and not names[-1]:
        names = names[:-1]
    faults = [
        Fault(f"header.{name}", "unknown_column", f"there is no such column; known are {', '.join(COLUMNS)}")
        for name in names
        if name not in COLUMNS
    ]
    faults += [
        Fault(f"header.{name}", "repeated_column", "the column is there more than once")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    faults += [
        Fault(f"header.{name}", "missing_column", "the column is missing")
        for name in REQUIRED
        if name not in names
    ]
    if faults:
        raise Invalid(faults)
    return names


def _unreadable(code: str, message: str) -> Invalid:
    return Invalid([Fault("file", code, message)])


class _Row:
    """Reads one row, gathering what is wrong or odd with it instead of stopping at the first."""

    def __init__(
        self, number: int, header: tuple[str, ...], cells: list[str], longest: int, kinds: ChannelKinds
    ) -> None:
        self.number = number
        self.faults: list[Finding] = []
        self.warnings: list[Finding] = []
        self._kinds = kinds
        self._has_groups = "groups" in header
        self._cells: dict[str, str] = {
            name: unguarded(cell.strip()).strip() for name, cell in zip(header, cells, strict=False)
        }
        self._shifted = not self._fits(len(header), cells)
        if not self._shifted:
            self._drop_unreadable(longest)

    def parse(self) -> ImportRow | None:
        """The row with the cells at fault left empty; None when a cell is lacking or one too many."""
        if self._shifted:
            return None
        row = ImportRow(
            number=self.number,
            external_id=self._required("external_id"),
            kind=self._optional("kind", lambda text: _member(SubscriberKind, text)),
            name=self._required("name"),
            region=self._optional("region", _region, required=True) or "",
            groups=(self._optional("groups", _groups) or ()) if self._has_groups else None,
            audience=self._optional("audience", lambda text: _member(AudienceClass, text)),
            endpoint=self._endpoint(),
            priority=self._optional("priority", _priority),
            language=self._optional("language", _language),
            drills=self._optional("drills", _truth),
        )
        if self.faults and (self._is_at_fault("priority") or self._is_at_fault("drills")):
            # Half an endpoint would seem to contradict another row.
            return replace(row, endpoint=None)
        return row

    def _fits(self, columns: int, cells: list[str]) -> bool:
        """Otherwise an unquoted comma, or a lost one, has shifted the cells."""
        if len(cells) < columns:
            self._fault("", "too_few_cells", f"the row has {len(cells)} cells, the header {columns}")
        elif any(cell.strip() for cell in cells[columns:]):
            self._fault("", "too_many_cells", f"the row has more cells than the header's {columns}")
        return not self.faults

    def _drop_unreadable(self, longest: int) -> None:
        for name, cell in self._cells.items():
            if len(cell) > longest:
                self._fault(name, "too_long", f"a cell has at most {longest} characters")
            elif _CONTROLS.search(cell):
                self._fault(
                    name, "control_character", "a cell holds no line breaks and no control characters"
                )
        for fault in self.faults:
            del self._cells[fault.field]

    def _endpoint(self) -> Address | None:
        """None where both cells are empty: a subscriber known, with no way to reach them yet."""
        channel, address = self._cells.get("channel", ""), self._cells.get("address", "")
        if not channel and not address:
            return None
        for name, cell, other in (("channel", channel, "address"), ("address", address, "channel")):
            if not cell:
                if not self._is_at_fault(name):
                    self._fault(name, "missing", f"is empty although {other} is not")
                return None
        if channel not in self._kinds.known:
            self._fault("channel", "unknown_channel", self._kinds.unknown(channel))
            return None
        if channel not in self._kinds.served:
            message = f"no channel of the kind {channel} is configured, so nobody is told there"
            self.warnings.append(Finding(self.number, "channel", "unserved_channel", message))
        normalised = self._optional("address", lambda text: addresses.normalise(channel, text))
        return None if normalised is None else Address(channel, normalised)

    def _required(self, name: str) -> str:
        return self._optional(name, str, required=True) or ""

    def _optional(self, name: str, read: Callable[[str], V], *, required: bool = False) -> V | None:
        cell = self._cells.get(name, "")
        if not cell:
            if required and not self._is_at_fault(name):
                self._fault(name, "missing", "is empty")
            return None
        try:
            return read(cell)
        except ValueError as error:
            self._fault(name, "invalid", str(error))
            return None

    def _is_at_fault(self, name: str) -> bool:
        return any(fault.field == name for fault in self.faults)

    def _fault(self, name: str, code: str, message: str) -> None:
        self.faults.append(Finding(self.number, name, code, message))


def _member(kind: type[E], text: str) -> E:
    try:
        return kind(text.lower())
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise ValueError(f"{text!r} is none of {known}") from None


def _region(text: str) -> str:
    if not candidates(text):
        raise ValueError(f"{text!r} is no division code; is the column formatted as a number?")
    return text


def _groups(text: str) -> tuple[GroupName, ...]:
    names: dict[GroupName, None] = {}
    for part in filter(None, (part.strip() for part in _SEPARATORS.split(text))):
        region, slash, name = part.partition("/")
        if not slash or not name.strip():
            raise ValueError(f"{part!r} is not written region-code/name")
        names[GroupName(_region(region.strip()), name.strip())] = None
    return tuple(names)


def _priority(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 99):
        raise ValueError(f"{text!r} is no whole number from 1 to 99")
    return int(text)


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise ValueError(f"{text!r} is no language tag such as zh, en or ug")
    return text


def _truth(text: str) -> bool:
    folded = text.lower()
    if folded not in _TRUE | _FALSE:
        raise ValueError(f"{text!r} is neither true nor false")
    return folded in _TRUE
