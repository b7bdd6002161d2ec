"""What has to stand before the first warning: divisions, audience and keys in the store, as an operator would bring them."""

from __future__ import annotations

from sqlalchemy import Connection

from warnd import resources
from warnd.app import App
from warnd.demo import audience
from warnd.demo.ledger import divisions
from warnd.demo.show import Screen
from warnd.store import regions
from warnd.store.journal import Entry
from warnd.store.tables import micros

PREFECTURE = "6212"
_DIVISIONS = ("config", "cn-divisions-2023.csv.xz")


async def fill(app: App, screen: Screen) -> audience.Audience:
    """Put divisions and audience into the store of an open app."""
    at = micros(app.now())

    def imported(connection: Connection) -> tuple[int, list[Entry]]:
        done = regions.import_regions(connection, resources.path(*_DIVISIONS), under=PREFECTURE)
        return done.offered, [Entry(at, "regions.imported", PREFECTURE, {"offered": done.offered}, "demo")]

    screen.say(screen.words.regions, divisions=await app.store.record(imported))
    people = audience.build(await app.store.read(divisions, PREFECTURE))
    written = await app.store.record(audience.write, people, ids=app.ids, now=app.now())
    screen.say(
        screen.words.audience,
        groups=written["groups_added"],
        subscribers=written["subscribers_added"],
        endpoints=written["endpoints_added"],
    )
    return people
