"""From an alert to the words that go out: once for each kind and language, not once for each person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from warnd.errors import TemplateError
from warnd.model.alert import Alert, Change, Text
from warnd.model.color import Color
from warnd.model.content import Content, ucs2_segments, ucs2_units
from warnd.model.hazard import Hazard
from warnd.model.region import Level
from warnd.pipeline.direction import directed, isolated
from warnd.pipeline.relayed import cleaned, markdown_safe, one_line, shortened
from warnd.pipeline.templates import SUBJECT, Candidate, Templates
from warnd.pipeline.words import CHINESE, FALLBACK, Words, fallbacks

BUILT_IN = "built-in"
"""The path of the text that needs no template."""

SMS = "sms"

LONGEST_TEXT = 40_000
"""Characters of a description or an instruction that are read at all."""

MOST_NAMES = 500
FEWER_NAMES = (20, 5)
"""Places that are listed: fewer when the text does not fit, before the issuer's words are shortened."""

LONGEST_NAME = 60
"""Characters of a place name when nothing else helps: an ``areaDesc`` may list hundreds in one string."""

FIRST_MARK = 0x10FF00
"""The first of a few private characters that no issuer uses."""

LONGEST_SUBJECT = 200
LONGEST_ASIDE = 200
"""Characters of a contact, and of a link, which is left out when longer: half a link leads nowhere."""

