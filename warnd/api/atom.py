"""
An Atom 1.0 feed (RFC 4287) of alerts, each entry with the alert itself as CAP in it.

An entry is made once and put together with others as bytes: reading alerts and writing CAP is what a feed costs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from warnd.model.alert import Alert
from warnd.model.hazard import HazardCatalogue
from warnd.pipeline import cap

NAMESPACE = "http://www.w3.org/2005/Atom"
MEDIA = "application/atom+xml"

_DEFAULT: Mapping[Any, str] = {None: NAMESPACE}

_FEED_END, _ENTRY_END = b"</feed>", b"</entry>"


@dataclass(frozen=True, slots=True)
class Entry:
    """``body`` is that of ``entry``; ``link`` is where it stands alone, which depends on how the feed was asked for."""

    body: bytes
    link: str


def document(entries: Iterable[Entry], *, link: str, updated: datetime) -> bytes:
    """The feed that stands at ``link``, in UTF-8; ``updated`` is when it last changed."""
    feed = etree.Element(_name("feed"), nsmap=_DEFAULT)
    _add(feed, "id", _urn(link))
    _add(feed, "title", "Warnings in force")
    _add(feed, "updated", _time(updated))
    _author(feed, "warnd")
    _add(feed, "generator", "warnd")
    etree.SubElement(feed, _name("link"), rel="self", type=MEDIA, href=link)
    head = etree.tostring(feed, encoding="utf-8", xml_declaration=True).removesuffix(_FEED_END)
    return b"".join((head, *(_linked(one) for one in entries), _FEED_END))


def _linked(entry: Entry) -> bytes:
    link = f'<link rel="alternate" type="{cap.MEDIA}" href={quoteattr(entry.link)}/>'
    return entry.body.removesuffix(_ENTRY_END) + link.encode() + _ENTRY_END


def entry(alert: Alert, received: datetime, catalogue: HazardCatalogue) -> bytes:
    """The ``entry`` element but its link, in UTF-8: the same for ever. ``received`` is when the alert came here."""
    message = cap.cap_of(alert, catalogue)
    element = etree.Element(_name("entry"), nsmap=_DEFAULT)
    _add(element, "id", entry_id(alert))
    _add(element, "title", alert.headline or alert.identifier)
    _add(element, "updated", _time(received))
    _add(element, "published", _time(alert.sent))
    _author(element, alert.sender_name or alert.sender)
    if alert.color is not None:
        etree.SubElement(element, _name("category"), term=alert.color.value)
    etree.SubElement(element, _name("content"), type=cap.MEDIA).append(message)
    return etree.tostring(element, encoding="unicode").encode()


def entry_id(alert: Alert) -> str:
    """Made of the alert's identity alone: the same in every warnd's feed, whenever it is asked for."""
    sent = alert.sent.astimezone(UTC).replace(microsecond=0)
    return _urn(f"{cap.NAMESPACE}:{alert.sender},{alert.identifier},{sent.isoformat()}")


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn


def _author(parent: etree._Element, name: str) -> None:
    _add(etree.SubElement(parent, _name("author")), "name", name)


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _name(name)).text = cap.clean(text)


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _time(when: datetime) -> str:
    """RFC 3339, in UTC."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
