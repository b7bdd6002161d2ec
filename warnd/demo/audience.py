"""The demo's audience: a group for every county, township and village of a prefecture, with made-up posts behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, update

from warnd.audience.plan import plan_import
from warnd.model.audience import AudienceClass, EndpointState, SubscriberKind
from warnd.model.audience_import import Address, GroupName, ImportRow
from warnd.model.region import Level, Region
from warnd.model.ulid import UlidMaker
from warnd.store.audience_import import apply_import, existing_audience
from warnd.store.journal import Entry
from warnd.store.standing import audience_changed
from warnd.store.tables import endpoints, micros, subscriptions

LEADERS, RESPONSIBLE, PUBLIC = AudienceClass.LEADERS, AudienceClass.RESPONSIBLE, AudienceClass.PUBLIC
OFFICE, POST, GROUP = SubscriberKind.OFFICE, SubscriberKind.POST, SubscriberKind.GROUP

_BUREAUS = ("水务局", "自然资源局", "教育局", "交通运输局", "卫生健康局", "住房和城乡建设局")
_NOTICE_GROUPS = 30
_FIRE_POSTS = 5

# Every so many villages, something that happens in every real audience.
_IN_TWO_GROUPS = 7
_ONE_NUMBER_FOR_TWO = 40
_SUSPENDED = 60
_NUMBER_GONE = 90
_ROBOT_GONE = 110

_COMMITTEE = re.compile(r"(?:村?(村)民?委员?会|居民?委员?会)$")


@dataclass(frozen=True, slots=True)
class Audience:
    """
    Who may be told, as an import file would say it, and what such a file cannot say.

    ``suspended``: endpoints that are switched off. ``only``: groups whose subscription wants just these
    hazards. ``gone``: addresses that the gateways will refuse, by kind of channel.
    """

    rows: tuple[ImportRow, ...]
    suspended: frozenset[Address]
    only: Mapping[GroupName, tuple[str, ...]]
    gone: Mapping[str, frozenset[str]]

    @property
    def endpoints(self) -> int:
        return sum(row.endpoint is not None for row in self.rows)


def build(divisions: Iterable[Region]) -> Audience:
    """The audience of these divisions, in their order; the same divisions always have the same."""
    draft = _Draft()
    villages = 0
    for region in divisions:
        match region.level:
            case Level.COUNTY:
                _county(draft, region)
            case Level.TOWNSHIP:
                _township(draft, region)
            case Level.VILLAGE:
                villages += 1
                _village(draft, region, villages)
            case _:
                pass
    return Audience(
        tuple(draft.rows),
        frozenset(draft.suspended),
        dict(draft.only),
        {kind: frozenset(addresses) for kind, addresses in draft.gone.items()},
    )


def write(
    connection: Connection, audience: Audience, *, ids: UlidMaker, now: datetime
) -> tuple[Mapping[str, int], list[Entry]]:
    """Put the audience into the store; for ``store.record``. The import's counts."""
    plan = plan_import(audience.rows, existing_audience(connection, audience.rows))
    applied = apply_import(connection, plan, ids=ids, now=now)
    for group, hazards in audience.only.items():
        mine = subscriptions.c.group_id == applied.group_ids[str(group)]
        connection.execute(update(subscriptions).where(mine).values(hazards=list(hazards)))
    for channel, address in audience.suspended:
        it = (endpoints.c.channel == channel) & (endpoints.c.address == address)
        connection.execute(update(endpoints).where(it).values(state=EndpointState.SUSPENDED.value))
    audience_changed(connection)
    return applied.counts, [Entry(micros(now), "audience.imported", "audience", dict(applied.counts), "demo")]


def place(region: Region) -> str:
    """A division as a post is named after it: 钟楼滩社区居委会 is 钟楼滩社区, 柳树村村民委员会 is 柳树村."""
    return _COMMITTEE.sub(lambda found: found[1] or "", region.name)


def sms(n: int) -> Address:
    """+86154… belongs to no carrier."""
    return Address("sms", f"+86154{n:08d}")


def wechat(n: int) -> Address:
    return Address("wechat", f"{n:08x}-0000-4000-8000-{n:012x}")


def email(n: int) -> Address:
    return Address("email", f"duty{n}@example.com")


