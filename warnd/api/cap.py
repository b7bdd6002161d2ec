"""An alert as CAP 1.2 (OASIS, 2010), for systems that read nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as Xml

from warnd.model.alert import Alert, AlertType, Area, Text
from warnd.model.alert_body import ENDS, EVENT, from_body
from warnd.model.hazard import HazardCatalogue
from warnd.store.alert_views import AlertView

MEDIA = "application/cap+xml"

_NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_cap(view: AlertView, catalogue: HazardCatalogue) -> bytes:
    """
    The alert with one ``info`` for each language. Nothing is known of urgency and certainty but that it was issued.

    References get the time at which what they refer to was sent, as CAP wants it; those of which nobody knows it
    are left out.
    """
    alert = from_body(view.body)
    root = Xml.Element("alert", xmlns=_NAMESPACE)
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", _time(alert.sent))
    _add(root, "status", alert.status.value.capitalize())
    _add(root, "msgType", alert.type.value.capitalize())
    _add(root, "scope", "Public")
    _add(root, "references", " ".join(_references(alert, view)))
    for language, text in alert.texts.items():
        _add_info(root, alert, language, text, catalogue)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _references(alert: Alert, view: AlertView) -> Iterator[str]:
    for one in alert.references:
        named = (earlier for earlier in view.episode if one.names(earlier.sender, earlier.identifier))
        earlier = next(named, None)
        sender, sent = (earlier.sender, earlier.sent) if earlier is not None else (one.sender, one.sent)
        if sender and sent is not None:
            yield f"{sender},{one.identifier},{_time(sent)}"


def _add_info(root: Xml.Element, alert: Alert, language: str, text: Text, catalogue: HazardCatalogue) -> None:
    hazard = catalogue.get(alert.hazard)
    info = Xml.SubElement(root, "info")
    _add(info, "language", {"zh": "zh-CN", "en": "en-US"}.get(language, language))
    _add(info, "category", hazard.category if hazard else "Other")
    _add(info, "event", alert.parameters.get(EVENT) or (hazard.name(language) if hazard else alert.hazard))
    ends = alert.type is AlertType.CANCEL or alert.parameters.get(ENDS) == "true"
    if ends:
        _add(info, "responseType", "AllClear")
    _add(info, "urgency", "Past" if ends else "Unknown")
    _add(info, "severity", catalogue.severity_of(alert.color))
    _add(info, "certainty", "Unknown")
    if alert.event_code:
        _add_pair(info, "eventCode", "eventType", alert.event_code)
    for name, when in (("effective", alert.effective), ("onset", alert.onset), ("expires", alert.expires)):
        _add(info, name, _time(when) if when else "")
    _add(info, "senderName", alert.sender_name)
    _add(info, "headline", text.headline)
    _add(info, "description", text.description)
    _add(info, "instruction", text.instruction)
    _add(info, "web", alert.web or "")
    _add(info, "contact", alert.contact or "")
    for name, value in _parameters(alert).items():
        _add_pair(info, "parameter", name, value)
    for area in alert.areas:
        _add_area(info, area)


def _parameters(alert: Alert) -> Mapping[str, str]:
    own = {name: value for name, value in alert.parameters.items() if name not in (ENDS, EVENT)}
    return own | ({"color": alert.color.value} if alert.color else {})


def _add_area(info: Xml.Element, area: Area) -> None:
    element = Xml.SubElement(info, "area")
    Xml.SubElement(element, "areaDesc").text = _clean(area.name or " ".join(area.regions))
    for polygon in area.polygons:
        _add(element, "polygon", polygon)
    for circle in area.circles:
        _add(element, "circle", circle)
    for code in area.regions:
        _add_pair(element, "geocode", "CPEAS Geographic Code", code)


def _add(parent: Xml.Element, name: str, value: str) -> None:
    """Only what there is: CAP knows no empty element that means anything."""
    if value:
        Xml.SubElement(parent, name).text = _clean(value)


def _add_pair(parent: Xml.Element, name: str, key: Any, value: str) -> None:
    pair = Xml.SubElement(parent, name)
    _add(pair, "valueName", key)
    _add(pair, "value", value)


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _time(when: datetime) -> str:
    """Seconds and an offset; CAP writes UTC as ``-00:00``."""
    written = when.replace(microsecond=0).isoformat()
    return written.replace("+00:00", "-00:00") if when.utcoffset() == timedelta(0) else written
