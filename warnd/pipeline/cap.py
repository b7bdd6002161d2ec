"""
An alert as CAP 1.2 (OASIS, 2010): what the API shows, what the feed carries and what is forwarded.

Issuer, words, times and places are the alert's own. Three things CAP cannot hold: a fraction of a second, which it
forbids (3.3.2), a character that XML forbids, and a link that is no URI, which becomes the parameter ``web``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from warnd.model.alert import Alert, Area, Text
from warnd.model.alert_body import ENDS, EVENT
from warnd.model.content import Content
from warnd.model.hazard import HazardCatalogue

KIND = "cap"
"""The kind of channel that is given the alert itself and no text made of it."""

MEDIA = "application/cap+xml"
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_DEFAULT: Mapping[Any, str] = {None: NAMESPACE}

TEMPLATE = "cap-1.2"
"""Where a delivery's story names the template of its words."""

_WHOLE_TAGS = {"zh": "zh-CN", "en": "en-US"}
_OTHER_CODE = "eventCode:"
"""Before the scheme of a further event code, which is kept as a parameter."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CHARACTER = r"(?:[^\s%#<>\"{}|\\^`\[\]\x00-\x20\x7f-\x9f]|%[0-9A-Fa-f]{2})"
_AUTHORITY = r"//[^\s/?#:@%<>\"{}|\\^`\[\]\x00-\x20\x7f-\x9f]+(?::[0-9]{1,5})?(?=[/?#]|\Z)"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?:{_AUTHORITY}|(?!//)){_CHARACTER}*(?:#{_CHARACTER}*)?"
    rf"|(?!//)(?![^/?#]*:){_CHARACTER}+(?:#{_CHARACTER}*)?"
)
"""What the schema's ``anyURI`` surely takes (RFC 3986); a host by name or number, without a login."""


def as_cap(alert: Alert, catalogue: HazardCatalogue) -> bytes:
    """The whole document, in UTF-8. The same alert is always the same bytes."""
    return etree.tostring(cap_of(alert, catalogue), encoding="utf-8", xml_declaration=True)


def content_of(alert: Alert, catalogue: HazardCatalogue, *, alert_id: str, content_id: str) -> Content:
    """The same as the content of a forwarding channel: one for all who get it, in whatever languages it speaks."""
    return Content(
        id=content_id,
        alert_id=alert_id,
        kind=KIND,
        language=alert.language,
        body=as_cap(alert, catalogue).decode("utf-8"),
        template=TEMPLATE,
    )


def cap_of(alert: Alert, catalogue: HazardCatalogue) -> etree._Element:
    """
    The ``alert`` element: one ``info`` for each language, each with all areas.

    A message that says nothing but whom it is about (a bare cancel) has no ``info``.
    """
    root = etree.Element(_name("alert"), nsmap=_DEFAULT)
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", cap_time(alert.sent))
    _add(root, "status", alert.status.value.capitalize())
    _add(root, "msgType", alert.type.value.capitalize())
    _add(root, "scope", "Public")
    _add(root, "references", " ".join(_references(alert)))
    if alert.areas or any(text != Text() for text in alert.texts.values()):
        for language, text in alert.texts.items():
            _add_info(root, alert, language, text, catalogue)
    return root


def cap_time(when: datetime) -> str:
    """Seconds and the offset it came with; CAP writes UTC as ``-00:00``."""
    written = when.replace(microsecond=0).isoformat()
    return written.replace("+00:00", "-00:00") if when.utcoffset() == timedelta(0) else written


def _references(alert: Alert) -> Iterator[str]:
    """
    CAP wants triples. Where nobody said who sent the other, or when, the message's own sender and time stand in.

    The national platform does so too, and no reader may rely on the time.
    """
    for one in alert.references:
        yield f"{one.sender or alert.sender},{one.identifier},{cap_time(one.sent or alert.sent)}"


