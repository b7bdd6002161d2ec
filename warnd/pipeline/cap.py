"""
An alert as CAP 1.2 (OASIS, 2010): what the API shows, what the feed carries and what is forwarded.

All that an Alert holds stands in it as issued, in the order of the schema. What CAP cannot hold: a fraction of a second,
which it forbids (3.3.2), a character that XML forbids, an altitude that is no number, and a link that is no URI, which
becomes the parameter ``web``. What is ours to keep back: the person on duty, and the content of files sent along.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from warnd.model.alert import Alert, Text
from warnd.model.content import Content
from warnd.model.hazard import HazardCatalogue
from warnd.pipeline.cap_info import add_info
from warnd.pipeline.cap_xml import DEFAULT, NAMESPACE, add, cap_time, clean, name

__all__ = ["KIND", "MEDIA", "NAMESPACE", "TEMPLATE", "as_cap", "cap_of", "clean", "content_of"]

KIND = "cap"
"""The kind of channel that is given the alert itself and no text made of it."""

MEDIA = "application/cap+xml"

TEMPLATE = "cap-1.2"
"""Where a delivery's story names the template of its words."""


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
    root = etree.Element(name("alert"), nsmap=DEFAULT)
    add(root, "identifier", alert.identifier)
    add(root, "sender", alert.sender)
    add(root, "sent", cap_time(alert.sent))
    add(root, "status", alert.status.value.capitalize())
    add(root, "msgType", alert.type.value.capitalize())
    add(root, "source", alert.source)
    add(root, "scope", alert.scope)
    add(root, "restriction", alert.restriction)
    add(root, "addresses", alert.addresses)
    for code in alert.codes:
        add(root, "code", code)
    add(root, "note", alert.note)
    add(root, "references", " ".join(_references(alert)))
    add(root, "incidents", alert.incidents)
    if alert.areas or any(text != Text() for text in alert.texts.values()):
        for language, text in alert.texts.items():
            add_info(root, alert, language, text, catalogue)
    return root


def _references(alert: Alert) -> Iterator[str]:
    """
    CAP wants triples. Where nobody said who sent the other, or when, the message's own sender and time stand in.

    The national platform does so too, and no reader may rely on the time.
    """
    for one in alert.references:
        yield f"{one.sender or alert.sender},{one.identifier},{cap_time(one.sent or alert.sent)}"
