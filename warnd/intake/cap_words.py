"""The words of a CAP message: its blocks by language, Chinese first, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from warnd.intake.findings import Findings, refuse
from warnd.intake.languages import CAP_DEFAULT, DEFAULT, is_tag, looks_chinese, short_tag
from warnd.intake.xml import Node
from warnd.model.alert import Text

MAX_BLOCKS = 200
"""Of ``info``; the message with the most languages known has nine."""

LONG_HEADLINE = 160
"""Characters; CAP 1.2 (3.2.2) names it as what some systems can show."""

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,100}>")


@dataclass(frozen=True, slots=True)
class Block:
    """An ``info`` and the tag its words are kept under."""

    language: str
    info: Node


def infos_of(root: Node) -> tuple[Node, ...]:
    """All of them. Raises InvalidAlert for more than any message has."""
    infos = root.all("info")
    if len(infos) > MAX_BLOCKS:
        refuse("alert/info", "too_many_blocks", f"has {len(infos)} blocks, more than {MAX_BLOCKS}")
    return infos


def blocks_of(root: Node, findings: Findings) -> list[Block]:
    """The infos with their tags; those of the message's own language, Chinese if there is any, come first."""
    tags: dict[str, str] = {}
    blocks = []
    for info in infos_of(root):
        whole = _language(info, findings)
        if whole not in tags:
            tags[whole] = short_tag(whole, tags.values())
        blocks.append(Block(tags[whole], info))
    own = DEFAULT if DEFAULT in tags.values() else next(iter(tags.values()), DEFAULT)
    return sorted(blocks, key=lambda block: block.language != own)


def _language(info: Node, findings: Findings) -> str:
    tag, path = info.value("language"), f"{info.path}/language"
    if is_tag(tag):
        return tag.lower()
    if tag:
        findings.warn(path, "bad_language", f"{tag[:40]!r} is not a language tag")
    if looks_chinese(info.value("headline") + info.value("event")):
        findings.warn(path, "language_guessed", "CAP would take it for English; the words are Chinese")
        return DEFAULT
    return CAP_DEFAULT


def texts_of(blocks: Sequence[Block], words: Callable[[Node], Text]) -> dict[str, Text]:
    """The ``words`` of the blocks by tag; a later one in the same language adds to what the earlier said."""
    texts: dict[str, Text] = {}
    for block in blocks:
        said = words(block.info)
        earlier = texts.get(block.language)
        texts[block.language] = said if earlier is None else _expanded(earlier, said)
    return texts or {DEFAULT: Text()}


def read_words(info: Node, findings: Findings) -> Text:
    """What a block of CAP says, and what is odd about it."""
    headline = info.value("headline")
    if not headline:
        headline = info.value("event")
        findings.warn(f"{info.path}/headline", "headline_missing", "the event stands in for it")
    elif len(headline) > LONG_HEADLINE:
        findings.warn(f"{info.path}/headline", "headline_long", f"has more than {LONG_HEADLINE} characters")
    words = Text(headline, info.value("description"), info.value("instruction"), info.value("event"))
    for name in ("headline", "description", "instruction"):
        if _MARKUP.search(getattr(words, name)):
            findings.warn(f"{info.path}/{name}", "markup", "holds markup, which people would read as it is")
    return words


def _expanded(earlier: Text, later: Text) -> Text:
    """What both blocks say: a later one adds to the earlier and never overrides it (CAP 1.2, 3.2.2)."""
    return Text(
        earlier.headline or later.headline,
        _joined(earlier.description, later.description),
        _joined(earlier.instruction, later.instruction),
        earlier.event or later.event,
    )


def _joined(earlier: str, later: str) -> str:
    return earlier if later in earlier else f"{earlier}\n\n{later}".strip()
