"""When to strike, and what: drawn at random, spread over planning, sending, the last settling, receipts and starting again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.sweep.deployment import ALL, Victim

PLANNING_SECONDS = 0.25
"""What a sweep's plan takes on a slow machine."""

STARTING_SECONDS = 0.7
"""What starting again takes from a warm interpreter, with what it finds to be recovered."""

_AT_STARTING = 0.15
"""Share of the moments in the middle that fall into a start."""

_FOLLOWS = (0.3, 0.9)
"""Between which shares of the recipients something follows."""

_STAYS_AWAY = 0.5
"""Share of the deaths of what can be spared after which it comes back only when something else has died too."""

_NEARLY = 0.92
_AROUND_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Moment:
    """
    Once that ``share`` of the recipients has been told, and ``after`` more seconds.

    ``starting``: no sooner and no later than ``after`` seconds after the start that follows the last death. The ``victim``
    comes ``back`` at once, or else when the next one does.
    """

    share: float
    after: float
    starting: bool = False
    victim: Victim = ALL
    back: bool = True


@dataclass(frozen=True, slots=True)
class Course:
    """The moments of one broadcast in their order, and at which share something follows."""

    moments: Sequence[Moment]
    follow_at: float


def draw(dice: random.Random, count: int, victims: Sequence[Victim], *, follows: bool) -> Course:
    """
    The first moment falls into planning, the last (two, if something ``follows``) around the end.

    That is when the last outcomes are settled and receipts come in, or when what follows comes. Those between fall
    into sending, some into starting again.
    """
    end = dice.uniform(*_FOLLOWS) if follows else 1.0
    last = min(2 if follows else 1, max(count - 2, 0))
    shares = sorted(dice.uniform(0, _NEARLY * end) for _ in range(count - 1 - last))
    moments = [
        Moment(0, dice.uniform(0, PLANNING_SECONDS)),
        *(_between(dice, share) for share in shares),
        *(Moment(dice.uniform(_NEARLY, 1) * end, dice.uniform(0, _AROUND_SECONDS)) for _ in range(last)),
    ]
    return Course(list(_with_victims(dice, moments[:count], victims)), _NEARLY * end)


def _between(dice: random.Random, share: float) -> Moment:
    if dice.random() < _AT_STARTING:
        return Moment(0, dice.uniform(0, STARTING_SECONDS), starting=True)
    return Moment(share, dice.uniform(0, 0.02))


def _with_victims(
    dice: random.Random, moments: Sequence[Moment], victims: Sequence[Victim]
) -> Iterator[Moment]:
    """What stays away does so alone, and is not struck again meanwhile."""
    away: Victim | None = None
    for index, moment in enumerate(moments):
        victim = dice.choice([one for one in victims if one is not away])
        is_restarted_into = index + 1 < len(moments) and moments[index + 1].starting
        stays = victim.spare and away is None and not is_restarted_into and dice.random() < _STAYS_AWAY
        away = victim if stays else None
        yield replace(moment, victim=victim, back=not stays)
