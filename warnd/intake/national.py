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
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from warnd.intake.cap_grammar import NAMESPACES, pairs, word
from warnd.intake.cap_places import areas_of, other_codes
from warnd.intake.cap_words import MAX_BLOCKS, Block, expanded
from warnd.intake.color import color_of_word, read_color
from warnd.intake.findings import Findings, refuse
from warnd.intake.hazards import find_hazard
from warnd.intake.identity import MAX_REFERENCES, is_clean, is_short_enough
from warnd.intake.judge import Paths, end_marks, judge
from warnd.intake.languages import DEFAULT, is_tag, short_tag
from warnd.intake.national_tree import spelled, strangers
from warnd.intake.times import read_beijing_time
from warnd.intake.title import read_title
from warnd.intake.xml import Node
from warnd.model.alert import Alert, AlertType, Area, Parsed, Reference, Status, Text
from warnd.model.alert_body import EVENT
from warnd.model.color import Color
from warnd.model.hazard import OTHER, HazardCatalogue

KIND = "national-12379"

_IDENTIFIER = re.compile(r"(?<![0-9])(?P<unit>\d{14})_(?P<entered>\d{14})(?:_\d)?(?![0-9])", re.ASCII)
"""``ZZZZZZDDDUUUXX_YYYYMMDDhhmmss``, with or without the serial ``_N`` at its end."""

_OWN = frozenset({"sendercode", "sendtime"})
_OWN_OF_INFO = "eventtype"
_IDENTITY = ("identifier", "senderCode", "sendTime", "status", "msgType")
_UNCLASSIFIED = frozenset({"none", "0", "无", "公开", "非密", "unclassified", "public"})
_UNKNOWN = "unknown"
_SEPARATORS = re.compile(r"[\s,，;；、|]+")


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
    infos = root.all("info")
    if len(infos) > MAX_BLOCKS:
        refuse("alert/info", "too_many_blocks", f"has {len(infos)} blocks, more than {MAX_BLOCKS}")
    for stranger in strangers(root):
        findings.warn(stranger.path, "unknown_element", f"the national format knows no {stranger.name} there")
    _check_identity(root, findings)
    _check_audience(root, findings)
    identifier = _key(root, "identifier", root.value("identifier"), findings)
    sender = _key(root, "senderCode", _sender(root, findings), findings)
    sent = _sent(root, findings)
    status, kind = (_chosen(root, name, findings) for name in ("status", "msgType"))
    blocks = _blocks(infos, findings)
    times = {name: _first_time(infos, name, findings) for name in ("effective", "onset", "expires")}
    areas = _areas(blocks, findings)
    if findings.faults or sent is None:
        raise findings.refusal()
    texts = _texts(blocks)
    alert = Alert(
        identifier=identifier,
        sender=sender,
        sent=sent,
        status=Status(status),
        type=AlertType(kind),
        hazard=OTHER,
        color=_color(infos, catalogue, findings),
        texts=texts,
        language=next(iter(texts)),
        sender_name=root.value("sender"),
        references=_references(root.value("references")),
        effective=times["effective"],
        onset=times["onset"],
        expires=times["expires"],
        areas=areas,
        contact=_first(infos, "contact") or None,
        web=_first(infos, "web") or None,
    )
    alert = _with_hazard(alert, infos, catalogue, findings)
    alert = replace(
        alert,
        parameters={**_parameters(root, infos), **alert.parameters, **end_marks(alert.type, alert.headline)},
    )
    judge(alert, catalogue, _paths(infos), findings)
    return Parsed(alert, KIND, tuple(findings.warnings), tuple(findings.doubts))


# --- the envelope -----------------------------------------------------------------------------------------


def _check_identity(root: Node, findings: Findings) -> None:
    """What says which message this is and what it is for must not say two things."""
    for name in _IDENTITY:
        if len({each.text for each in root.all(name)}) > 1:
            findings.fault(f"alert/{name}", "repeated", "stands more than once, each time with other words")


def _check_audience(root: Node, findings: Findings) -> None:
    """Whom a message that is not for everybody may go to, a person must say."""
    scope, secrecy = root.value("scope"), root.value("secClassification")
    if scope and word("scope", scope) != "Public":
        findings.doubt(
            "alert/scope", "not_public", f"scope is {scope[:40]}: whom it may go to, a person must say"
        )
    if secrecy and secrecy.casefold() not in _UNCLASSIFIED:
        findings.doubt(
            "alert/secClassification",
            "classified",
            f"is {secrecy[:40]}: whom it may go to, a person must say",
        )


