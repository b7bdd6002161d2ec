"""Our own JSON to Alert: unknown keys are kept and warned of, every other fault is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from warnd.errors import Fault, InvalidAlert
from warnd.intake.cap_grammar import word
from warnd.intake.cap_places import MAX_AREAS
from warnd.intake.cap_resources import MAX_RESOURCES, MAX_SIZE
from warnd.intake.color import read_color
from warnd.intake.findings import MAX_FINDINGS, Findings, refuse
from warnd.intake.geometry import read_circle, read_polygon
from warnd.intake.hazards import find_hazard
from warnd.intake.identity import MAX_REFERENCES, is_clean, is_short_enough
from warnd.intake.judge import Paths, end_marks, is_over, judge
from warnd.intake.languages import DEFAULT, is_tag, short_tag
from warnd.intake.times import read_time
from warnd.intake.wording import sentence
from warnd.model.alert import PUBLIC, Alert, AlertType, Area, Parsed, Reference, Resource, Status, Text
from warnd.model.alert_body import EVENT
from warnd.model.color import Color
from warnd.model.hazard import OTHER, Hazard, HazardCatalogue
from warnd.model.region import level_of

KIND = "json"

MAX_OBJECTS = 20_000
MAX_KEYS = 5000


def _plain(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul_character", "holds a NUL character")
    return text


def _key(text: str) -> str:
    if not is_short_enough(text):
        raise PydanticCustomError("key_length", "must have 1 to 256 characters")
    if not is_clean(text):
        raise PydanticCustomError(
            "key_characters", "must hold no space, comma, < or &, and no control character"
        )
    return text


def _time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return read_time(value)[0]
    except ValueError as error:
        raise PydanticCustomError("bad_time", "{reason}", {"reason": str(error)}) from None


def _code(text: str) -> str:
    try:
        level_of(text)
    except ValueError as error:
        raise PydanticCustomError("bad_region", "{reason}", {"reason": str(error)}) from None
    return text


def _polygon(text: str) -> str:
    return _shape(read_polygon, text)


def _circle(text: str) -> str:
    return _shape(read_circle, text)


def _shape(reader: Any, text: str) -> str:
    try:
        reader(text)
    except ValueError as error:
        raise PydanticCustomError("bad_shape", "{reason}", {"reason": str(error)}) from None
    return text


def _tag(text: str) -> str:
    if not is_tag(text):
        raise PydanticCustomError("bad_language", "is not a BCP 47 language tag such as zh or ug")
    return text


def _few(value: object) -> object:
    if isinstance(value, dict) and len(value) > MAX_KEYS:
        raise PydanticCustomError("too_many_keys", f"must have at most {MAX_KEYS} keys")
    return value


_Plain = Annotated[str, AfterValidator(_plain)]
_Key = Annotated[_Plain, AfterValidator(_key)]
_Time = Annotated[datetime, BeforeValidator(_time)]
_Tag = Annotated[str, AfterValidator(_tag)]
_BRIEF = Field(fail_fast=True)
"""Of a list of small things the first fault is enough: a million of them must not fill the memory."""
_Plains = Annotated[list[_Plain], _BRIEF]


class _Body(BaseModel):
    """Strict in what it knows, open for what it does not."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Reference(_Body):
    sender: _Key
    identifier: _Key
    sent: _Time | None = None


class _Text(_Body):
    headline: _Plain | None = None
    description: _Plain | None = None
    instruction: _Plain | None = None
    event: _Plain | None = None

    def text(self) -> Text:
        return Text(self.headline or "", self.description or "", self.instruction or "", self.event or "")


class _Area(_Body):
    name: _Plain | None = None
    regions: Annotated[list[Annotated[str, AfterValidator(_code)]], _BRIEF] | None = None
    polygons: Annotated[list[Annotated[str, AfterValidator(_polygon)]], _BRIEF] | None = None
    circles: Annotated[list[Annotated[str, AfterValidator(_circle)]], _BRIEF] | None = None
    geocodes: Annotated[list[Annotated[list[_Plain], Field(min_length=2, max_length=2)]], _BRIEF] | None = (
        None
    )
    altitude: _Plain | None = None
    ceiling: _Plain | None = None


class _Resource(_Body):
    description: _Plain | None = None
    mime_type: _Plain | None = None
    uri: _Plain | None = None
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)] | None = None
    digest: _Plain | None = None