@dataclass(slots=True)
class _Draft:
    """The rows as they grow; hands out addresses that nobody else has."""

    rows: list[ImportRow] = field(default_factory=list)
    suspended: list[Address] = field(default_factory=list)
    only: dict[GroupName, tuple[str, ...]] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=dict)
    _people: int = 0
    _addresses: int = 0

    def fresh(self, channels: str) -> list[Address]:
        """New addresses, one for each of the channels named."""
        makers = {"sms": sms, "wechat": wechat, "email": email}
        made = []
        for channel in channels.split():
            self._addresses += 1
            made.append(makers[channel](self._addresses))
        return made

    def add(
        self,
        kind: SubscriberKind,
        name: str,
        region: Region,
        groups: Iterable[tuple[Region, str]],
        audience: AudienceClass,
        addresses: Iterable[Address] = (),
        *,
        language: str | None = None,
    ) -> None:
        """One subscriber: a row for each address, or one row without any."""
        self._people += 1
        names = tuple(GroupName(at.code, group) for at, group in groups)
        for address in (*addresses,) or (None,):
            self.rows.append(
                ImportRow(
                    len(self.rows) + 2, f"DEMO-{self._people:05d}", kind, name, region.code, names, audience, address,
                    language=language,
                )
            )  # fmt: skip

    def lose(self, address: Address) -> None:
        """The gateway will know no such address."""
        self.gone.setdefault(address.channel, []).append(address.address)


def _county(draft: _Draft, region: Region) -> None:
    name = region.name
    command = [(region, "防汛指挥部")]
    draft.add(
        OFFICE, f"{name}防汛抗旱指挥部办公室", region, command, LEADERS, draft.fresh("sms wechat email")
    )
    draft.add(POST, f"{name}值班领导岗", region, command, LEADERS, draft.fresh("sms wechat"))
    draft.add(OFFICE, f"{name}应急管理局值班室", region, command, LEADERS, draft.fresh("sms email"))
    for bureau in _BUREAUS:
        draft.add(OFFICE, f"{name}{bureau}值班室", region, command, LEADERS, draft.fresh("sms email"))
    draft.add(
        POST,
        f"{name}外语导游服务岗",
        region,
        command,
        LEADERS,
        draft.fresh("sms wechat email"),
        language="en",
    )
    draft.add(POST, f"{name}撤并乡镇留守岗", region, command, LEADERS)
    for number in range(1, _NOTICE_GROUPS + 1):
        group = f"{name}公告群{number:02d}"
        draft.add(GROUP, group, region, [(region, "公众")], PUBLIC, draft.fresh("wechat"))
    fire = GroupName(region.code, "森林防火")
    draft.only[fire] = ("forest-fire", "forest-fire-danger")
    for number in range(1, _FIRE_POSTS + 1):
        watch = f"{name}森林防火瞭望岗{number}号"
        draft.add(POST, watch, region, [(region, fire.name)], RESPONSIBLE, draft.fresh("sms"))


def _township(draft: _Draft, region: Region) -> None:
    name, duty = region.name, [(region, "值守")]
    draft.add(OFFICE, f"{name}值班室", region, duty, RESPONSIBLE, draft.fresh("sms wechat email"))
    draft.add(OFFICE, f"{name}应急管理所", region, duty, RESPONSIBLE, draft.fresh("sms email"))
    draft.add(OFFICE, f"{name}中心小学值班室", region, duty, RESPONSIBLE, draft.fresh("sms email"))
    draft.add(OFFICE, f"{name}卫生院值班室", region, duty, RESPONSIBLE, draft.fresh("sms email"))
    draft.add(POST, f"{name}地质灾害监测岗", region, duty, RESPONSIBLE, draft.fresh("sms"))
    draft.add(POST, f"{name}水利工作岗", region, duty, RESPONSIBLE, draft.fresh("sms"))


def _village(draft: _Draft, region: Region, number: int) -> None:
    """``number`` counts the villages: every so many, something is not as it should be."""
    name, duty = place(region), [(region, "预警")]
    (phone,) = draft.fresh("sms")
    draft.add(POST, f"{name}值班室", region, duty, RESPONSIBLE, [phone, *draft.fresh("email" * (number % 2))])
    (warden,) = draft.fresh("sms")
    township = Region(region.code[:9], "")
    both = [*duty, (township, "值守")] if number % _IN_TWO_GROUPS == 0 else duty
    draft.add(POST, f"{name}预警员岗", region, both, RESPONSIBLE, [warden])
    mover = [warden] if number % _ONE_NUMBER_FOR_TWO == 0 else draft.fresh("sms")
    draft.add(POST, f"{name}转移责任岗", region, duty, RESPONSIBLE, mover)
    if number % 2 == 0:
        (robot,) = draft.fresh("wechat")
        draft.add(GROUP, f"{name}预警群", region, duty, RESPONSIBLE, [robot])
        if number % _ROBOT_GONE == 0:
            draft.lose(robot)
    if number % _SUSPENDED == 0:
        draft.suspended.append(phone)
    if number % _NUMBER_GONE == 0:
        draft.lose(warden)