def _add_info(
    root: etree._Element, alert: Alert, language: str, text: Text, catalogue: HazardCatalogue
) -> None:
    hazard = catalogue.get(alert.hazard)
    ends = alert.parameters.get(ENDS) == "true"
    info = etree.SubElement(root, _name("info"))
    _add(info, "language", _tag(language, alert.texts))
    _add(info, "category", hazard.category if hazard is not None else "Other")
    named = hazard.name(language) if hazard is not None else alert.hazard
    _add(info, "event", _first_said(alert.parameters.get(EVENT, ""), named))
    _add(info, "responseType", "AllClear" if ends else "")
    _add(info, "urgency", "Past" if ends else "Unknown")
    _add(info, "severity", catalogue.severity_of(alert.color))
    _add(info, "certainty", "Unknown")
    for scheme, code in _event_codes(alert):
        _add_pair(info, "eventCode", scheme, code)
    for name, when in (("effective", alert.effective), ("onset", alert.onset), ("expires", alert.expires)):
        _add(info, name, cap_time(when) if when is not None else "")
    _add(info, "senderName", alert.sender_name)
    _add(info, "headline", text.headline)
    _add(info, "description", text.description)
    _add(info, "instruction", text.instruction)
    _add(info, "web", alert.web if _is_link(alert.web) else "")
    _add(info, "contact", alert.contact)
    for name, value in _parameters(alert).items():
        _add_pair(info, "parameter", name, value)
    for area in alert.areas:
        _add_area(info, area)


def _tag(language: str, texts: Iterable[str]) -> str:
    """``zh-CN`` for ``zh``, as is usual, unless the message has words in another Chinese of that very name."""
    whole = _WHOLE_TAGS.get(language, language)
    return language if whole.lower() in texts else whole


def _event_codes(alert: Alert) -> Iterator[tuple[str, str]]:
    if alert.event_code:
        yield "eventType", alert.event_code
        for name, codes in _other_codes(alert).items():
            yield from ((name.removeprefix(_OTHER_CODE), code) for code in codes.split(","))


def _other_codes(alert: Alert) -> Mapping[str, str]:
    return {name: codes for name, codes in alert.parameters.items() if name.startswith(_OTHER_CODE)}


def _parameters(alert: Alert) -> Mapping[str, str]:
    """The message's own, and its color unless one of them says it; without what stands elsewhere in CAP."""
    elsewhere = {ENDS, EVENT, *(_other_codes(alert) if alert.event_code else ())}
    own = {name: value for name, value in alert.parameters.items() if name not in elsewhere}
    if alert.web and not _is_link(alert.web):
        own.setdefault("web", alert.web)
    if alert.color is not None and not any(name.strip().casefold() == "color" for name in own):
        own["color"] = alert.color.value
    return own


def _add_area(info: etree._Element, area: Area) -> None:
    shapes = (*area.polygons, *area.circles)
    described = _first_said(area.name, " ".join(area.regions), "; ".join(shapes))
    if not described:
        return
    element = etree.SubElement(info, _name("area"))
    _add(element, "areaDesc", described)
    for polygon in area.polygons:
        _add(element, "polygon", polygon)
    for circle in area.circles:
        _add(element, "circle", circle)
    for code in area.regions:
        _add_pair(element, "geocode", "CPEAS Geographic Code", code)


def _add(parent: etree._Element, name: str, value: str | None) -> None:
    """Only what there is: CAP knows no empty element that means anything."""
    said = clean(value or "")
    if said.strip():
        etree.SubElement(parent, _name(name)).text = said


def _add_pair(parent: etree._Element, name: str, key: str, value: str) -> None:
    """A pair whose value is empty stays one: that it was named may be all it says."""
    pair = etree.SubElement(parent, _name(name))
    etree.SubElement(pair, _name("valueName")).text = clean(key)
    etree.SubElement(pair, _name("value")).text = clean(value)


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _is_link(web: str | None) -> bool:
    return web is not None and _URI.fullmatch(web) is not None


def _first_said(*values: str) -> str:
    return next((said for said in map(clean, values) if said.strip()), "")


def clean(text: str) -> str:
    """What XML can hold of it."""
    return _NOT_XML.sub("", text)
