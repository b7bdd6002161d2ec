"""Mending a quarantined alert over REST: the fields that may be set right, and no others."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, AwareDatetime, Field

from warnd.api.bodies import Body
from warnd.api.routing import Call, answer
from warnd.api.views import forecast_view, whole_alert_view
from warnd.app import mending
from warnd.model.alert import Reference
from warnd.model.color import Color
from warnd.model.mend import Mend
from warnd.model.region import level_of
from warnd.store.alert_views import get_alert, progress


def _division(code: str) -> str:
    level_of(code)
    return code


_Key = Annotated[str, Field(min_length=1, max_length=256)]
_Division = Annotated[str, AfterValidator(_division)]


class ReferenceBody(Body):
    """An earlier message; without a sender, whoever sent it."""

    identifier: _Key
    sender: Annotated[str, Field(max_length=256)] = ""


class MendBody(Body):
    """What is set right, and why; what is left out stays as it came."""

    color: Color | None = None
    hazard: _Key | None = None
    regions: Annotated[list[_Division], Field(min_length=1, max_length=5000)] | None = None
    references: Annotated[list[ReferenceBody], Field(min_length=1, max_length=50)] | None = None
    effective: AwareDatetime | None = None
    expires: AwareDatetime | None = None
    override: Annotated[tuple[_Key, ...], Field(max_length=100)] = ()
    reason: Annotated[str, Field(max_length=1000)] = ""

    def mend(self) -> Mend:
        references = self.references and tuple(
            Reference(one.sender, one.identifier) for one in self.references
        )
        return Mend(
            self.color,
            self.hazard,
            tuple(self.regions) if self.regions else None,
            references or None,
            self.effective,
            self.expires,
            tuple(dict.fromkeys(self.override)),
            self.reason,
        )


async def mend(call: Call) -> web.StreamResponse:
    """Mend an alert; with ``dry_run`` say what would become of it, and keep nothing."""
    given = (await call.body(MendBody)).mend()
    if call.query.get("dry_run"):
        return answer(forecast_view(*await mending.try_mending(call.app, call.id, given)))
    await mending.mend(call.app, call.id, given, by=call.actor)
    view = await call.app.store.read(get_alert, call.id)
    return answer(whole_alert_view(view, await call.app.store.read(progress, call.id)))
