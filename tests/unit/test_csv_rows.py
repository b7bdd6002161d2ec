"""The audience file: what may be written how, and that every fault is named where it stands."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warnd.audience.cells import guarded, unguarded
from warnd.audience.csv_rows import CAPS, COLUMNS, Caps, Sheet, read_sheet, write_rows
from warnd.audience.kinds import ChannelKinds
from warnd.errors import Invalid
from warnd.model.audience import AudienceClass, SubscriberKind
from warnd.model.audience_import import Address, AudienceRow, Finding, GroupName, ImportRow

HEADER = ",".join(COLUMNS)
LINE = (
    "LSZ-001,post,两水镇值班室,621202101,621202101/山洪责任人;621202/防汛,leaders,sms,15400000001,2,zh,true"
)


KINDS = ChannelKinds.beside(["sms", "email"])


def sheet(body: bytes | str, caps: Caps = CAPS) -> Sheet:
    return read_sheet(body.encode() if isinstance(body, str) else body, KINDS, caps)


def read_rows(body: bytes) -> tuple[ImportRow, ...]:
    """Of a file without a fault."""
    read = sheet(body)
    assert read.faults == ()
    return read.rows


def faults(body: bytes | str, caps: Caps = CAPS) -> list[str]:
    """Where the file is at fault."""
    try:
        found = [one.fault for one in sheet(body, caps).faults]
    except Invalid as refused:
        found = list(refused.faults)
    assert all(fault.message for fault in found)
    return [fault.path for fault in found]


def row(**cells: str) -> str:
    return ",".join({**dict(zip(COLUMNS, LINE.split(","), strict=True)), **cells}.values())


def test_a_row_is_read_whole() -> None:
    """One row, one endpoint; its address in the form in which it is stored."""
    assert read_rows(f"{HEADER}\n{LINE}\n".encode()) == (
        ImportRow(
            number=2,
            external_id="LSZ-001",
            kind=SubscriberKind.POST,
            name="两水镇值班室",
            region="621202101",
            groups=(GroupName("621202101", "山洪责任人"), GroupName("621202", "防汛")),
            audience=AudienceClass.LEADERS,
            endpoint=Address("sms", "+8615400000001"),
            priority=2,
            language="zh",
            drills=True,
        ),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_spreadsheets_save_is_read(encoding: str, ending: str) -> None:
    """With or without a byte order mark; Chinese Windows saves GB18030."""
    rows = read_rows(f"{HEADER}{ending}{LINE}{ending}".encode(encoding))
    assert [row.name for row in rows] == ["两水镇值班室"]


def test_an_empty_cell_says_nothing() -> None:
    """So that a file need not repeat what the store knows; a lacking column is not an empty one."""
    (row,) = read_rows("name,region,external_id\n甲,62,1\n".encode())
    assert (row.kind, row.groups, row.endpoint, row.drills) == (None, None, None, None)
    (row,) = read_rows("name,region,external_id,groups\n甲,62,1,\n".encode())
    assert row.groups == ()


def test_empty_rows_and_empty_cells_at_the_end_are_no_fault() -> None:
    """Spreadsheets leave both behind; the numbers stay those of the sheet."""
    rows = read_rows("external_id,name,region,,\n1,甲,62,,\n,,,,\n2,乙,62,,\n".encode())
    assert [row.number for row in rows] == [2, 4]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        pytest.param("", ["header.external_id", "header.name", "header.region"], id="no-header"),
        pytest.param("external_id,name,region,telephone\n", ["header.telephone"], id="unknown-column"),
        pytest.param("external_id,name,name,region\n", ["header.name"], id="column-twice"),
        pytest.param(b"\x00\xff\xff", ["file"], id="no-text"),
    ],
)
def test_a_wrong_header_is_refused_by_column(body: bytes | str, paths: list[str]) -> None:
    """A misspelt column would otherwise be lost without a word."""
    assert faults(body) == paths


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("external_id", ""),
        ("kind", "user"),
        ("name", "  "),
        ("region", "6.21E+11"),
        ("groups", "山洪责任人"),
        ("groups", "621202/"),
        ("audience", "everybody"),
        ("channel", "sms.http"),
        ("channel", "pigeon"),
        ("channel", ""),
        ("address", ""),
        ("address", "12345"),
        ("priority", "0"),
        ("language", "中文"),
        ("drills", "maybe"),
        ("name", "a\x07b"),
        ("name", "长" * 1001),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column(column: str, cell: str) -> None:
    """The person with the spreadsheet finds it at once."""
    assert faults(f"{HEADER}\n{LINE}\n{row(**{column: cell})}\n") == [f"rows[3].{column}"]


def test_every_fault_of_every_row_is_named() -> None:
    """One reading, one list to mend."""
    assert faults(f"{HEADER}\nx,y,,62,,,,,,,z\n,post,甲,62,,,,,,,\n") == [
        "rows[2].kind",
        "rows[2].name",
        "rows[2].drills",
        "rows[3].external_id",
    ]


def test_a_file_beyond_the_caps_is_refused() -> None:
    """A wrong file cannot take the memory of the process, nor answer with a million faults."""
    body = f"{HEADER}\n{LINE}\n{LINE}\n"
    assert faults(body, Caps(bytes=10)) == ["file"]
    assert faults(body, Caps(rows=1)) == ["file"]
    bad = f"{HEADER}\n" + ",,,,,,,,,,x\n" * 10
    assert len(faults(bad, Caps(faults=4))) == 4


@pytest.mark.parametrize(
    "body", ['external_id,name,region\n1,"甲,62\n', 'external_id,name,region\n1,"甲"乙,62\n']
)
def test_broken_quoting_is_named_by_row(body: str) -> None:
    """A lost quotation mark would swallow the rows that follow."""
    assert faults(body) == ["rows[2]"]


@pytest.mark.parametrize("cells", ["1,甲,62,乙", "1,甲"])
def test_more_or_fewer_cells_than_the_header_has_are_a_fault(cells: str) -> None:
    """A comma too many or lost has shifted the row: its cells are not read at all."""
    read = sheet(f"external_id,name,region\n{cells}\n2,丙,62\n")
    assert [one.fault.path for one in read.faults] == ["rows[2]"]
    assert [row.number for row in read.rows] == [3]


@pytest.mark.parametrize(("separator", "name"), [(";", ";"), ("\t", "a tab")])
@pytest.mark.parametrize("quote", ["", '"'])
def test_another_separator_is_one_fault(separator: str, name: str, quote: str) -> None:
    """Not one for each column."""
    header = separator.join(f"{quote}{column}{quote}" for column in COLUMNS)
    with pytest.raises(Invalid) as refused:
        sheet(f"{header}\n{LINE}\n")
    (fault,) = refused.value.faults
    assert (fault.path, fault.code) == ("file", "separator")
    assert fault.message == f"the separator is {name}, a comma is needed"


def test_a_row_at_fault_is_read_as_far_as_it_goes() -> None:
    """So that what the store knows can be held against the rest, and all be named at once."""
    (read,) = sheet(f"{HEADER}\n{row(kind='user', name='', priority='0')}\n").rows
    assert (read.external_id, read.kind, read.name, read.region) == ("LSZ-001", None, "", "621202101")
    assert (read.endpoint, read.audience) == (None, AudienceClass.LEADERS)


def test_a_misspelt_kind_of_channel_is_told_from_one_that_has_no_channel_yet() -> None:
    """The first reaches nobody for ever, the second nobody until it is configured."""
    read = sheet(f"{HEADER}\n{row(channel='pigeon')}\n{row(channel='voice')}\n{LINE}\n")
    assert [(one.line, one.field, one.code) for one in read.faults] == [(2, "channel", "unknown_channel")]
    assert "pigeon" in read.faults[0].message
    assert [(one.line, one.field, one.code) for one in read.warnings] == [(3, "channel", "unserved_channel")]


def test_kinds_are_those_of_channels_of_the_usual_ones_and_of_adapters() -> None:
    """A third party's kind is known by being configured, or by the name of its adapter."""
    kinds = ChannelKinds.beside(["beacon"])
    assert kinds.served == {"beacon"}
    assert {"beacon", "sms", "wechat", "email", "voice", "console"} <= kinds.known
    assert "pigeon" not in kinds.known


