"""
What CAP 1.2 says once for each language: the event, its grade, words, parameters, files and places.

The issuer's own words stand wherever there are any; ours fill what CAP requires and the issuer left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from warnd.model.alert import Alert, Area, Resource, Text
from warnd.model.alert_body import COLOR, ENDS, EVENT, HAZARD
from warnd.model.hazard import OTHER, Hazard, HazardCatalogue
from warnd.pipeline.cap_xml import add, add_pair, cap_time, decimal, first_said, link, name

ALL_CLEAR = "AllClear"
REGIONS = "CPEAS Geographic Code"
"""The scheme of a geocode that is a division of China."""

PERSON = "senderName"
"""The parameter in which the national format names who was on duty: a private person, for nobody outside."""

_WHOLE_TAGS = {"zh": "zh-CN", "en": "en-US"}
_OTHER_CODE = "eventCode:"
"""Before the scheme of a further event code, which is kept as a parameter."""

_OF_UNKNOWN_KIND = "application/octet-stream"
"""The media type of a file whose kind is not known (RFC 2046, 4.5.1); CAP 1.2 requires one."""


def add_info(
    root: etree._Element, alert: Alert, language: str, text: Text, catalogue: HazardCatalogue
) -> None:
    """The block of this language, its elements in the order of the schema."""
    hazard = catalogue.get(alert.hazard)
    ends = alert.parameters.get(ENDS) == "true"
    info = etree.SubElement(root, name("info"))
    add(info, "language", _tag(language, alert.texts))
    for category in alert.categories or (hazard.category if hazard is not None else "Other",):
        add(info, "category", category)
    add(info, "event", _event(alert, text, hazard, language))
    for response in dict.fromkeys((*alert.response_types, *((ALL_CLEAR,) if ends else ()))):
        add(info, "responseType", response)
    add(info, "urgency", alert.urgency or ("Past" if ends else "Unknown"))
    add(info, "severity", alert.severity or catalogue.severity_of(alert.color))
    add(info, "certainty", alert.certainty or "Unknown")
    add(info, "audience", alert.audience)
    for scheme, code in _event_codes(alert):
        add_pair(info, "eventCode", scheme, code)
    add(info, "effective", cap_time(alert.effective))
    add(info, "onset", cap_time(alert.onset))
    add(info, "expires", cap_time(alert.expires))
    add(info, "senderName", alert.sender_name)
    add(info, "headline", text.headline)
    add(info, "description", text.description)
    add(info, "instruction", text.instruction)
    add(info, "web", link(alert.web))
    add(info, "contact", alert.contact)
    for key, value in _parameters(alert, hazard, catalogue).items():
        add_pair(info, "parameter", key, value)
    for resource in alert.resources:
        _add_resource(info, resource)
    for area in alert.areas:
        _add_area(info, area)


def _tag(language: str, texts: Iterable[str]) -> str:
    """``zh-CN`` for ``zh``, as is usual, unless the message has words in another Chinese of that very name."""
    whole = _WHOLE_TAGS.get(language, language)
    return language if whole.lower() in texts else whole


def _event(alert: Alert, text: Text, hazard: Hazard | None, language: str) -> str:
    """The issuer's name of the hazard in this language, else its only one, else ours."""
    named = hazard.name(language) if hazard is not None else alert.hazard
    return first_said(text.event, alert.parameters.get(EVENT, ""), named)


def _event_codes(alert: Alert) -> Iterator[tuple[str, str]]:
    if alert.event_code:
        yield "eventType", alert.event_code
        for key, codes in _other_codes(alert).items():
            yield from ((key.removeprefix(_OTHER_CODE), code) for code in codes.split(","))


def _other_codes(alert: Alert) -> Mapping[str, str]:
    return {key: codes for key, codes in alert.parameters.items() if key.startswith(_OTHER_CODE)}


def _parameters(alert: Alert, hazard: Hazard | None, catalogue: HazardCatalogue) -> Mapping[str, str]:
    """
    The message's own but for the person on duty and what stands elsewhere in CAP; and our reading where theirs
    leaves it open: its color, and its hazard where another reader would find a different one.
    """
    elsewhere = {ENDS, EVENT, COLOR, HAZARD, PERSON, *(_other_codes(alert) if alert.event_code else ())}
    own = {key: value for key, value in alert.parameters.items() if key not in elsewhere}
    if alert.web and not link(alert.web):
        own.setdefault("web", alert.web)
    if alert.color is not None:
        said = {value.strip().casefold() for key, value in own.items() if key.strip().casefold() == "color"}
        if said != {alert.color.value}:
            own[COLOR if said else "color"] = alert.color.value
    if hazard is not None and hazard.slug != OTHER and not _tells(alert, hazard, catalogue):
        own[HAZARD] = hazard.slug
    return own


def _tells(alert: Alert, hazard: Hazard, catalogue: HazardCatalogue) -> bool:
    """Whether the event codes, else the event's name in every language that the catalogue knows, are this hazard's."""
    known = [found for _, code in _event_codes(alert) if (found := catalogue.by_code(code)) is not None]
    if known:
        return known[0] is hazard
    named = [catalogue.by_name(_event(alert, text, hazard, tag)) for tag, text in alert.texts.items()]
    return {one.slug for one in named if one is not None} == {hazard.slug}


def _add_resource(info: etree._Element, resource: Resource) -> None:
    """
    Never its content (derefUri), which no two-way network may carry.

    Without a link, only what has both the words that the schema requires of a file.
    """
    uri = link(resource.uri)
    described = first_said(resource.description, uri)
    kind = first_said(resource.mime_type, _OF_UNKNOWN_KIND if uri else "")
    if not described or not kind:
        return
    element = etree.SubElement(info, name("resource"))
    add(element, "resourceDesc", described)
    add(element, "mimeType", kind)
    add(element, "size", str(resource.size) if resource.size is not None else "")
    add(element, "uri", uri)
    add(element, "digest", resource.digest)


def _add_area(info: etree._Element, area: Area) -> None:
    codes = (*area.regions, *(code for _, code in area.geocodes))
    described = first_said(area.name, " ".join(codes), "; ".join((*area.polygons, *area.circles)))
    if not described:
        return
    element = etree.SubElement(info, name("area"))
    add(element, "areaDesc", described)
    for polygon in area.polygons:
        add(element, "polygon", polygon)
    for circle in area.circles:
        add(element, "circle", circle)
    for code in area.regions:
        add_pair(element, "geocode", REGIONS, code)
    for scheme, code in area.geocodes:
        add_pair(element, "geocode", scheme, code)
    add(element, "altitude", decimal(area.altitude))
    add(element, "ceiling", decimal(area.ceiling))
