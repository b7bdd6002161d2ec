"""
The national platform's XML (国家突发事件预警信息发布系统, 12379) to Alert.

No full text of its standard is public: this follows one published message and what producers of such messages
are known to do. It has no namespace; ``senderCode`` is CAP's sender and ``senderName`` is the person on duty, who is
never shown as the issuer; ``severity`` names the color; times are Beijing's; ``references`` holds bare identifiers,
often of the first message of the chain; names and codes of an area come doubled and joined by commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from warnd.intake.cap_grammar import NAMESPACES, pairs
from warnd.intake.cap_places import areas_of
from warnd.intake.cap_words import Block, infos_of, texts_of
from warnd.intake.color import color_of_blocks, color_of_word, read_color
from warnd.intake.findings import Findings
from warnd.intake.hazards import find_hazard
from warnd.intake.judge import Paths, end_marks, judge
from warnd.intake.languages import DEFAULT, is_tag, short_tag
from warnd.intake.national_envelope import is_classified, read_envelope
from warnd.intake.national_tree import spelled, strangers
from warnd.intake.times import read_beijing_time
from warnd.intake.title import read_title
from warnd.intake.xml import Node
from warnd.model.alert import RESTRICTED, Alert, Area, Parsed, Text
from warnd.model.alert_body import EVENT
from warnd.model.color import Color
from warnd.model.hazard import OTHER, HazardCatalogue

KIND = "national-12379"

_OWN = frozenset({"sendercode", "sendtime"})
_OWN_OF_INFO = "eventtype"
_UNKNOWN = "unknown"


def is_national(root: Node) -> bool:
    """
    Whether a message is in this format, whose root is an ``alert`` like CAP's.

    Told by what CAP has not: a ``senderCode`` or ``sendTime``, or an ``eventType`` in an ``info``.
    """
    if root.name.casefold() != "alert" or root.namespace in NAMESPACES:
        return False
    infos = (child for child in root.children if child.name.casefold() == "info")
    return any(child.name.casefold() in _OWN for child in root.children) or any(
        child.name.casefold() == _OWN_OF_INFO for info in infos for child in info.children
    )


def parse_message(root: Node, catalogue: HazardCatalogue) -> Parsed:
    """
    Read one message from its root. Raises InvalidAlert naming what is wrong by path.

    Of a message's methods (``code``) their names and texts are kept as parameters; whom they were to reach (groups
    and telephone numbers) is not: that stays in the message as it came.
    """
    findings = Findings()
    root = spelled(root)
    infos = infos_of(root)
    for stranger in strangers(root):
        findings.warn(stranger.path, "unknown_element", f"the national format knows no {stranger.name} there")
    envelope = read_envelope(root, findings)
    blocks = _blocks(infos, findings)
    times = {name: _first_time(infos, name, findings) for name in ("effective", "onset", "expires")}
    areas = _areas(blocks, findings)
    if envelope is None or findings.faults:
        raise findings.refusal()
    texts = texts_of(blocks, _words)
    alert = Alert(
        identifier=envelope.identifier,
        sender=envelope.sender,
        sent=envelope.sent,
        status=envelope.status,
        type=envelope.type,
        hazard=OTHER,
        color=_color(infos, catalogue, findings),
        texts=texts,
        language=next(iter(texts)),
        sender_name=root.value("sender"),
        references=envelope.references,
        effective=times["effective"],
        onset=times["onset"],
        expires=times["expires"],
        areas=areas,
        contact=_first(infos, "contact") or None,
        web=_first(infos, "web") or None,
        scope=envelope.scope,
    )
    alert = _with_hazard(alert, infos, catalogue, findings)
    alert = replace(
        alert,
        parameters={**_parameters(root, infos), **alert.parameters, **end_marks(alert.type, alert.headline)},
    )
    judge(alert, catalogue, Paths.in_blocks(infos, hazard="eventType"), findings)
    if is_classified(root) and alert.is_public:
        # Whatever the scope says: in CAP, which knows no secrecy, nobody else may take it for public.
        alert = replace(alert, scope=RESTRICTED, restriction=root.value("secClassification"))
    return Parsed(alert, KIND, tuple(findings.warnings), tuple(findings.doubts))


def _blocks(infos: Sequence[Node], findings: Findings) -> list[Block]:
    """The infos with their languages, Chinese first; one that names none is Chinese."""
    blocks = []
    for info in infos:
        tag = info.value("language")
        if tag and not is_tag(tag):
            findings.warn(f"{info.path}/language", "bad_language", f"{tag[:40]!r} is not a language tag")
        blocks.append(Block(short_tag(tag) if is_tag(tag) else DEFAULT, info))
    return sorted(blocks, key=lambda block: block.language != DEFAULT)


def _words(info: Node) -> Text:
    return Text(info.value("headline"), info.value("description"), info.value("instruction"))


def _first_time(infos: Sequence[Node], name: str, findings: Findings) -> datetime | None:
    """The first that can be read. One that cannot is doubtful: how long to tell people depends on it."""
    times = []
    for info in infos:
        if (child := info.first(name)) is not None:
            try:
                times.append(read_beijing_time(child.text))
            except ValueError as error:
                findings.doubt(child.path, "bad_time", str(error))
    return times[0] if times else None


def _areas(blocks: Sequence[Block], findings: Findings) -> tuple[Area, ...]:
    return tuple(replace(area, name=_once(area.name)) for area in areas_of(blocks, findings))


def _once(names: str) -> str:
    """``河南省,河南省`` is one place."""
    return ",".join(dict.fromkeys(name.strip() for name in re.split("[,，]", names) if name.strip()))


def _color(infos: Sequence[Node], catalogue: HazardCatalogue, findings: Findings) -> Color | None:
    """``severity`` names it, in any language, or the headline does."""
    readings = []
    for info in infos:
        said = info.value("severity")
        stated = color_of_word(said)
        reading = read_color({}, info.value("headline"), catalogue.color_of(said), stated=stated)
        unread = said if reading.color is None and said.casefold() != _UNKNOWN else ""
        readings.append((f"{info.path}/severity", replace(reading, unread=unread)))
    return color_of_blocks(readings, findings)


def _with_hazard(
    alert: Alert, infos: Sequence[Node], catalogue: HazardCatalogue, findings: Findings
) -> Alert:
    """The kind by ``eventType``, else by its own name, else by the title; its code is kept as it came."""
    said = [text for info in infos for name in ("eventType", "event") if (text := info.value(name))]
    hazard = find_hazard(catalogue, codes=said, names=said, title=alert.headline)
    code = next(filter(catalogue.by_code, said), said[0] if said else None)
    if hazard is not None:
        return replace(alert, hazard=hazard.slug, event_code=code)
    title = read_title(alert.headline)
    name = title.kind if title is not None else next(iter(said), "")
    if infos:
        findings.warn(f"{infos[0].path}/eventType", "hazard_unknown", f"{name[:60]!r} is no known hazard")
    return replace(alert, event_code=code, parameters={EVENT: name} if name else {})


def _parameters(root: Node, infos: Sequence[Node]) -> dict[str, str]:
    """What an Alert has no place of its own for, by the element's name; several values are joined by commas."""
    kept: dict[str, dict[str, None]] = {}
    for name, value in _leftovers(root, infos):
        if value:
            kept.setdefault(name, {})[value] = None
    return {name: ",".join(values) for name, values in kept.items()}


def _leftovers(root: Node, infos: Sequence[Node]) -> Iterator[tuple[str, str]]:
    if is_classified(root):
        yield "secClassification", root.value("secClassification")
    yield "note", root.value("note")
    for code in root.all("code"):
        for method in code.all("method"):
            name = method.value("methodName").upper()
            yield "methods", name
            yield f"message:{name}", method.value("message")
    for info in infos:
        yield "senderName", info.value("senderName")
        yield from pairs(info, "parameter")


def _first(infos: Sequence[Node], name: str) -> str:
    return next(filter(None, (info.value(name) for info in infos)), "")
