"""
CAP 1.2 (and 1.1, 1.0) to Alert: generous where people can still be told.

A message that ends a warning without being a Cancel (responseType AllClear in every block, an Update whose
urgency is Past, a title with 解除) keeps its type and carries the parameter ``warnd:ends`` = ``true``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from warnd.intake.cap_grammar import COUNTED, NAMESPACES, check_grammar, check_prose, word
from warnd.intake.color import read_color
from warnd.intake.findings import Findings, Weight, refuse
from warnd.intake.geometry import read_circle, read_polygon
from warnd.intake.hazards import find_hazard
from warnd.intake.identity import is_clean, is_short_enough, read_references
from warnd.intake.judge import Paths, end_marks, judge
from warnd.intake.languages import CAP_DEFAULT, DEFAULT, is_tag, looks_chinese, short_tag
from warnd.intake.times import read_time
from warnd.intake.xml import Node, read_xml
from warnd.model.alert import Alert, AlertType, Area, Parsed, Status, Text
from warnd.model.alert_body import EVENT
from warnd.model.color import Color
from warnd.model.hazard import OTHER, HazardCatalogue
from warnd.model.region import candidates

_NATIONAL = ("senderCode", "sendTime")
"""Elements that only the national format (12379) has, whose root is an ``alert`` too."""

_OTHER_SCHEMES = re.compile(
    r"same|fips|ugc|emma|nuts|warncell|iso\b|iso.?3166|cap-cp|^layer:|zip|post|aemet|clc|sgc|iata|icao|exclude|^http",
    re.IGNORECASE,
)
"""Names of geocodes that are certainly not China's division codes, though their values may be digits too."""

MAX_BLOCKS = 200
"""Of ``info``; the message with the most languages known has nine."""

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,100}>")


@dataclass(frozen=True, slots=True)
class _Block:
    """An ``info`` and the tag its words are kept under."""

    language: str
    info: Node


@dataclass(frozen=True, slots=True)
class _Extent:
    """When and where."""

    effective: datetime | None
    onset: datetime | None
    expires: datetime | None
    areas: tuple[Area, ...]


def parse(text: str, catalogue: HazardCatalogue) -> Parsed:
    """Read one CAP message. Raises InvalidAlert naming what is wrong by path, ``alert/info[1]/expires``."""
    findings = Findings()
    root = read_xml(text, counted=COUNTED)
    kind = _kind(root, findings)
    check_grammar(root, kind, findings)
    check_prose(root, findings)
    sent = _time(root, "sent", findings, Weight.FAULT)
    for key in ("identifier", "sender"):
        _check_key(root, key, findings)
    blocks = _blocks(root, findings)
    extent = _extent(blocks, findings)
    if findings.faults or sent is None:
        raise findings.refusal()
    alert = _alert(root, sent, blocks, extent, catalogue, findings)
    judge(alert, catalogue, _paths(blocks), findings)
    return Parsed(alert, kind, tuple(findings.warnings), tuple(findings.doubts))


def _kind(root: Node, findings: Findings) -> str:
    if root.name != "alert":
        refuse(root.path, "not_an_alert", f"is {root.name}, not an alert; send what it wraps")
    if root.namespace in NAMESPACES:
        return NAMESPACES[root.namespace]
    if any(root.first(name) is not None for name in _NATIONAL):
        refuse(root.path, "national_format", "is the national 12379 format; send CAP 1.2 or JSON for now")
    if root.namespace or root.first("msgType") is None:
        refuse(root.path, "not_cap", f"has namespace {root.namespace!r}, which is none of CAP's")
    findings.doubt(root.path, "namespace_missing", "has no namespace; it was read as CAP 1.2")
    return "cap-1.2"


def _check_key(root: Node, name: str, findings: Findings) -> None:
    key = root.value(name)
    if key and not is_short_enough(key):
        findings.fault(f"alert/{name}", "key_length", "is longer than 256 characters")
    elif not is_clean(key):
        findings.warn(f"alert/{name}", "key_characters", "holds a space, a comma, < or &")


