"""
Every finding there is about a message: its code, what it weighs and what it means, one a line.

Codes are constant and fit for a program. A *fault* refuses the message, a *doubt* quarantines it (both are errors), a
*warning* changes nothing. Some findings say nothing against the message: they are only about whether warnd may release
it by itself. ``docs/findings.md`` shows the same to operators; a test holds both to the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from warnd.intake.findings import Weight

_FAULT, _DOUBT, _WARNING = Weight.FAULT, Weight.DOUBT, Weight.WARNING


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What a code means. Of several ``weights`` the sentence says which is when.

    ``of_release``: a message may have it and be valid in its format all the same.
    """

    code: str
    weights: tuple[Weight, ...]
    means: str
    of_release: bool = False


def _of_release(code: str, weights: tuple[Weight, ...], means: str) -> Finding:
    return Finding(code, weights, means, of_release=True)


_BODY = (
    Finding("empty", (_FAULT, _DOUBT, _WARNING), "A body without content: refused. An element that CAP requires: as if it were missing. Any other: taken as absent."),
    Finding("too_large", (_FAULT,), "More bytes than are read at all."),
    Finding("bad_encoding", (_FAULT,), "Not in the encoding that it has or names, or in one that is not read here."),
    Finding("unknown_format", (_FAULT,), "Neither JSON nor XML."),
    Finding("content_type", (_FAULT, _WARNING), "A content type that is not taken: refused (415). One that says JSON where the body is XML, or the other way round: the body was believed."),
    Finding("doctype", (_FAULT,), "A DOCTYPE or an entity declaration: no alert needs one, and attacks do."),
    Finding("not_well_formed", (_FAULT,), "No well-formed XML."),
    Finding("too_deep", (_FAULT,), "Elements nested deeper than any alert's."),
    Finding("too_many_elements", (_FAULT,), "More elements, or JSON objects, than any alert has."),
    Finding("unbound_prefix", (_DOUBT,), "A prefix such as cap: that no namespace is declared for; read as if it were."),
    Finding("unreadable", (_FAULT,), "warnd check: the file could not be opened."),
)  # fmt: skip

_ENVELOPE = (
    Finding("not_an_alert", (_FAULT,), "An XML document that is no alert and holds none."),
    Finding("feed_without_alerts", (_FAULT,), "An index: its entries only link to alerts, or repeat parts of them. Send what they link to."),
    Finding("entry_without_alert", (_WARNING,), "This entry of a feed holds no alert, though others do."),
    Finding("envelope_incomplete", (_WARNING,), "The envelope lacks an element that EDXL-DE or Atom requires."),
    _of_release("envelope_status", (_DOUBT,), "The alert says Actual, its EDXL-DE envelope says something else, such as Test."),
    Finding("several_documents", (_WARNING,), "Several XML documents, one after the other in one body; each was read."),
    Finding("several_messages", (_FAULT,), "More than one message where one is taken, as in a dry run."),
    Finding("too_many_messages", (_FAULT,), "More messages in one body than are read at once."),
)  # fmt: skip

_STRUCTURE = (
    Finding("not_cap", (_FAULT,), "An alert in a namespace that is none of CAP's."),
    Finding("namespace_missing", (_DOUBT,), "No namespace; read as CAP 1.2."),
    Finding("missing", (_FAULT, _DOUBT, _WARNING), "A required element or key is not there. What tells which message it is and what for: refused. Another element of CAP 1.2: a doubt; of CAP 1.0 or 1.1 a warning if nobody's telling hangs on it."),
    Finding("repeated", (_FAULT, _DOUBT, _WARNING), "What should stand once stands twice; the first counts. Weighed like missing."),
    Finding("order", (_DOUBT, _WARNING), "Elements in another order than CAP's. In CAP 1.0 and 1.1 a warning."),
    Finding("unknown_element", (_DOUBT, _WARNING), "An element that CAP does not know; what it says was not read. In CAP 1.0 and 1.1 a warning."),
    Finding("schema_structure", (_DOUBT,), "The OASIS schema of CAP 1.2 wants other elements or text here."),
    Finding("schema_value", (_WARNING,), "The OASIS schema of CAP 1.2 objects to a value or an attribute nobody's telling hangs on."),
    Finding("bad_value", (_FAULT, _DOUBT), "None of the words that CAP has here. Of status and msgType: refused."),
    Finding("letter_case", (_WARNING,), "The right word in other letters, ACTUAL for Actual."),
    Finding("too_many_blocks", (_FAULT,), "More info blocks than any message has."),
    Finding("too_many_areas", (_FAULT,), "More areas than any message has."),
    _of_release("signature_missing", (_DOUBT, _WARNING), "No signature, from a source whose messages are to be signed. A doubt where it is required."),
    _of_release("signature_unverified", (_DOUBT, _WARNING), "It is signed, and the signature was not verified, or cannot be. A doubt where it is required."),
    Finding("signature_forged", (_FAULT,), "The signature does not fit the message or the source's key."),
)  # fmt: skip

