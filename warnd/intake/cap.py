"""
CAP 1.2 (and 1.1, 1.0) to Alert: generous where people can still be told.

A message that ends a warning without being a Cancel (responseType AllClear in every block, an Update whose
urgency is Past, a title with 解除) keeps its type and carries the parameter ``warnd:ends`` = ``true``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from warnd.intake.cap_grammar import CAP_1_2, NAMESPACES, check_grammar, pairs, word
from warnd.intake.cap_places import areas_of
from warnd.intake.cap_resources import resources_of
from warnd.intake.cap_schema import check_schema
from warnd.intake.cap_words import Block, blocks_of, texts_of
from warnd.intake.color import read_color
from warnd.intake.findings import Findings, Weight, refuse
from warnd.intake.hazards import find_hazard
from warnd.intake.identity import is_clean, is_short_enough, read_references
from warnd.intake.judge import Paths, end_marks, is_over, judge
from warnd.intake.times import read_time
from warnd.intake.xml import Node
from warnd.model.alert import Alert, AlertType, Area, Parsed, Status
from warnd.model.alert_body import EVENT, HAZARD
from warnd.model.color import Color
from warnd.model.hazard import OTHER, HazardCatalogue

_LOCATION_STATUS = ":Alert_Location_Status"
"""How Canada's service, which never cancels, says of a place that a warning is active there or has ended."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """When and where."""

    effective: datetime | None
    onset: datetime | None
    expires: datetime | None
    areas: tuple[Area, ...]


def parse_message(root: Node, catalogue: HazardCatalogue) -> Parsed:
    """Read one CAP message. Raises InvalidAlert naming what is wrong by path, ``alert/info[1]/expires``."""
    findings = Findings()
    kind = _kind(root, findings)
    check_grammar(root, kind, findings)
    sent = _time(root, "sent", findings, Weight.FAULT)
    for key in ("identifier", "sender"):
        _check_key(root, key, findings)
    blocks = blocks_of(root, findings)
    if root.namespace == CAP_1_2:
        check_schema(root, findings)
    extent = _extent(blocks, findings, update=_word(root, "msgType") == "Update")
    if findings.faults or sent is None:
        raise findings.refusal()
    alert = _alert(root, sent, blocks, extent, catalogue, findings)
    judge(alert, catalogue, _paths(blocks), findings)
    return Parsed(alert, kind, tuple(findings.warnings), tuple(findings.doubts))


def _kind(root: Node, findings: Findings) -> str:
    if root.name != "alert":
        refuse(root.path, "not_an_alert", f"is {root.name[:60]}, not an alert")
    if root.namespace in NAMESPACES:
        return NAMESPACES[root.namespace]
    if root.namespace or root.first("msgType") is None:
        refuse(root.path, "not_cap", f"has namespace {root.namespace!r}, which is none of CAP's")
    findings.doubt(root.path, "namespace_missing", "has no namespace; it was read as CAP 1.2")
    return "cap-1.2"


def _check_key(root: Node, name: str, findings: Findings) -> None:
    key = root.value(name)
    if key and not is_short_enough(key):
        findings.fault(f"alert/{name}", "key_length", "is longer than 256 characters")
    elif not is_clean(key):
        findings.warn(
            f"alert/{name}", "key_characters", "holds a space, a comma, < or &, or a control character"
        )


def _alert(
    root: Node,
    sent: datetime,
    blocks: Sequence[Block],
    extent: _Extent,
    catalogue: HazardCatalogue,
    findings: Findings,
) -> Alert:
    kind = AlertType(_word(root, "msgType").lower())
    texts = texts_of(blocks, findings)
    language = next(iter(texts))
    infos = [block.info for block in blocks]
    main = [block.info for block in blocks if block.language == language]
    spoken = _still_on(blocks, update=kind is AlertType.UPDATE)
    last = [block.info for block in spoken]
    references, oddity = read_references(root.value("references"), root.value("sender"))
    if oddity:
        findings.warn("alert/references", "reference_form", oddity)
    codes = [code for info in main for _, code in pairs(info, "eventCode") if code]
    event_code = next(filter(catalogue.by_code, codes), codes[0] if codes else None)
    names = [info.value("event") for info in infos]
    parameters = _parameters(
        [block.info for block in spoken if block.language == language],
        [block.info for block in spoken if block.language != language],
        event_code,
    )
    slug = parameters.get(HAZARD, "")
    hazard = find_hazard(catalogue, slug=slug, codes=codes, names=names, title=texts[language].headline)
    if hazard is None and infos:
        findings.warn(f"{main[0].path}/event", "hazard_unknown", f"{names[0][:60]!r} is no known hazard")
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
        color=_color(main, catalogue, findings),
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
        source=root.value("source"),
        scope=_word(root, "scope") or "Public",
        restriction=root.value("restriction"),
        addresses=root.value("addresses"),
        codes=tuple(code.text for code in root.all("code") if code.text),
        note=root.value("note"),
        incidents=root.value("incidents"),
        categories=_words(infos, "category"),
        response_types=_words(last, "responseType"),
        urgency=_first(last, lambda info: _word(info, "urgency")) or "",
        severity=_first(last, lambda info: _word(info, "severity")) or "",
        certainty=_first(last, lambda info: _word(info, "certainty")) or "",
        audience=_first(infos, lambda info: info.value("audience")) or "",
        resources=resources_of(infos, findings),
    )


