"""
CAP 1.2 (and 1.1, 1.0) to Alert: generous where people can still be told.

A message that ends a warning without being a Cancel (responseType AllClear in every block, an Update whose
urgency is Past, a title with 解除) keeps its type and carries the parameter ``warnd:ends`` = ``true``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from warnd.intake.cap_grammar import CAP_1_2, NAMESPACES, check_grammar, pairs, word
from warnd.intake.cap_places import areas_of
from warnd.intake.cap_resources import resources_of
from warnd.intake.cap_schema import check_schema
from warnd.intake.cap_words import Block, blocks_of, read_words, texts_of
from warnd.intake.color import color_of_blocks, read_color
from warnd.intake.findings import Findings, Weight, refuse
from warnd.intake.hazards import find_hazard
from warnd.intake.identity import is_clean, is_short_enough, read_references
from warnd.intake.judge import Paths, end_marks, is_over, judge
from warnd.intake.times import read_time
from warnd.intake.xml import Node
from warnd.model.alert import PUBLIC, Alert, AlertType, Area, Parsed, Status
from warnd.model.alert_body import EVENT, HAZARD
from warnd.model.color import Color
from warnd.model.hazard import OTHER, HazardCatalogue

_LOCATION_STATUS = ":Alert_Location_Status"
"""How Canada's service, which never cancels, says of a place that a warning is active there or has ended."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """When and where; ``blocks`` are those whose danger goes on, or all of them where it is ``over`` everywhere."""

    blocks: Sequence[Block]
    over: bool
    effective: datetime | None
    onset: datetime | None
    expires: datetime | None
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class _Danger:
    """Of what kind it is: its slug, and the code it came with. ``parameters`` are the message's: one may name the kind."""

    hazard: str
    event_code: str | None
    parameters: Mapping[str, str]


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
    judge(alert, catalogue, Paths.in_blocks([block.info for block in blocks], hazard="event"), findings)
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
    texts = texts_of(blocks, partial(read_words, findings=findings))
    language = next(iter(texts))
    headline = texts[language].headline
    infos = [block.info for block in blocks]
    references, oddity = read_references(root.value("references"), root.value("sender"))
    if oddity:
        findings.warn("alert/references", "reference_form", oddity)
    danger = _danger(blocks, extent, language, headline, catalogue, findings)
    ending = end_marks(kind, headline, all_clear=extent.over)
    alert = Alert(
        identifier=root.value("identifier"),
        sender=root.value("sender"),
        sent=sent,
        status=Status(_word(root, "status").lower()),
        type=kind,
        hazard=danger.hazard,
        color=_color(blocks, language, catalogue, findings),
        texts=texts,
        language=language,
        sender_name=_first(infos, lambda info: info.value("senderName")) or "",
        event_code=danger.event_code,
        references=references,
        effective=extent.effective,
        onset=extent.onset,
        expires=extent.expires,
        areas=extent.areas,
        contact=_first(infos, lambda info: info.value("contact")),
        web=_first(infos, lambda info: info.value("web")),
        parameters={**danger.parameters, **ending},
    )
    return _in_its_own_words(alert, root, infos, [block.info for block in extent.blocks], findings)


def _in_its_own_words(
    alert: Alert, root: Node, infos: Sequence[Node], last: Sequence[Node], findings: Findings
) -> Alert:
    """With what the message says of itself for other platforms; ``last`` are the blocks whose danger goes on."""
    return replace(
        alert,
        source=root.value("source"),
        scope=_word(root, "scope") or PUBLIC,
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


def _danger(
    blocks: Sequence[Block],
    extent: _Extent,
    language: str,
    headline: str,
    catalogue: HazardCatalogue,
    findings: Findings,
) -> _Danger:
    """By the reserved parameter, else the codes in the message's own language, any block's name, or the headline."""
    names = [block.info.value("event") for block in blocks]
    coded = (pairs(block.info, "eventCode") for block in blocks if block.language == language)
    codes = [code for found in coded for _, code in found if code]
    event_code = next(filter(catalogue.by_code, codes), codes[0] if codes else None)
    parameters = _parameters(extent.blocks, language, event_code)
    slug = parameters.get(HAZARD, "")
    hazard = find_hazard(catalogue, slug=slug, codes=codes, names=names, title=headline)
    if hazard is not None:
        return _Danger(hazard.slug, event_code, parameters)
    if blocks:
        path = f"{blocks[0].info.path}/event"
        findings.warn(path, "hazard_unknown", f"{names[0][:60]!r} is no known hazard")
    if any(names):
        parameters[EVENT] = names[0]
    return _Danger(OTHER, event_code, parameters)


def _color(
    blocks: Sequence[Block], language: str, catalogue: HazardCatalogue, findings: Findings
) -> Color | None:
    """By the blocks in the message's own language."""
    readings = []
    for info in (block.info for block in blocks if block.language == language):
        severity = catalogue.color_of(info.value("severity"))
        reading = read_color(dict(pairs(info, "parameter")), info.value("headline"), severity)
        readings.append((info.path, reading))
    return color_of_blocks(readings, findings)


def _is_over(info: Node, *, update: bool) -> bool:
    """Whether this block, maybe one of several, says of its places that the danger has passed."""
    ended = any(
        name.endswith(_LOCATION_STATUS) and value.lower() == "ended"
        for name, value in pairs(info, "parameter")
    )
    return ended or is_over(_word(info, "urgency"), _words([info], "responseType"), update=update)


def _parameters(blocks: Sequence[Block], own: str, event_code: str | None) -> dict[str, str]:
    """
    All parameters, and the event codes nothing else was made of as ``eventCode:…``.

    Of a name that several languages carry the values in the message's ``own`` count, joined by commas.
    """
    main = [block.info for block in blocks if block.language == own]
    others = [block.info for block in blocks if block.language != own]
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
    going_on = [block for block in blocks if not _is_over(block.info, update=update)]
    return _Extent(
        going_on or blocks,
        over=bool(blocks) and not going_on,
        effective=_first_time(infos, "effective", findings),
        onset=_first_time(infos, "onset", findings),
        expires=_first_time(infos, "expires", findings),
        areas=areas_of(going_on or blocks, findings),
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