_JSON = (
    Finding("json_invalid", (_FAULT,), "No JSON."),
    Finding("model_type", (_FAULT,), "Something else stands where an object should."),
    Finding("dict_type", (_FAULT,), "Something else stands where an object should."),
    Finding("list_type", (_FAULT,), "Something else stands where a list should."),
    Finding("string_type", (_FAULT,), "Something else stands where a text should."),
    Finding("int_type", (_FAULT,), "Something else stands where a whole number should."),
    Finding("int_parsing_size", (_FAULT,), "A whole number of too many digits."),
    Finding("greater_than_equal", (_FAULT,), "A number less than it can be."),
    Finding("less_than_equal", (_FAULT,), "A number greater than it can be."),
    Finding("enum", (_FAULT,), "None of the words that may stand here."),
    Finding("datetime_type", (_FAULT,), "Something else stands where a time should."),
    Finding("too_short", (_FAULT,), "A list with fewer items than it must have."),
    Finding("too_long", (_FAULT,), "A list with more items than any alert has."),
    Finding("too_many_keys", (_FAULT,), "An object with more keys than any alert has."),
    Finding("nul_character", (_FAULT,), "A NUL character in a text."),
    Finding("bad_region", (_FAULT,), "No division code of 2 to 12 digits."),
    Finding("unknown_key", (_WARNING,), "A key that this format does not have; kept as a parameter."),
    Finding("unknown_word", (_WARNING,), "None of CAP's words for this key; left out."),
)  # fmt: skip

_IDENTITY = (
    Finding("key_length", (_FAULT,), "An identifier or a sender that is empty or longer than 256 characters."),
    Finding("key_characters", (_FAULT, _WARNING), "A space, a comma, < or &, or a control character in an identifier or a sender. In JSON: refused."),
    Finding("reference_form", (_WARNING,), "References that are no sender,identifier,sent triples; read as far as they name a message."),
    Finding("references_missing", (_DOUBT, _WARNING), "An update, ack or error that refers to nothing. A cancel without them is a doubt: nobody knows what it ends."),
    Finding("refers_to_itself", (_WARNING,), "The message refers to its own identifier."),
    Finding("dangling_reference", (_WARNING,), "What it refers to has not come here."),
    Finding("overtaken", (_WARNING,), "A later message of its episode came before it; nobody is told of this one."),
    Finding("other_status", (_WARNING,), "It refers to a drill and is none, or the other way round: the two are not tied."),
    Finding("not_all_theirs", (_WARNING,), "It refers to a warning for which it may not speak, too: it counts for the others."),
    Finding("differs", (_WARNING,), "The same warning came with other content; the first stands."),
    Finding("conflict", (_FAULT,), "The same source said something else under the same identity; the first stands."),
    _of_release("not_their_episode", (_DOUBT,), "Neither its sender nor its source may speak for the earlier warning."),
)  # fmt: skip

_TIMES = (
    Finding("bad_time", (_FAULT, _DOUBT), "No date and time with an offset. Of sent, or in JSON: refused."),
    Finding("time_form", (_WARNING,), "A time that can be read and that CAP would write otherwise: Z, a fraction, a space for T."),
    Finding("time_guessed", (_WARNING,), "A national message whose time cannot be read; the time in its identifier stands in for it."),
    Finding("expires_before_effective", (_WARNING,), "It expires no later than it takes effect or was sent."),
    Finding("sent_in_future", (_WARNING,), "Sent more than 15 minutes ahead of the clock here."),
)  # fmt: skip

_WORDS = (
    Finding("bad_language", (_FAULT, _WARNING), "No language tag. In JSON: refused."),
    Finding("language_guessed", (_WARNING,), "No language is named, which is English in CAP; the words are Chinese and were taken so."),
    Finding("headline_missing", (_WARNING,), "No headline; the event stands in for it."),
    Finding("headline_long", (_WARNING,), "A headline of more than 160 characters: some channels show no more."),
    Finding("markup", (_WARNING,), "Markup in a text, which people would read as it is."),
    _of_release("nothing_to_say", (_DOUBT,), "Neither a headline nor a description in any language."),
    Finding("note_missing", (_WARNING,), "An exercise or an error that the note does not explain."),
    Finding("content_left_out", (_WARNING,), "A file sent along inside the message (derefUri); it is kept and not passed on."),
    Finding("blocks_disagree", (_WARNING,), "Blocks in one language differ in color; the highest stands for all areas."),
)  # fmt: skip