class _Alert(_Text):
    identifier: _Key
    sender: _Key
    sender_name: _Plain | None = None
    sent: _Time
    status: Status
    type: AlertType
    references: Annotated[list[_Reference], Field(max_length=MAX_REFERENCES)] | None = None
    hazard: _Plain | None = None
    event_code: _Plain | None = None
    color: Color | None = None
    language: _Tag = DEFAULT
    texts: Annotated[dict[_Tag, _Text], BeforeValidator(_few)] = Field(default_factory=dict)
    effective: _Time | None = None
    onset: _Time | None = None
    expires: _Time | None = None
    areas: Annotated[list[_Area], Field(max_length=MAX_AREAS)] | None = None
    contact: _Plain | None = None
    web: _Plain | None = None
    parameters: Annotated[dict[_Plain, _Plain] | None, BeforeValidator(_few)] = None
    source: _Plain | None = None
    scope: _Plain | None = None
    restriction: _Plain | None = None
    addresses: _Plain | None = None
    codes: _Plains | None = None
    note: _Plain | None = None
    incidents: _Plain | None = None
    categories: _Plains | None = None
    response_types: _Plains | None = None
    urgency: _Plain | None = None
    severity: _Plain | None = None
    certainty: _Plain | None = None
    audience: _Plain | None = None
    resources: Annotated[list[_Resource], Field(max_length=MAX_RESOURCES)] | None = None


def parse(body: str, catalogue: HazardCatalogue) -> Parsed:
    """Read one pushed alert. Raises InvalidAlert naming every fault by path, e.g. ``areas[0].regions[2]``."""
    findings = Findings()
    alert = _alert(_validated(body), catalogue, findings)
    judge(alert, catalogue, Paths(), findings)
    return Parsed(alert, KIND, tuple(findings.warnings), tuple(findings.doubts))


def _validated(body: str) -> _Alert:
    try:
        encoded = body.encode("utf-8")
    except UnicodeEncodeError:
        refuse("body", "bad_encoding", "holds half of a surrogate pair")
    if body.count("{") > MAX_OBJECTS:
        refuse("body", "too_many_elements", f"has more than {MAX_OBJECTS} objects")
    try:
        return _Alert.model_validate_json(encoded)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise InvalidAlert([_fault(one) for one in found[:MAX_FINDINGS]]) from None


def _fault(error: ErrorDetails) -> Fault:
    return Fault(_path(error["loc"]) or "body", error["type"], sentence(error))