Values = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Notice:
    """
    What is to be told of an alert.

    ``area_names`` are the divisions warned, by name, all of one ``area_level`` or of several (None); without
    any, the alert's own names stand in. ``previous_color`` is the episode's before this message, ``added_names``
    and ``removed_names`` are the places that it names anew and that are warned no more.
    """

    alert_id: str
    alert: Alert
    hazard: Hazard
    change: Change = Change.ISSUED
    previous_color: Color | None = None
    area_names: Sequence[str] = ()
    area_level: Level | None = None
    added_names: Sequence[str] = ()
    removed_names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How long a text may be: in UTF-8 bytes, in UTF-16 units, or both; None is no limit.

    ``signature`` is what the channel will put before it (``【…】``); it counts.
    """

    max_bytes: int | None = None
    max_units: int | None = None
    signature: str = ""

    def allow(self, body: str) -> bool:
        text = self.signature + body
        return (self.max_bytes is None or len(text.encode()) <= self.max_bytes) and (
            self.max_units is None or ucs2_units(text) <= self.max_units
        )


@dataclass(frozen=True, slots=True)
class Rendered:
    """
    The content, and what was amiss on the way to it.

    ``faults`` name every template that had to be passed over: they are for an alarm, the content can be sent
    whatever they say. ``language_missing``: the frame, or the issuer's words in it, are in another language
    than was asked for.
    """

    content: Content
    faults: tuple[TemplateError, ...] = ()
    language_missing: bool = False


def render(
    notice: Notice,
    *,
    kind: str,
    language: str | None,
    limits: Limits,
    zone: ZoneInfo,
    templates: Templates,
    content_id: str,
) -> Rendered:
    """
    The words for one kind of channel and one language (None: nobody asked for any).

    They come from the first template that prints all that is mandatory and fits. Never raises for what a
    template or an issuer does: at the end stands a text that needs no template, longer than the limit if the
    mandatory parts alone are. The same call serves previews.
    """
    wanted = fallbacks(language or FALLBACK)
    text, spoken = _text(notice.alert, wanted)
    faults: list[TemplateError] = []
    for candidate in templates.candidates(
        kind,
        hazard=notice.hazard.slug,
        color=notice.alert.color,
        languages=tuple(dict.fromkeys((*wanted, FALLBACK))),
    ):
        try:
            page = _by_template(_sheet(notice, text, candidate, zone), candidate, limits, templates)
        except TemplateError as fault:
            faults.append(fault)
            continue
        break
    else:
        if not faults:
            faults.append(TemplateError(f"{kind}/{notice.hazard.slug}", "there is no template for it"))
        candidate = Candidate(BUILT_IN, FALLBACK, CHINESE)
        page = _built_in(_sheet(notice, text, candidate, zone), limits)
        if not limits.allow(page.body):
            faults.append(
                TemplateError(BUILT_IN, "the mandatory parts alone are longer than the channel takes")
            )
    content = Content(
        id=content_id,
        alert_id=notice.alert_id,
        kind=kind,
        language=_tag(wanted, candidate.language, spoken),
        body=page.body,
        subject=page.subject,
        segments=len(ucs2_segments(limits.signature + page.body)) if kind == SMS else 1,
        template=f"{candidate.path}@{templates.revision}",
    )
    missing = language is not None and (candidate.language not in wanted or spoken not in wanted)
    return Rendered(content, tuple(dict.fromkeys(faults)), missing)


def printed_by(
    candidate: Candidate, notice: Notice, *, limits: Limits, zone: ZoneInfo, templates: Templates
) -> Page:
    """What this one template makes of a notice. Raises TemplateError with what ``render`` would pass it over for."""
    text, _ = _text(notice.alert, fallbacks(candidate.language))
    return _by_template(_sheet(notice, text, candidate, zone), candidate, limits, templates)


@dataclass(frozen=True, slots=True)
class Page:
    """What a template printed."""

    body: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """
    All that a template is filled with, before it is known how much of it there is room for.

    ``carry`` makes a relayed text safe for the template's format and direction; it comes after shortening, so
    that what it adds is never cut in two.
    """

    fixed: Mapping[str, str]
    names: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    level: Level | None
    headline: str
    description: str
    instruction: str
    guidance: str
    words: Words
    carry: Callable[[str], str]

    @property
    def length(self) -> int:
        return max(len(self.description) + len(self.instruction), len(self.headline))

    def values(self, *, names: int, room: int, guided: bool = False) -> Values:
        """
        With so many names, and ``room`` characters of the issuer's words, half of it kept for what to do.

        The headline says the same in brief, so it has the same room. Our own advice is there if ``guided``.
        """
        instruction = shortened(self.instruction, max(room // 2, room - len(self.description)))
        description = shortened(self.description, room - len(instruction))
        longest = LONGEST_NAME if names == 1 else LONGEST_TEXT

        def listed(places: Sequence[str], level: Level | None = None) -> str:
            some = [self.carry(shortened(name, longest)) for name in places[:names]]
            return self.words.listed(some, count=len(places), level=level)

        return {
            **self.fixed,
            "area": listed(self.names, self.level),
            "area_names": tuple(self.carry(shortened(name, longest)) for name in self.names[:names]),
            "added_area": listed(self.added),
            "removed_area": listed(self.removed),
            "headline": self.carry(shortened(self.headline, room)),
            "description": self.carry(description),
            "instruction": self.carry(instruction),
            "guidance": self.carry(self.guidance) if guided else "",
        }


def _sheet(notice: Notice, text: Text, candidate: Candidate, zone: ZoneInfo) -> _Sheet:
    alert, words = notice.alert, candidate.words

    def carry(relayed: str) -> str:
        return isolated(markdown_safe(relayed) if candidate.is_markdown else relayed, rtl=words.rtl)

    def named(color: Color | None) -> str:
        return words.colors[color] if color is not None else ""

    relayed = {
        "issuer": alert.sender_name or alert.sender,
        "hazard_name": _name(notice.hazard, candidate.language),
        "contact": shortened(alert.contact or "", LONGEST_ASIDE),
        "web": alert.web if alert.web and len(alert.web) <= LONGEST_ASIDE else "",
        "identifier": alert.identifier,
    }
    times = {"sent": alert.sent, "effective": alert.effective, "onset": alert.onset, "expires": alert.expires}
    fixed = {
        "mark": words.marks.get(alert.status, ""),
        "change": notice.change.value,
        "change_name": words.changes[notice.change],
        "hazard": notice.hazard.slug,
        "color": alert.color.value if alert.color is not None else "",
        "color_name": named(alert.color),
        "previous_color_name": named(notice.previous_color),
        **{name: carry(one_line(value)) for name, value in relayed.items()},
        **{name: isolated(words.clock(instant, zone), rtl=words.rtl) for name, instant in times.items()},
    }
    return _Sheet(
        fixed=fixed,
        names=_distinct(notice.area_names or [area.name for area in alert.areas]),
        added=_distinct(notice.added_names),
        removed=_distinct(notice.removed_names),
        level=notice.area_level,
        headline=shortened(one_line(text.headline), LONGEST_TEXT),
        description=shortened(cleaned(text.description), LONGEST_TEXT),
        instruction=shortened(cleaned(text.instruction), LONGEST_TEXT),
        guidance=_guidance(notice, text, candidate.language),
        words=words,
        carry=carry,
    )


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in map(one_line, names) if name))


def _by_template(sheet: _Sheet, candidate: Candidate, limits: Limits, templates: Templates) -> Page:
    """Raises TemplateError when the template fails, omits what is mandatory, or is too long in itself."""
    if candidate.fault is not None:
        raise candidate.fault

    def fill(values: Values) -> Page:
        page = page_of(templates.fill(candidate.path, values), has_subject=candidate.has_subject)
        return replace(page, body=directed(page.body)) if sheet.words.rtl else page

    for room in (0, sheet.length):
        values = sheet.values(names=MOST_NAMES, room=room)
        traced = _traced(values)
        said = fill({**values, **traced}).body.casefold()
        if omitted := [name for name, trace in traced.items() if trace.casefold() not in said]:
            raise TemplateError(candidate.path, f"does not print {', '.join(omitted)}")
    page = _fit(sheet, fill, limits)
    if page is None:
        raise TemplateError(
            candidate.path, "is longer than the channel takes, even without the issuer's words"
        )
    return page


def _built_in(sheet: _Sheet, limits: Limits) -> Page:
    """The last resort: in Chinese, from nothing but the values."""
    return _fit(sheet, _plain, limits) or _plain(sheet.values(names=1, room=0))


def _plain(values: Values) -> Page:
    title = "{mark}{issuer}{sent}{change_name}{hazard_name}{color_name}预警".format_map(values)
    words = (values["headline"], values["description"], values["instruction"])
    lines = [f"{title}，范围：{values['area']}。", *(str(part) for part in words if part)]
    return Page("\n".join(lines), shortened(title, LONGEST_SUBJECT))


def _fit(sheet: _Sheet, fill: Callable[[Values], Page], limits: Limits) -> Page | None:
    """
    The longest text within the limits; None when there is none.

    First our own advice goes, then fewer places are named, then the issuer's words are shortened, as little as
    will do, and at the very last a single place is named, its name too shortened to ``LONGEST_NAME``.
    """
    for names, guided in ((MOST_NAMES, True), *((names, False) for names in (MOST_NAMES, *FEWER_NAMES))):
        values = sheet.values(names=names, room=sheet.length, guided=guided)
        if limits.allow((page := fill(values)).body):
            return page
    for names in (FEWER_NAMES[-1], 1):
        if limits.allow((best := fill(sheet.values(names=names, room=0))).body):
            fitting, too_long = 0, sheet.length + 1
            while too_long - fitting > 1:
                room = (fitting + too_long) // 2
                if limits.allow((page := fill(sheet.values(names=names, room=room))).body):
                    fitting, best = room, page
                else:
                    too_long = room
            return best
    return None


def page_of(printed: str, *, has_subject: bool) -> Page:
    """The subject, if the first line is one, and the rest."""
    if not has_subject:
        return Page(printed.strip())
    subject, _, body = printed.removeprefix(SUBJECT).partition("\n")
    return Page(body.strip(), shortened(subject.strip(), LONGEST_SUBJECT))


def _traced(values: Values) -> dict[str, str]:
    """
    What must be said whole, each between marks of its own: issuer, hazard, color, area, time; that it is a drill;
    that it is not new.

    Only so can it be told whether a template prints it: a county's name is also a part of its observatory's.
    """
    mandatory = ["mark", "issuer", "hazard_name", "color_name", "area", "sent"]
    if values["change"] != Change.ISSUED.value:
        mandatory.append("change_name")
    return {
        name: f"{chr(mark)}{values[name]}{chr(mark)}"
        for mark, name in enumerate(mandatory, FIRST_MARK)
        if values[name]
    }


def _text(alert: Alert, wanted: Sequence[str]) -> tuple[Text, str]:
    """The issuer's words in the first of these languages, else in Chinese, else in the alert's own; and which."""
    by_tag = {tag.lower(): text for tag, text in alert.texts.items()}
    for tag, text in alert.texts.items():
        for wider in fallbacks(tag):
            by_tag.setdefault(wider, text)
    own = alert.language.lower()
    tag = next((tag for tag in (*wanted, FALLBACK) if tag in by_tag), own)
    return by_tag[tag], tag


def _name(hazard: Hazard, language: str) -> str:
    names = {tag.lower(): name for tag, name in hazard.names.items()}
    return next((names[tag] for tag in (*fallbacks(language), FALLBACK) if tag in names), hazard.slug)


def _guidance(notice: Notice, text: Text, language: str) -> str:
    """
    The catalogue's general advice in the template's own language.

    Nothing where the issuer says what to do, or after the end: ours must never stand beside or against theirs.
    """
    if text.instruction.strip() or notice.change is Change.LIFTED:
        return ""
    words = {tag.lower(): said for tag, said in notice.hazard.guidance_for(notice.alert.color).items()}
    return one_line(next((words[tag] for tag in fallbacks(language) if tag in words), ""))


def _tag(wanted: Sequence[str], frame: str, spoken: str) -> str:
    """A content's language: the closest to what was asked for that anything in it is in, else the frame's."""
    return next((tag for tag in wanted if tag in (frame, spoken)), frame)
