"""An Alert as the JSON object of the API: written and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from warnd.model.alert import Alert, AlertType, Area, Reference, Resource, Status, Text
from warnd.model.color import Color

ENDS = "warnd:ends"
"""Reserved parameter: ``true`` on an alert or update that lifts what it refers to, as a cancel would."""

EVENT = "warnd:event"
"""Reserved parameter: the issuer's own name of the hazard, where the catalogue knows none such."""

COLOR = "warnd:color"
"""Reserved parameter: the color, where the issuer's own ``color`` says something else or nothing that can be read."""

HAZARD = "warnd:hazard"
"""Reserved parameter: the slug of the hazard, where neither the event's codes nor its name tell it."""

_WORDS = (
    *("source", "scope", "restriction", "addresses", "note", "incidents"),
    *("urgency", "severity", "certainty", "audience"),
)
"""Texts of the alert that stand in the body under their own name."""


def as_body(alert: Alert) -> dict[str, Any]:
    """
    The alert in plain JSON values; times are ISO 8601 with the offset they came with.

    The words in ``language`` stand at the top, those in other languages under ``texts``.
    """
    own = alert.texts[alert.language]
    return {
        "identifier": alert.identifier,
        "sender": alert.sender,
        "sender_name": alert.sender_name,
        "sent": alert.sent.isoformat(),
        "status": alert.status.value,
        "type": alert.type.value,
        "references": [
            {"sender": earlier.sender, "identifier": earlier.identifier, "sent": _written(earlier.sent)}
            for earlier in alert.references
        ],
        "hazard": alert.hazard,
        "event_code": alert.event_code,
        "color": alert.color.value if alert.color is not None else None,
        "language": alert.language,
        **asdict(own),
        "texts": {tag: asdict(text) for tag, text in alert.texts.items() if tag != alert.language},
        "effective": _written(alert.effective),
        "onset": _written(alert.onset),
        "expires": _written(alert.expires),
        "areas": [
            {
                "name": area.name,
                "regions": list(area.regions),
                "polygons": list(area.polygons),
                "circles": list(area.circles),
                "geocodes": [list(pair) for pair in area.geocodes],
                "altitude": area.altitude,
                "ceiling": area.ceiling,
            }
            for area in alert.areas
        ],
        "contact": alert.contact,
        "web": alert.web,
        "parameters": dict(alert.parameters),
        **{key: getattr(alert, key) for key in _WORDS},
        "codes": list(alert.codes),
        "categories": list(alert.categories),
        "response_types": list(alert.response_types),
        "resources": [asdict(resource) for resource in alert.resources],
    }


def from_body(body: Mapping[str, Any]) -> Alert:
    """The alert that ``as_body`` wrote. Trusting: for what the store kept, never for what somebody sent."""
    language = body["language"]
    return Alert(
        identifier=body["identifier"],
        sender=body["sender"],
        sent=datetime.fromisoformat(body["sent"]),
        status=Status(body["status"]),
        type=AlertType(body["type"]),
        hazard=body["hazard"],
        color=Color(body["color"]) if body["color"] is not None else None,
        texts={language: _text(body), **{tag: _text(text) for tag, text in body["texts"].items()}},
        language=language,
        sender_name=body["sender_name"],
        event_code=body["event_code"],
        references=tuple(
            Reference(earlier["sender"], earlier["identifier"], _read(earlier["sent"]))
            for earlier in body["references"]
        ),
        effective=_read(body["effective"]),
        onset=_read(body["onset"]),
        expires=_read(body["expires"]),
        areas=tuple(
            Area(
                area["name"],
                tuple(area["regions"]),
                tuple(area["polygons"]),
                tuple(area["circles"]),
                tuple((scheme, code) for scheme, code in area["geocodes"]),
                area["altitude"],
                area["ceiling"],
            )
            for area in body["areas"]
        ),
        contact=body["contact"],
        web=body["web"],
        parameters=dict(body["parameters"]),
        **{key: body[key] for key in _WORDS},
        codes=tuple(body["codes"]),
        categories=tuple(body["categories"]),
        response_types=tuple(body["response_types"]),
        resources=tuple(Resource(**resource) for resource in body["resources"]),
    )


def _written(when: datetime | None) -> str | None:
    return when.isoformat() if when is not None else None


def _read(when: str | None) -> datetime | None:
    return datetime.fromisoformat(when) if when is not None else None


def _text(body: Mapping[str, Any]) -> Text:
    return Text(body["headline"], body["description"], body["instruction"], body["event"])