def _path(location: Sequence[int | str]) -> str:
    """``("areas", 0, "regions", 2)`` as ``areas[0].regions[2]``; a bad key of a mapping by the key itself."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if step != "[key]")
    return "".join(steps).removeprefix(".")


def _alert(body: _Alert, catalogue: HazardCatalogue, findings: Findings) -> Alert:
    texts = _texts(body)
    language = next(iter(texts))
    headline = texts[language].headline
    parameters = dict(body.parameters or {})
    parameters |= {path: text for path, text in _unknown(body, findings) if path not in parameters}
    urgency = _word("urgency", body.urgency, "urgency", findings)
    responses = _words("responseType", body.response_types or (), "response_types", findings)
    over = is_over(urgency, responses, update=body.type is AlertType.UPDATE)
    parameters |= end_marks(body.type, headline, all_clear=over)
    hazard = _hazard(body, texts, catalogue, findings)
    if hazard is None and body.hazard:
        parameters.setdefault(EVENT, body.hazard)
    return Alert(
        identifier=body.identifier,
        sender=body.sender,
        sent=body.sent,
        status=body.status,
        type=body.type,
        hazard=hazard.slug if hazard is not None else OTHER,
        color=_color(body, parameters, headline, catalogue, findings),
        texts=texts,
        language=language,
        sender_name=body.sender_name or "",
        event_code=body.event_code or None,
        references=tuple(Reference(ref.sender, ref.identifier, ref.sent) for ref in body.references or ()),
        effective=body.effective,
        onset=body.onset,
        expires=body.expires,
        areas=tuple(_area(area, f"areas[{n}]", findings) for n, area in enumerate(body.areas or ())),
        contact=body.contact,
        web=body.web,
        parameters=parameters,
        source=body.source or "",
        scope=_word("scope", body.scope, "scope", findings) or PUBLIC,
        restriction=body.restriction or "",
        addresses=body.addresses or "",
        codes=tuple(body.codes or ()),
        note=body.note or "",
        incidents=body.incidents or "",
        categories=_words("category", body.categories or (), "categories", findings),
        response_types=responses,
        urgency=urgency,
        severity=_word("severity", body.severity, "severity", findings),
        certainty=_word("certainty", body.certainty, "certainty", findings),
        audience=body.audience or "",
        resources=tuple(map(_resource, body.resources or ())),
    )


def _words(element: str, said: Iterable[str], path: str, findings: Findings) -> tuple[str, ...]:
    """CAP's own words for those said; others are left out with a warning: nobody's warning hangs on them."""
    read = [_word(element, each, f"{path}[{n}]", findings) for n, each in enumerate(said)]
    return tuple(filter(None, read))


def _word(element: str, said: str | None, path: str, findings: Findings) -> str:
    known = word(element, said) if said else ""
    if known is None:
        findings.warn(path, "unknown_word", f"{said!r} is no {element} of CAP; left out")
    return known or ""


def _resource(body: _Resource) -> Resource:
    return Resource(
        body.description or "", body.mime_type or "", body.uri or "", body.size, body.digest or ""
    )


def _texts(body: _Alert) -> dict[str, Text]:
    """The words at the top first, under the language the body names."""
    texts = {short_tag(body.language): body.text()}
    for tag, text in body.texts.items():
        texts[short_tag(tag, texts)] = text.text()
    return texts


def _hazard(
    body: _Alert, texts: Mapping[str, Text], catalogue: HazardCatalogue, findings: Findings
) -> Hazard | None:
    hazard = find_hazard(
        catalogue,
        slug=body.hazard or "",
        codes=[body.event_code or ""],
        names=[text.event for text in texts.values()],
        title=next(iter(texts.values())).headline,
    )
    if hazard is None and (body.hazard or body.type is not AlertType.CANCEL):
        said = f"{body.hazard!r} is no known hazard" if body.hazard else "it names no hazard that is known"
        findings.warn("hazard", "hazard_unknown", f"{said}; taken as {OTHER}")
    elif hazard is not None and body.hazard and catalogue.get(body.hazard) is None:
        findings.warn("hazard", "hazard_guessed", f"{body.hazard!r} is no slug; taken as {hazard.slug}")
    return hazard


def _color(
    body: _Alert, parameters: dict[str, str], headline: str, catalogue: HazardCatalogue, findings: Findings
) -> Color | None:
    severity = catalogue.color_of(body.severity or "")
    reading = read_color(parameters, headline, severity, stated=body.color)
    if reading.disagreement:
        findings.warn("color", "color_disagrees", f"{reading.disagreement}; the higher stands")
    if reading.unread:
        findings.warn("parameters", "color_unread", f"{reading.unread!r} is no known color")
    return reading.color


def _area(body: _Area, path: str, findings: Findings) -> Area:
    polygons = []
    for n, written in enumerate(body.polygons or ()):
        polygon, oddity = read_polygon(written)
        polygons.append(polygon)
        if oddity:
            findings.warn(f"{path}.polygons[{n}]", "shape_unusual", oddity)
    return Area(
        name=body.name or "",
        regions=tuple(dict.fromkeys(body.regions or ())),
        polygons=tuple(polygons),
        circles=tuple(read_circle(written)[0] for written in body.circles or ()),
        geocodes=tuple(dict.fromkeys((scheme, code) for scheme, code in body.geocodes or ())),
        altitude=body.altitude or "",
        ceiling=body.ceiling or "",
    )


def _unknown(body: _Alert, findings: Findings) -> Iterator[tuple[str, str]]:
    """The keys nobody knows, by path, their values as text; each is warned of."""
    for path, value in _extras(body):
        findings.warn(path, "unknown_key", "is not a key of this format; kept as a parameter")
        yield (
            path,
            (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).replace("\0", ""),
        )


def _extras(body: _Body, path: tuple[int | str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for key, value in (body.model_extra or {}).items():
        yield _path((*path, key.replace("\0", ""))), value
    for key in type(body).model_fields:
        for step, part in _parts(getattr(body, key)):
            yield from _extras(part, (*path, key, step))


def _parts(value: object) -> Iterator[tuple[int | str, _Body]]:
    """The bodies within a field, each with its index or key."""
    steps = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return ((step, part) for step, part in steps if isinstance(part, _Body))