def _alert(
    root: Node,
    sent: datetime,
    blocks: Sequence[_Block],
    extent: _Extent,
    catalogue: HazardCatalogue,
    findings: Findings,
) -> Alert:
    kind = AlertType(_word(root, "msgType").lower())
    texts = _texts(blocks, findings)
    language = next(iter(texts))
    infos = [block.info for block in blocks]
    main = [block.info for block in blocks if block.language == language]
    references, oddity = read_references(root.value("references"), root.value("sender"))
    if oddity:
        findings.warn("alert/references", "reference_form", oddity)
    codes = [code for info in main for _, code in _pairs(info, "eventCode") if code]
    event_code = next(filter(catalogue.by_code, codes), codes[0] if codes else None)
    names = [info.value("event") for info in infos]
    hazard = find_hazard(catalogue, codes=codes, names=names, title=texts[language].headline)
    if hazard is None and infos:
        findings.warn(f"{main[0].path}/event", "hazard_unknown", f"{names[0][:60]!r} is no known hazard")
    parameters = _parameters(main, [block.info for block in blocks if block.language != language], event_code)
    if hazard is None and any(names):
        parameters[EVENT] = names[0]
    parameters |= end_marks(kind, texts[language].headline, all_clear=_is_all_clear(infos, kind))
    return Alert(
        identifier=root.value("identifier"),
        sender=root.value("sender"),
        sent=sent,
        status=Status(_word(root, "status").lower()),
        type=kind,
        hazard=hazard.slug if hazard is not None else OTHER,
        color=_color(main, findings),
        texts=texts,
        language=language,
        sender_name=_first(infos, lambda info: info.value("senderName")) or "",
        event_code=event_code,
        references=references,
        effective=extent.effective,
        onset=extent.onset,
        expires=extent.expires,
        areas=extent.areas,
        contact=_first(infos, lambda info: info.value("contact")),
        web=_first(infos, lambda info: info.value("web")),
        parameters=parameters,
    )


def _paths(blocks: Sequence[_Block]) -> Paths:
    info = blocks[0].info.path if blocks else "alert/info"
    return Paths(
        headline=f"{info}/headline",
        hazard=f"{info}/event",
        color=f"{info}/severity",
        references="alert/references",
        expires=f"{info}/expires",
        areas=f"{info}/area",
    )


# --- words ------------------------------------------------------------------------------------------


def _blocks(root: Node, findings: Findings) -> list[_Block]:
    """The infos with their tags; those of the message's own language, Chinese if there is any, come first."""
    tags: dict[str, str] = {}
    blocks = []
    infos = root.all("info")
    if len(infos) > MAX_BLOCKS:
        refuse("alert/info", "too_many_blocks", f"has {len(infos)} blocks, more than {MAX_BLOCKS}")
    for info in infos:
        whole = _language(info, findings)
        if whole not in tags:
            tags[whole] = short_tag(whole, tags.values())
        blocks.append(_Block(tags[whole], info))
    own = DEFAULT if DEFAULT in tags.values() else next(iter(tags.values()), DEFAULT)
    return sorted(blocks, key=lambda block: block.language != own)


def _language(info: Node, findings: Findings) -> str:
    tag, path = info.value("language"), f"{info.path}/language"
    if is_tag(tag):
        return tag.lower()
    if tag:
        findings.warn(path, "bad_language", f"{tag[:40]!r} is not a language tag")
    if looks_chinese(info.value("headline") + info.value("event")):
        findings.warn(path, "language_guessed", "CAP would take it for English; the words are Chinese")
        return DEFAULT
    return CAP_DEFAULT


def _texts(blocks: Sequence[_Block], findings: Findings) -> dict[str, Text]:
    """The words by tag; a later block in the same language adds to what the earlier said."""
    texts: dict[str, Text] = {}
    for block in blocks:
        words = _text(block.info, findings)
        earlier = texts.get(block.language)
        texts[block.language] = words if earlier is None else _expanded(earlier, words)
    return texts or {DEFAULT: Text()}


def _text(info: Node, findings: Findings) -> Text:
    headline = info.value("headline")
    if not headline:
        headline = info.value("event")
        findings.warn(f"{info.path}/headline", "headline_missing", "the event stands in for it")
    words = Text(headline, info.value("description"), info.value("instruction"))
    for name in ("headline", "description", "instruction"):
        if _MARKUP.search(getattr(words, name)):
            findings.warn(f"{info.path}/{name}", "markup", "holds markup, which people would read as it is")
    return words


def _expanded(earlier: Text, later: Text) -> Text:
    return Text(
        earlier.headline or later.headline,
        _joined(earlier.description, later.description),
        _joined(earlier.instruction, later.instruction),
    )


def _joined(earlier: str, later: str) -> str:
    return earlier if later in earlier else f"{earlier}\n\n{later}".strip()


# --- grade, end and parameters ----------------------------------------------------------------------


def _color(main: Sequence[Node], findings: Findings) -> Color | None:
    """The highest color of the message's own blocks; a warning where they differ or disagree in themselves."""
    colors = set()
    for info in main:
        parameters = dict(_pairs(info, "parameter"))
        reading = read_color(parameters, info.value("headline"), _word(info, "severity"))
        colors |= {reading.color} - {None}
        if reading.disagreement:
            findings.warn(info.path, "color_disagrees", f"{reading.disagreement}; the higher stands")
        if reading.unread:
            findings.warn(info.path, "color_unread", f"{reading.unread[:40]!r} is no known color")
    if len(colors) > 1:
        findings.warn("alert", "blocks_disagree", "blocks differ in color; the highest stands for all areas")
    return max((color for color in colors if color is not None), default=None)


def _is_all_clear(infos: Sequence[Node], kind: AlertType) -> bool:
    def is_over(info: Node) -> bool:
        past = kind is AlertType.UPDATE and _word(info, "urgency") == "Past"
        return past or any(word("responseType", each.text) == "AllClear" for each in info.all("responseType"))

    return bool(infos) and all(map(is_over, infos))