_GRADE = (
    Finding("hazard_unknown", (_WARNING,), "No hazard of the catalogue; told under the issuer's own name."),
    Finding("hazard_guessed", (_WARNING,), "No slug of the catalogue; the hazard was found by another of its names."),
    Finding("hazard_disagrees", (_WARNING,), "The headline speaks of another hazard than the one stated."),
    _of_release("color_unknown", (_DOUBT,), "Neither parameter, headline nor severity tells the color: valid in CAP, but for whom it is nobody can say."),
    Finding("color_unread", (_WARNING,), "A color parameter that names none of the four."),
    Finding("color_disagrees", (_WARNING,), "Parameter and headline differ; the higher color stands."),
    Finding("color_unusual", (_WARNING,), "A color that this hazard does not usually have."),
)  # fmt: skip

_PLACE = (
    Finding("bad_shape", (_FAULT, _DOUBT, _WARNING), "A polygon or circle that cannot be read. In JSON: refused. Beside a division code: a warning, for the place is known."),
    Finding("shape_unusual", (_WARNING,), "A polygon that is not closed, and was; a longitude beyond 180."),
    Finding("ceiling_alone", (_WARNING,), "A ceiling without an altitude."),
    Finding("area_unplaced", (_WARNING,), "No area has a division code, a polygon or a circle."),
    Finding("area_unresolved", (_WARNING,), "It names no division that is known here, so that nobody is found by it."),
    Finding("area_from_name", (_WARNING,), "No code is known; the name places it, as told."),
    Finding("area_from_shape", (_WARNING,), "Neither a code nor a name is known; the polygons and circles place it, as told."),
    _of_release("area_ambiguous", (_DOUBT, _WARNING), "Several divisions have this name; none was taken. A doubt if nothing else of the message is placed."),
    Finding("area_name_unknown", (_WARNING,), "The name is no division's that is known here."),
    Finding("shape_unplaced", (_WARNING,), "The polygons and circles touch no division of the boundary layer."),
    Finding("no_boundaries", (_WARNING,), "Only polygons or circles, and no boundary layer is configured that could place them."),
    Finding("unknown_region", (_WARNING,), "A division code that is not in the tree; the rest of the area is warned."),
)  # fmt: skip

_ADDRESSEES = (
    _of_release("not_public", (_DOUBT,), "Scope Restricted or Private: whom it may go to, a person must say."),
    _of_release("classified", (_DOUBT,), "A national message that is classified: whom it may go to, a person must say."),
    Finding("addresses_missing", (_DOUBT,), "A private message that names no addressees."),
    Finding("restriction_missing", (_WARNING,), "A restricted message that does not say to whom."),
    Finding("restriction_unused", (_WARNING,), "A restriction on a message that is not restricted."),
    Finding("not_given", (_FAULT,), "By hand: the time of sending, which is the identifier's."),
    Finding("not_ours", (_FAULT,), "By hand: another sender than the office's own, or an identifier that is not hand- and a ULID."),
    Finding("not_now", (_FAULT,), "By hand: an identifier whose time is more than 15 minutes off."),
    _of_release("source_hazard", (_DOUBT,), "The source does not speak for this hazard."),
    _of_release("source_color", (_DOUBT,), "The source does not speak for this color."),
    _of_release("source_region", (_DOUBT,), "The source does not speak for this region, or names none and is bound to some."),
)  # fmt: skip

_FEEDS = (
    Finding("not_a_feed", (_FAULT,), "A feed's answer that is none of its kind: a login page, an error, another version."),
    Finding("feed_refuses", (_FAULT,), "A feed's answer that says it will not answer, such as a wrong key under HTTP 200."),
    Finding("not_json", (_FAULT,), "An answer or an entry of a feed that is no JSON."),
    Finding("not_an_event", (_FAULT,), "A call of a feed that says neither that a warning is on nor that it is off."),
    Finding("bad_signature", (_FAULT,), "A feed's call that is not signed with its key."),
    Finding("nonce_used", (_FAULT,), "A feed's call with the signature of another call: somebody overheard that one."),
    Finding("never_on", (_FAULT,), "A feed's call ends a warning that the same feed never called on."),
    Finding("unfetched", (_FAULT,), "What an entry links to could not be fetched; tried again at the next poll, unless it is gone."),
    Finding("area_from_issuer", (_WARNING,), "The feed names no area; it was taken to be its issuer's division."),
    Finding("references_inferred", (_WARNING,), "The feed does not say what is changed or ended: it was taken to be what the issuer has in force of that hazard."),
)  # fmt: skip

SECTIONS: Mapping[str, tuple[Finding, ...]] = {
    "The body as a whole": _BODY,
    "What messages come wrapped in": _ENVELOPE,
    "The structure of CAP": _STRUCTURE,
    "The JSON format": _JSON,
    "Which message it is": _IDENTITY,
    "Times": _TIMES,
    "Words": _WORDS,
    "Hazard and color": _GRADE,
    "Where": _PLACE,
    "For whom, and by whom": _ADDRESSEES,
    "Feeds that warnd asks": _FEEDS,
}
"""All findings by what they are about."""

CATALOGUE: Mapping[str, Finding] = {one.code: one for part in SECTIONS.values() for one in part}
