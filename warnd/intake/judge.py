"""What is judged of every alert alike, in whatever it came: does it hang together, can people be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from warnd.intake.findings import Findings
from warnd.intake.hazards import hazard_in
from warnd.intake.title import read_title
from warnd.intake.xml import Node
from warnd.model.alert import RESTRICTED, Alert, AlertType, Change, Status
from warnd.model.alert_body import ENDS
from warnd.model.episode import ends
from warnd.model.hazard import OTHER, HazardCatalogue


@dataclass(frozen=True, slots=True)
class Paths:
    """Where in the message the things judged here stand."""

    headline: str = "headline"
    hazard: str = "hazard"
    color: str = "color"
    references: str = "references"
    expires: str = "expires"
    areas: str = "areas"
    scope: str = "scope"
    addresses: str = "addresses"
    restriction: str = "restriction"
    note: str = "note"

    @classmethod
    def in_blocks(cls, infos: Sequence[Node], *, hazard: str) -> Paths:
        """In XML: what blocks say is shown in the first; ``hazard`` is its element that names the kind."""
        info = infos[0].path if infos else "alert/info"
        return cls(
            headline=f"{info}/headline",
            hazard=f"{info}/{hazard}",
            color=f"{info}/severity",
            references="alert/references",
            expires=f"{info}/expires",
            areas=f"{info}/area",
            scope="alert/scope",
            addresses="alert/addresses",
            restriction="alert/restriction",
            note="alert/note",
        )


def is_over(urgency: str, response_types: Iterable[str], *, update: bool) -> bool:
    """Whether CAP's words say that the danger has passed: an all-clear, or an update whose urgency is Past."""
    return "AllClear" in response_types or (update and urgency == "Past")


def end_marks(kind: AlertType, headline: str, *, all_clear: bool = False) -> Mapping[str, str]:
    """
    ``{"warnd:ends": "true"}`` for an alert or update that ends a warning, else nothing.

    Many services never cancel: they end by an all-clear, by urgency Past or by a title with 解除. The type
    stays as issued.
    """
    title = read_title(headline)
    lifts = all_clear or (title is not None and title.act is Change.LIFTED)
    return {ENDS: "true"} if lifts and kind in (AlertType.ALERT, AlertType.UPDATE) else {}


def judge(alert: Alert, catalogue: HazardCatalogue, paths: Paths, findings: Findings) -> None:
    """Add what is odd or doubtful about the alert as a whole to ``findings``."""
    _judge_references(alert, paths.references, findings)
    _judge_times(alert, paths.expires, findings)
    _judge_scope(alert, paths, findings)
    _judge_note(alert, paths.note, findings)
    if not alert.reaches_people:
        return
    _judge_hazard(alert, catalogue, paths, findings)
    if ends(alert):
        return
    if alert.color is None:
        findings.doubt(
            paths.color, "color_unknown", "neither parameter, headline nor severity tells the color"
        )
    if not any(text.headline or text.description for text in alert.texts.values()):
        findings.doubt(paths.headline, "nothing_to_say", "there is neither a headline nor a description")
    if not any(area.regions or area.polygons or area.circles for area in alert.areas):
        findings.warn(paths.areas, "area_unplaced", "no area has a division code, a polygon or a circle")


def _judge_references(alert: Alert, path: str, findings: Findings) -> None:
    if any(ref.names(alert.sender, alert.identifier) for ref in alert.references):
        findings.warn(path, "refers_to_itself", "the message refers to its own identifier")
    if alert.references:
        return
    if alert.type is AlertType.CANCEL:
        findings.doubt(path, "references_missing", "a cancel must refer to what it cancels")
    elif alert.type is not AlertType.ALERT:
        findings.warn(path, "references_missing", f"message type {alert.type.value} without references")


def _judge_times(alert: Alert, path: str, findings: Findings) -> None:
    begins = alert.effective if alert.effective is not None else alert.sent
    if alert.expires is not None and alert.expires <= max(begins, alert.sent):
        findings.warn(
            path, "expires_before_effective", "it expires no later than it takes effect or was sent"
        )


def _judge_scope(alert: Alert, paths: Paths, findings: Findings) -> None:
    if not alert.is_public:
        findings.doubt(
            paths.scope, "not_public", f"scope is {alert.scope}: whom it may go to, a person must say"
        )
    if alert.scope == "Private" and not any(map(str.isalnum, alert.addresses)):
        findings.doubt(paths.addresses, "addresses_missing", "a private message must name its addressees")
    if alert.scope == RESTRICTED and not alert.restriction:
        findings.warn(paths.restriction, "restriction_missing", "a restricted message should say to whom")
    if alert.scope != RESTRICTED and alert.restriction:
        findings.warn(paths.restriction, "restriction_unused", "only a restricted message has one")


def _judge_note(alert: Alert, path: str, findings: Findings) -> None:
    if alert.note:
        return
    if alert.status is Status.EXERCISE:
        findings.warn(path, "note_missing", "an exercise should be named in the note")
    if alert.type is AlertType.ERROR:
        findings.warn(path, "note_missing", "an error should be explained in the note")


def _judge_hazard(alert: Alert, catalogue: HazardCatalogue, paths: Paths, findings: Findings) -> None:
    hazard, titled = catalogue.get(alert.hazard), hazard_in(catalogue, alert.headline)
    if titled is not None and alert.hazard not in (OTHER, titled.slug):
        findings.warn(
            paths.hazard, "hazard_disagrees", f"stated as {alert.hazard}, but the headline says {titled.slug}"
        )
    if hazard is not None and alert.color is not None and alert.color not in hazard.colors:
        findings.warn(paths.color, "color_unusual", f"{alert.hazard} is not usually {alert.color.value}")
