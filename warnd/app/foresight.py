"""Who would be told: of a message that may come, and of an alert that waits for release (its blast radius)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from warnd.app.places import Places
from warnd.intake.placing import placed
from warnd.model.admission import Admission
from warnd.model.alert import Alert, AlertState, Change, Parsed
from warnd.model.region import LEVELS
from warnd.pipeline.admit import Speaker, admit
from warnd.pipeline.forecast import Forecast, forecast
from warnd.pipeline.match import AudienceIndex
from warnd.pipeline.surroundings import Surroundings
from warnd.store import releasing, told
from warnd.store.bearing import bearing_on
from warnd.store.plan_source import StoredPlanSource
from warnd.store.threads import ThreadedStore

_NOBODY = Forecast(0, 0, {}, {}, {})


class Foresight:
    """Reads and keeps nothing. ``audience`` gives the index of all live subscriptions."""

    def __init__(
        self,
        store: ThreadedStore,
        surroundings: Surroundings,
        *,
        places: Places,
        audience: Callable[[], Awaitable[AudienceIndex]],
    ) -> None:
        self._store = store
        self._source = StoredPlanSource(store)
        self._surroundings = surroundings
        self._places = places
        self._audience = audience

    async def of_message(self, parsed: Parsed, speaker: Speaker, now: datetime) -> tuple[Admission, Forecast]:
        """What would become of a message that comes for the first time."""
        lookup = await self._places.look_up(parsed.alert)
        known = await self._store.read(bearing_on, parsed.alert, source=speaker.name)
        itself = (parsed.alert.identifier, parsed.alert.sent)
        others = [one for one in known.episode if (one.identifier, one.sent) != itself]
        known = replace(known, same=None, issued=(), episode=others)
        located = placed(parsed, known, lookup, source=speaker.regions)
        admission = admit(*located, speaker=speaker, now=now)
        return admission, await self.of_admission(admission)

    async def of_admission(self, admission: Admission) -> Forecast:
        """Whom it would tell at once, or once it is released; nobody where it goes no further."""
        if admission.state not in (AlertState.RELEASED, AlertState.HELD):
            return _NOBODY
        return await self._of_change(admission.alert, admission.change, admission.regions, admission.tied)

    async def of_held(self, alert_id: str, now: datetime) -> Forecast:
        """Whom a release would tell now: nobody if it can be none. Raises NotFound; Conflict when it is not held."""
        found = await self._store.read(releasing.outlook, alert_id, now=now)
        if found is None:
            return _NOBODY
        return await self._of_change(found.alert, found.change, found.regions, found.earlier)

    async def _of_change(
        self, alert: Alert, change: Change, regions: Sequence[str], earlier: Sequence[str]
    ) -> Forecast:
        """Whom a message would tell that makes this change; ``earlier`` are the other alerts of its episode."""
        before = await self._store.read(told.by_channel_and_level, list(earlier)) if earlier else []
        by_channel: Counter[str] = Counter()
        by_level: Counter[str] = Counter()
        for channel, width, n in before:
            by_channel[channel] += n
            by_level[LEVELS[width].name.lower()] += n
        if change is Change.LIFTED:
            n = by_channel.total()
            return Forecast(n, 0, by_channel, by_level, {}, told_before=n)
        found = await forecast(
            alert,
            change,
            regions,
            index=await self._audience(),
            source=self._source,
            surroundings=self._surroundings,
        )
        return replace(found, told_before=by_channel.total())