def _paths(blocks: Sequence[Block]) -> Paths:
    info = blocks[0].info.path if blocks else "alert/info"
    return Paths(
        headline=f"{info}/headline",
        hazard=f"{info}/event",
        color=f"{info}/severity",
        references="alert/references",
        expires=f"{info}/expires",
        areas=f"{info}/area",
        scope="alert/scope",
        addresses="alert/addresses",
        restriction="alert/restriction",
        note="alert/note",
    )


def _color(main: Sequence[Node], catalogue: HazardCatalogue, findings: Findings) -> Color | None:
    """The highest color of the message's own blocks; a warning where they differ or disagree in themselves."""
    colors = set()
    for info in main:
        parameters = dict(pairs(info, "parameter"))
        severity = catalogue.color_of(info.value("severity"))
        reading = read_color(parameters, info.value("headline"), severity)
        colors |= {reading.color} - {None}
        if reading.disagreement:
            findings.warn(info.path, "color_disagrees", f"{reading.disagreement}; the higher stands")
        if reading.unread:
            findings.warn(info.path, "color_unread", f"{reading.unread[:40]!r} is no known color")
    if len(colors) > 1:
        findings.warn("alert", "blocks_disagree", "blocks differ in color; the highest stands for all areas")
    return max((color for color in colors if color is not None), default=None)


def _is_all_clear(infos: Sequence[Node], kind: AlertType) -> bool:
    return bool(infos) and all(_is_over(info, update=kind is AlertType.UPDATE) for info in infos)


def _still_on(blocks: Sequence[Block], *, update: bool) -> Sequence[Block]:
    """The blocks whose danger goes on, which are those that count; all of them where it has passed everywhere."""
    return [block for block in blocks if not _is_over(block.info, update=update)] or blocks


def _is_over(info: Node, *, update: bool) -> bool:
    """Whether this block, maybe one of several, says of its places that the danger has passed."""
    ended = any(
        name.endswith(_LOCATION_STATUS) and value.lower() == "ended"
        for name, value in pairs(info, "parameter")
    )
    return ended or is_over(_word(info, "urgency"), _words([info], "responseType"), update=update)


def _parameters(main: Sequence[Node], others: Sequence[Node], event_code: str | None) -> dict[str, str]:
    """
    All parameters, and the event codes nothing else was made of as ``eventCode:…``.

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
    yield from pairs(info, "parameter")
    yield from ((f"eventCode:{name}", code) for name, code in pairs(info, "eventCode") if code != event_code)


def _extent(blocks: Sequence[Block], findings: Findings, *, update: bool) -> _Extent:
    """The places of blocks that are over are warned no more, as long as others are."""
    infos = [block.info for block in blocks]
    return _Extent(
        effective=_first_time(infos, "effective", findings),
        onset=_first_time(infos, "onset", findings),
        expires=_first_time(infos, "expires", findings),
        areas=areas_of(_still_on(blocks, update=update), findings),
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


def _word(node: Node, name: str) -> str:
    """The closed list's word that the child of that name holds; empty if none."""
    return word(name, node.value(name)) or ""


def _words(infos: Sequence[Node], name: str) -> tuple[str, ...]:
    """The closed list's words that any block holds, once each."""
    said = (word(name, child.text) for info in infos for child in info.all(name))
    return tuple(dict.fromkeys(filter(None, said)))


def _first(infos: Sequence[Node], read: Callable[[Node], str]) -> str | None:
    return next(filter(None, map(read, infos)), None)
