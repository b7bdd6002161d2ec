"""Divisions over REST."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from warnd.api.routing import Call, Param, answer, listing
from warnd.api.views import fault_view
from warnd.app.places import asked_for
from warnd.errors import Fault, Invalid
from warnd.intake.geometry import read_circle, read_polygon
from warnd.model.region import Region
from warnd.store import regions


def shape(name: str, reader: Callable[[str], tuple[str, str]], about: str) -> Param:
    """A polygon or a circle in CAP's writing."""
    return Param(name, lambda given: reader(given)[0], {"type": "string"}, about)


SHAPES = (
    shape("polygon", read_polygon, "Corners as lat,lon lat,lon …"),
    shape("circle", read_circle, "A centre and a radius in kilometres, as lat,lon km."),
)


async def list_(call: Call) -> web.StreamResponse:
    """Children of ``parent``, the provinces, or whatever the name or code ``q`` finds."""
    page = await call.app.store.read(
        regions.search, call.query.get("q", ""), **call.given("parent", "level"), **call.page
    )
    return listing(page, _view)


async def resolve(call: Call) -> web.StreamResponse:
    """The divisions that an area of a warning would mean, and why."""
    area = asked_for(call.query.get("name", ""), *(call.given(one.name).values() for one in SHAPES))
    if not (area.name or area.regions or area.polygons or area.circles):
        raise Invalid([Fault("name", "missing", "give a name, a polygon or a circle")])
    found = await call.app.places.resolve(area, **call.given("sender"))
    return answer(
        {
            "regions": [
                {"code": one.code, "full_name": one.name, "level": one.level.name.lower()}
                for one in found.regions
            ],
            "findings": [fault_view(one) for one in found.findings],
        }
    )


def _view(region: Region) -> dict[str, str]:
    return {"code": region.code, "name": region.name, "level": region.level.name.lower()}
