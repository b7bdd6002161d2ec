"""Every template tried on sample warnings before a real one comes: which of them would be passed over, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from warnd.errors import TemplateError
from warnd.model.alert import Alert, AlertType, Area, Change, Status, Text
from warnd.model.color import Color
from warnd.model.content import Content
from warnd.model.hazard import OTHER, Hazard
from warnd.pipeline.bundle import bundled_by
from warnd.pipeline.render import Limits, Notice, printed_by
from warnd.pipeline.surroundings import Surroundings
from warnd.pipeline.templates import BUNDLE, DEFAULT, Filed

_SENT = datetime(2026, 7, 14, 0, 30, tzinfo=UTC)
_OFFICE, _PLACE = "某县气象台", "某县"
_STATUSES = (Status.EXERCISE, Status.ACTUAL)
_CHANGES = tuple(reversed(Change))
"""What must say the most goes first, so that the first thing found says the most."""


def faults(around: Surroundings) -> list[str]:
    """
    What is amiss with the message templates, a sentence each, the file's path first; empty when all can be used.

    First the files themselves, then what rendering holds against each, with the limits of every channel of its kind.
    """
    found = map(str, around.templates.faults())
    tried = (fault for filed in around.templates.each() for fault in _tried(filed, around))
    return list(dict.fromkeys((*found, *tried)))


def _tried(filed: Filed, around: Surroundings) -> Iterator[str]:
    path = filed.candidate.path
    if filed.candidate.fault is not None:
        yield str(filed.candidate.fault)
    elif filed.hazard == BUNDLE:
        yield from _held_against_bundle(filed, around)
    elif filed.hazard != DEFAULT and around.catalogue.get(filed.hazard) is None:
        yield f"{path}: there is no hazard {filed.hazard!r}, so it is never used"
    else:
        yield from _held_against(filed, around)


def _held_against(filed: Filed, around: Surroundings) -> Iterator[str]:
    """The first fault, with the changes in which there is one, unless that is all of them."""
    hazard = around.catalogue.get(filed.hazard) or around.catalogue.hazards[OTHER]
    met: dict[Change, TemplateError] = {}
    for change in _CHANGES:
        for notice in (_sample(hazard, filed.color or Color.RED, change, status) for status in _STATUSES):
            for limits in _limits(filed.kind, around):
                try:
                    printed_by(
                        filed.candidate, notice, limits=limits, zone=around.zone, templates=around.templates
                    )
                except TemplateError as fault:
                    met.setdefault(change, fault)
    if met:
        some = f", where change is {', '.join(one.value for one in met)}" if len(met) < len(_CHANGES) else ""
        yield f"{next(iter(met.values()))}{some}"


def _held_against_bundle(filed: Filed, around: Surroundings) -> Iterator[str]:
    parts = [
        Content(f"{n}", "", filed.kind, filed.candidate.language, f"第{n}条预警", "预警") for n in (1, 2)
    ]
    try:
        for status in _STATUSES:
            bundled_by(filed.candidate, parts, status, around.templates)
    except TemplateError as fault:
        yield str(fault)


def _limits(kind: str, around: Surroundings) -> set[Limits]:
    """Of the channels of this kind; none where there is no such channel."""
    all_of_them = (route.capabilities for route in around.routes.values())
    return {Limits(one.max_bytes, one.max_units) for one in all_of_them if one.kind == kind} or {Limits()}


def _sample(hazard: Hazard, color: Color, change: Change, status: Status) -> Notice:
    """A drill says nothing of what to do, so that there is room for our own advice."""
    advice = "请注意防范。" if status is Status.ACTUAL else ""
    alert = Alert(
        identifier="sample",
        sender="sample",
        sent=_SENT,
        status=status,
        type=AlertType.ALERT,
        hazard=hazard.slug,
        color=color,
        texts={"zh": Text(f"{_OFFICE}发布预警信号", "预计未来6小时有强降水。", advice)},
        sender_name=_OFFICE,
        expires=_SENT + timedelta(hours=6),
        areas=(Area(name=_PLACE),),
    )
    return Notice("", alert, hazard, change, Color.YELLOW, [_PLACE], None, ["甲镇"], ["乙镇"])
