"""Who would be told: match and expand without rendering, planning or keeping anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warnd.model.alert import Alert, Change
from warnd.model.delivery import Why
from warnd.model.region import level_of
from warnd.pipeline.expand import Recipient
from warnd.pipeline.match import AudienceIndex, match
from warnd.pipeline.surroundings import Surroundings, expanded, expander_for
from warnd.ports import Gap, PlanSource, Telling

_PAGE = 1500


@dataclass(frozen=True, slots=True)
class Forecast:
    """
    Who would be told: the answer of a dry run. ``by_reason`` says why of the suppressed ones, and counts whom
    and where there is no address at all. ``told_before`` are addresses that were told an earlier message of the
    episode: they hear of this one too, and of an end only they.
    """

    targeted: int
    suppressed: int
    by_channel: Mapping[str, int]
    by_level: Mapping[str, int]
    by_reason: Mapping[str, int]
    told_before: int = 0


async def forecast(
    alert: Alert,
    change: Change,
    regions: Sequence[str],
    *,
    index: AudienceIndex,
    source: PlanSource,
    surroundings: Surroundings,
) -> Forecast:
    """Who would be told by this alert, with nothing kept."""
    counted: Counter[tuple[str, str, str]] = Counter()
    gaps: Counter[str] = Counter()
    if alert.color is None:
        return Forecast(0, 0, {}, {}, {})
    telling = Telling.of(alert, change, regions)
    matched = match(regions, alert.hazard, alert.color, index)
    expander = expander_for(telling, alert.color, matched, surroundings)
    if matched.empty:
        gaps[Why.NOBODY_THERE.value] = len(matched.empty)
    seen: set[tuple[str, str]] = set()
    after = ""
    while True:
        page, after = await source.members(matched.groups, after, _PAGE, matched.members)
        found = list(expanded(expander, page))
        gaps.update(one.why for one in found if isinstance(one, Gap))
        recipients = [one for one in found if isinstance(one, Recipient)]
        for one in await _each_address_once(recipients, source, seen):
            why = one.reason.value if one.reason is not None else ""
            counted[one.channel, level_of(one.region).name.lower(), why] += 1
        if not after:
            return _summed(counted, gaps)


async def _each_address_once(
    recipients: Sequence[Recipient], source: PlanSource, seen: set[tuple[str, str]]
) -> Sequence[Recipient]:
    """Those at an address not ``seen`` on that channel; only addresses that several have are kept in mind."""
    shared = await source.shared([one.endpoint_id for one in recipients])
    fresh = []
    for one in recipients:
        address = one.channel, one.address
        if one.endpoint_id not in shared:
            fresh.append(one)
        elif address not in seen:
            seen.add(address)
            fresh.append(one)
    return fresh


def _summed(counted: Counter[tuple[str, str, str]], gaps: Counter[str]) -> Forecast:
    by_channel: Counter[str] = Counter()
    by_level: Counter[str] = Counter()
    by_reason: Counter[str] = Counter()
    for (channel, level, why), n in counted.items():
        if why:
            by_reason[why] += n
        else:
            by_channel[channel] += n
            by_level[level] += n
    return Forecast(by_channel.total(), by_reason.total(), by_channel, by_level, by_reason + gaps)