def _parameters(main: Sequence[Node], others: Sequence[Node], event_code: str | None) -> dict[str, str]:
    """
    All parameters, and the codes nothing else was made of as ``eventCode:…`` and ``geocode:…``.

    Of a name that several languages carry the main language's values count, joined by commas.
    """
    kept: dict[str, dict[str, None]] = {}
    for group in (main, others):
        found: dict[str, dict[str, None]] = {}
        for info in group:
            for name, value in _kept(info, event_code):
                found.setdefault(name, {})[value] = None
        kept = found | kept
    return {name: ",".join(values) for name, values in kept.items()}


def _kept(info: Node, event_code: str | None) -> Iterator[tuple[str, str]]:
    yield from _pairs(info, "parameter")
    yield from ((f"eventCode:{name}", code) for name, code in _pairs(info, "eventCode") if code != event_code)
    for area in info.all("area"):
        yield from ((f"geocode:{name}", code) for name, code in _codes(area) if not _is_division(name, code))


def _pairs(node: Node, element: str) -> Iterator[tuple[str, str]]:
    """Name and value of each such child; CAP 1.0 wrote them as one text, ``SAME=SVR``."""
    for child in node.all(element):
        if child.children:
            yield child.value("valueName"), child.value("value")
        else:
            name, _, value = child.text.rpartition("=")
            yield name.strip(), value.strip()


# --- times and places -----------------------------------------------------------------------------------------


def _extent(blocks: Sequence[_Block], findings: Findings) -> _Extent:
    infos = [block.info for block in blocks]
    return _Extent(
        effective=_first_time(infos, "effective", findings),
        onset=_first_time(infos, "onset", findings),
        expires=_first_time(infos, "expires", findings),
        areas=_areas(blocks, findings),
    )


def _time(node: Node, name: str, findings: Findings, weight: Weight = Weight.DOUBT) -> datetime | None:
    child = node.first(name)
    if child is None:
        return None
    if not child.text:
        findings.warn(child.path, "empty", "is empty; taken as absent")
        return None
    try:
        when, liberty = read_time(child.text)
    except ValueError as error:
        findings.add(weight, child.path, "bad_time", str(error))
        return None
    if liberty:
        findings.warn(child.path, "time_form", liberty)
    return when


def _first_time(infos: Sequence[Node], name: str, findings: Findings) -> datetime | None:
    times = [_time(info, name, findings) for info in infos]
    return next((when for when in times if when is not None), None)


def _areas(blocks: Sequence[_Block], findings: Findings) -> tuple[Area, ...]:
    """The union of all blocks' areas. Translations repeat them: one that names no new place is left out."""
    areas: dict[object, Area] = {}
    for block in blocks:
        for node in block.info.all("area"):
            area = _area(node, findings)
            place = (area.regions, area.polygons, area.circles)
            if any(place):
                areas.setdefault(place, area)
            elif block.language == blocks[0].language:
                areas.setdefault(area.name, area)
    return tuple(areas.values())


def _area(node: Node, findings: Findings) -> Area:
    regions = tuple(dict.fromkeys(code for name, code in _codes(node) if _is_division(name, code)))
    # With codes the place is known anyway; without, part of it may be missing.
    weight = Weight.WARNING if regions else Weight.DOUBT
    return Area(
        name=node.value("areaDesc"),
        regions=regions,
        polygons=tuple(_shapes(node.all("polygon"), read_polygon, weight, findings)),
        circles=tuple(_shapes(node.all("circle"), read_circle, weight, findings)),
    )


def _codes(area: Node) -> Iterator[tuple[str, str]]:
    """Each geocode with its scheme; values joined by commas are taken apart."""
    for name, value in _pairs(area, "geocode"):
        yield from ((name, code) for code in re.split(r"[\s,，;、]+", value) if code)


def _is_division(scheme: str, code: str) -> bool:
    return _OTHER_SCHEMES.search(scheme) is None and bool(candidates(code))


def _shapes(
    nodes: Sequence[Node], reader: Callable[[str], tuple[str, str]], weight: Weight, findings: Findings
) -> Iterator[str]:
    for node in nodes:
        if not node.text:
            findings.warn(node.path, "empty", "is empty; taken as absent")
            continue
        try:
            shape, oddity = reader(node.text)
        except ValueError as error:
            findings.add(weight, node.path, "bad_shape", str(error))
            continue
        if oddity:
            findings.warn(node.path, "shape_unusual", oddity)
        yield shape


# --- single values ------------------------------------------------------------------------------------


def _word(node: Node, name: str) -> str:
    """The closed list's word that the child of that name holds; empty if none."""
    return word(name, node.value(name)) or ""


def _first(infos: Sequence[Node], read: Callable[[Node], str]) -> str | None:
    return next(filter(None, map(read, infos)), None)