def _key(root: Node, name: str, key: str, findings: Findings) -> str:
    path = f"alert/{name}"
    if not key:
        findings.fault(path, "missing", f"nothing says the {name} of the message")
    elif not is_short_enough(key):
        findings.fault(path, "key_length", "is longer than 256 characters")
    elif not is_clean(key):
        findings.warn(path, "key_characters", "holds a space, a comma, < or &")
    return key


def _sender(root: Node, findings: Findings) -> str:
    """The code of the issuing unit, which is also how its identifiers begin; else the unit's name."""
    if code := root.value("senderCode"):
        return code
    named = _IDENTIFIER.fullmatch(root.value("identifier"))
    sender = named["unit"] if named is not None else root.value("sender")
    if sender:
        findings.warn("alert/senderCode", "missing", f"taken as {sender[:60]}, as the message says elsewhere")
    return sender


def _sent(root: Node, findings: Findings) -> datetime | None:
    """``sendTime``, else the time of entry that the identifier holds; a fault when neither can be read."""
    said, path = root.value("sendTime"), "alert/sendTime"
    try:
        return read_beijing_time(said)
    except ValueError as error:
        trouble = str(error) if said else "is missing"
    named = _IDENTIFIER.fullmatch(root.value("identifier"))
    with suppress(ValueError):
        entered = read_beijing_time(named["entered"] if named is not None else "")
        findings.warn(path, "time_guessed", f"{trouble}; the time in the identifier stands in for it")
        return entered
    findings.fault(path, "bad_time" if said else "missing", trouble)
    return None


def _chosen(root: Node, name: str, findings: Findings) -> str:
    """The word of that closed list in lower case."""
    said, path = root.value(name), f"alert/{name}"
    known = word(name, said)
    if known is None:
        findings.fault(path, "bad_value" if said else "missing", f"{said[:40]!r} is no {name}")
        return ""
    return known.lower()


def _references(text: str) -> tuple[Reference, ...]:
    """
    The identifiers named, whatever parts them, once each.

    Who sent them is not said: an empty sender means any. What else stands between platform identifiers (a sender,
    a time) is passed over.
    """
    found = [each[0] for each in _IDENTIFIER.finditer(text)] or [
        token for token in _SEPARATORS.split(text) if token and is_short_enough(token)
    ]
    return tuple(Reference("", identifier) for identifier in dict.fromkeys(found))[:MAX_REFERENCES]


# --- the blocks -------------------------------------------------------------------------------------------


def _blocks(infos: Sequence[Node], findings: Findings) -> list[Block]:
    """The infos with their languages, Chinese first; one that names none is Chinese."""
    blocks = []
    for info in infos:
        tag = info.value("language")
        if tag and not is_tag(tag):
            findings.warn(f"{info.path}/language", "bad_language", f"{tag[:40]!r} is not a language tag")
        blocks.append(Block(short_tag(tag) if is_tag(tag) else DEFAULT, info))
    return sorted(blocks, key=lambda block: block.language != DEFAULT)


def _texts(blocks: Sequence[Block]) -> dict[str, Text]:
    """The words by tag; a later block in the same language adds to what the earlier said."""
    texts: dict[str, Text] = {}
    for block in blocks:
        info = block.info
        words = Text(info.value("headline"), info.value("description"), info.value("instruction"))
        earlier = texts.get(block.language)
        texts[block.language] = words if earlier is None else expanded(earlier, words)
    return texts or {DEFAULT: Text()}


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
    """The highest color of the blocks: ``severity`` names it, in any language, or the headline does."""
    colors = set()
    for info in infos:
        said, path = info.value("severity"), f"{info.path}/severity"
        stated = color_of_word(said)
        reading = read_color({}, info.value("headline"), catalogue.color_of(said), stated=stated)
        if reading.color is not None:
            colors.add(reading.color)
        if reading.disagreement:
            findings.warn(path, "color_disagrees", f"{reading.disagreement}; the higher stands")
        if said and reading.color is None and said.casefold() != _UNKNOWN:
            findings.warn(path, "color_unread", f"{said[:40]!r} is no known color")
    if len(colors) > 1:
        findings.warn("alert", "blocks_disagree", "blocks differ in color; the highest stands for all areas")
    return max(colors, default=None)


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
    if root.value("secClassification").casefold() not in _UNCLASSIFIED:
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
        for area in info.all("area"):
            yield from ((f"geocode:{scheme}", code) for scheme, code in other_codes(area))


def _first(infos: Sequence[Node], name: str) -> str:
    return next(filter(None, (info.value(name) for info in infos)), "")


def _paths(infos: Sequence[Node]) -> Paths:
    info = infos[0].path if infos else "alert/info"
    return Paths(
        headline=f"{info}/headline",
        hazard=f"{info}/eventType",
        color=f"{info}/severity",
        references="alert/references",
        expires=f"{info}/expires",
        areas=f"{info}/area",
    )
