"""Bytes to text, by us and not by a parser: what was looked through is then exactly what is parsed."""

from __future__ import annotations

import codecs
import re

from warnd.intake.findings import refuse

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHAPES = (
    (re.compile(rb"[<{\[]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[<{\[]"), "utf-32-be"),
    (re.compile(rb"[<{\[]\0"), "utf-16-le"),
    (re.compile(rb"\0[<{\[]"), "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,100}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARABLE = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    **{name: name for name in (f"iso-8859-{part}" for part in (1, 2, 5, 7, 9, 13, 15))},
    **{name: name for name in (f"windows-125{part}" for part in range(9))},
    **{name: name for name in ("koi8-r", "koi8-u", "shift_jis", "euc-jp", "euc-kr", "tis-620")},
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    # One byte a character so far, so this can only be a slip of whoever wrote the declaration.
    "utf-16": "utf-8",
    "utf-16le": "utf-8",
    "utf-16be": "utf-8",
}
"""What an XML declaration may name, and how it is read."""


def decode(body: bytes) -> str:
    """
    The text of a body, without byte order marks and white space around it.

    By its mark, else by the zeros of UTF-16 and 32, else by its XML declaration, else UTF-8. Raises
    InvalidAlert.
    """
    # Some services put two marks before their text, or blanks before the mark.
    return _whole(body).strip().lstrip("\ufeff").lstrip()


def _whole(body: bytes) -> str:
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], encoding)
    for shape, encoding in _SHAPES:
        if shape.match(body):
            return _decoded(body, encoding)
    declared = _DECLARED.match(body)
    name = declared[1].decode("ascii").lower() if declared is not None else "utf-8"
    if name not in _DECLARABLE:
        refuse("body", "bad_encoding", f"the encoding {name} is not read here; send UTF-8")
    return _decoded(body, _DECLARABLE[name])


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        return refuse("body", "bad_encoding", f"is not {encoding} at byte {error.start}")
