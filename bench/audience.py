"""Made-up people: a store with the real divisions of prefecture 6212 and as many posts as a row needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, insert

from bench.standing import Store, writing
from warnd.model.ulid import UlidMaker
from warnd.resources import config_dir
from warnd.store import bulk, tables
from warnd.store.database import raw_of
from warnd.store.regions import import_regions
from warnd.store.standing import audience_changed
from warnd.store.tables import micros

COUNTY, NEIGHBOUR = "621202", "621221"
"""Where the posts are: 武都区, and 成县 where a row needs a second audience."""

ADDRESSES: Mapping[str, Callable[[int], str]] = {
    "sms": lambda n: f"+86154{n:08d}",
    "wechat": lambda n: f"{n:08x}-0000-4000-8000-{n:012x}",
    "email": lambda n: f"duty{n}@example.com",
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many posts of one county, each with one address of one kind; numbered from ``first``."""

    channel: str
    size: int
    county: str = COUNTY
    first: int = 0

    @property
    def addresses(self) -> Sequence[str]:
        address = ADDRESSES[self.channel]
        return [address(n) for n in range(self.first, self.first + self.size)]


def build(store: Store, crowds: Sequence[Crowd]) -> None:
    """Fill a new store: divisions, a group for each crowd, its subscription and its posts."""
    with writing(store) as connection:
        import_regions(connection, config_dir() / "cn-divisions-2023.csv.xz", under="6212")
        ids = UlidMaker()
        for crowd in crowds:
            _settle_in(connection, crowd, ids)
        audience_changed(connection)


def _settle_in(connection: Connection, crowd: Crowd, ids: UlidMaker) -> None:
    now = datetime.now(UTC)
    group, subscription = ids.many(2, now)
    connection.execute(
        insert(tables.groups).values(
            id=group, name=f"{crowd.channel} {crowd.first}", region=crowd.county, audience="responsible", created_at=now
        )
    )  # fmt: skip
    connection.execute(
        insert(tables.subscriptions).values(
            id=subscription, group_id=group, hazards=["*"], min_color="blue", relation="both", created_at=now
        )
    )
    people, endpoints = ids.many(crowd.size, now), ids.many(crowd.size, now)
    village, at = f"{crowd.county}100201", micros(now)
    _fill(
        connection,
        tables.subscribers,
        ("id", "kind", "name", "region", "created_at"),
        [(id_, "post", f"值班岗{n}", village, at) for n, id_ in enumerate(people)],
    )
    _fill(
        connection, tables.memberships, ("subscriber_id", "group_id"), [(person, group) for person in people]
    )
    _fill(
        connection,
        tables.endpoints,
        ("id", "subscriber_id", "channel", "address", "created_at"),
        [
            (endpoint, person, crowd.channel, address, at)
            for endpoint, person, address in zip(endpoints, people, crowd.addresses, strict=True)
        ],
    )


def _fill(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    bulk.Insert(table, columns).run(raw_of(connection), rows)