def test_a_finding_says_where() -> None:
    """To a program by path, to a person in a spreadsheet's words."""
    cell, line, file = (
        Finding(8, "address", "invalid", "is no address"),
        Finding(8, "", "repeated_row", "says the same as line 2"),
        Finding(None, "", "too_many_warnings", "further warnings: 2"),
    )
    assert [one.fault.path for one in (cell, line, file)] == ["rows[8].address", "rows[8]", "file"]
    assert str(cell) == "line 8, address: is no address"
    assert [str(line), str(file)] == [
        "line 8: says the same as line 2",
        "the file: further warnings: 2",
    ]


@pytest.mark.parametrize("first", list("=+-@\t\r＝＋－＠"))
def test_no_exported_cell_passes_for_a_formula(first: str) -> None:
    """A subscriber's name may be anybody's input; a spreadsheet would run it."""
    assert guarded(f"{first}cmd").startswith("'")


def test_a_telephone_number_keeps_its_plus() -> None:
    """It computes to nothing but itself, and stays what other programs read."""
    assert guarded("+8615400000001") == "+8615400000001"


@given(st.text() | st.text("'=+-@＝＋0123456789", max_size=8))
def test_guarding_loses_nothing(text: str) -> None:
    """What is exported is imported as it was."""
    assert unguarded(guarded(text)) == text


cell = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@given(external_id=cell, name=cell)
def test_a_written_file_is_read_as_it_was(external_id: str, name: str) -> None:
    """Quotation marks, commas and formulas included."""
    written = AudienceRow(external_id, "post", name, "62", "", "", "sms", "+8615400000001", "1", "", "false")
    body = "".join(write_rows([written]))
    assert len(list(csv.reader(io.StringIO(body, newline="")))) == 2
    (row,) = read_rows(body.encode())
    assert (row.external_id, row.name) == (external_id, name)
    assert row.endpoint == Address("sms", "+8615400000001")
