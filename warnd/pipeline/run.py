"""One telling under way: what it has rendered, how far it is, and its next chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from warnd.errors import TemplateError
from warnd.model.alert import LESS_DANGER
from warnd.model.content import Content, content_id
from warnd.model.delivery import Rank
from warnd.model.hazard import OTHER
from warnd.model.region import Level, level_of
from warnd.pipeline import cap
from warnd.pipeline.expand import Recipient
from warnd.pipeline.plan import Plan, plan_chunk
from warnd.pipeline.quiet import Night
from warnd.pipeline.render import Limits, Notice, render
from warnd.pipeline.surroundings import Surroundings
from warnd.ports import Chunk, Gap, Telling

MEMBERS, TOLD = "m:", "t:"
"""
How a plan's cursor begins: at the members, after the subscriber named; and when all of them are planned, or in ranges, at those
told before: of the earlier alert named, and of those before it, they are planned, or in ranges.
"""


@dataclass(slots=True)
class Run:
    """
    See the module. ``size`` is how many memberships, or addresses told before, it walks through; ``planned``, ``targeted``
    and ``unreachable`` count memberships, deliveries and subscribers so far. ``up_to`` is the end of the range that it is
    at, None where it is at the plan itself.
    """

    telling: Telling
    surroundings: Surroundings
    new_ids: Callable[[int], list[str]]
    contents: dict[tuple[str, str], Content] = field(default_factory=dict)
    fresh: list[tuple[str, Content]] = field(default_factory=list)
    faults: list[TemplateError] = field(default_factory=list)
    planned: int = field(init=False)
    cursor: str = field(init=False)
    up_to: str | None = None
    size: int = 0
    targeted: int = 0
    unreachable: int = 0

    def __post_init__(self) -> None:
        self.planned = self.telling.planned
        self.cursor = self.telling.cursor

    @property
    def is_whole(self) -> bool:
        """Whether it has walked through the plan from its beginning, so that what it counts is all there is."""
        return self.up_to is None and not self.telling.cursor

    def take(self, after: str, up_to: str) -> None:
        """From now on chunks are of this range."""
        self.cursor, self.up_to = after, up_to

    def cursor_at(self, member: str) -> str:
        """The cursor after this one; "" is after the last."""
        if self.up_to is not None:
            return member or self.up_to
        return MEMBERS + member if member else TOLD

    def cursor_among_told(self, delivery: str) -> str:
        """The cursor after this one of an earlier alert; "" is after the last. A plan that is not split counts none of them."""
        if self.up_to is not None:
            return delivery or self.up_to
        return self.cursor if self.cursor.startswith(TOLD) else TOLD

    def is_over_at(self, ahead: str) -> bool:
        """Whether it is at a range, and there is nothing to go on from."""
        return self.up_to is not None and not ahead

    def chunk(
        self,
        found: Sequence[Recipient | Gap],
        cursor: str,
        *,
        members: int = 0,
        done: bool = False,
        opens: Sequence[tuple[str, str]] = (),
        earlier: str = "",
        now: int,
    ) -> Chunk:
        """Of what was ``found`` among so many ``members``; see ``warnd.ports.Chunk``."""
        telling = self.telling
        self.planned += members
        plan = Plan(
            telling.id,
            0,
            telling.lane,
            telling.deliver_until,
            bool(telling.earlier),
            self.surroundings.routes,
            Night(now, self.surroundings.zone),
            Rank.BEHIND if telling.change in LESS_DANGER else Rank.FIRST,
        )
        planned = plan_chunk(
            plan, found, content_of=self._content, new_ids=self.new_ids, after=self.cursor, cursor=cursor,
            planned=members, done=done,
        )  # fmt: skip
        self.cursor = cursor
        fresh, self.fresh = self.fresh, []
        return replace(
            planned, contents=fresh, plan_of=self.size, up_to=self.up_to, opens=opens, earlier=earlier
        )

    def _content(self, channel: str, language: str) -> Content:
        """Rendered once per distinct text, not once per person; two languages may fall back to one text."""
        content = self.contents.get((channel, language))
        if content is None:
            rendered = self._render(channel, language)
            # By its id whoever renders it too, in another process, finds it to be there.
            mine = replace(rendered, id=content_id(self.telling.id, channel, rendered.language))
            content = self.contents.setdefault((channel, rendered.language), mine)
            self.contents[channel, language] = content
            if content is mine:
                self.fresh.append((channel, content))
        return content

    def _render(self, channel: str, language: str) -> Content:
        telling, around = self.telling, self.surroundings
        capabilities = around.routes[channel].capabilities
        if capabilities.kind == cap.KIND:
            return cap.content_of(telling.alert, around.catalogue, alert_id=telling.id, content_id="")
        hazard = around.catalogue.get(telling.alert.hazard) or around.catalogue.hazards[OTHER]
        levels = {level_of(code) for code in telling.regions}
        added, removed = telling.moved
        notice = Notice(
            telling.id, telling.alert, hazard, telling.change, telling.previous_color, telling.region_names,
            Level(levels.pop()) if len(levels) == 1 else None, added, removed,
        )  # fmt: skip
        rendered = render(
            notice,
            kind=capabilities.kind,
            language=language,
            limits=Limits(capabilities.max_bytes, capabilities.max_units),
            zone=around.zone,
            templates=around.templates,
            content_id="",
        )
        self.faults.extend(rendered.faults)
        return rendered.content
