"""A released alert as planning sees it: what it says, whom it warns and what it took the place of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warnd.model.alert import Alert, Change
from warnd.model.color import Color, Lane
from warnd.model.region import covers


@dataclass(frozen=True, slots=True)
class Telling:
    """
    A released alert with all that telling people of it needs. ``deliver_until`` is in microseconds.

    ``earlier`` are the other alerts of its episode; ``previous_color`` and ``previous_regions`` those of what it took
    the place of. ``names`` calls regions, now and before, by their names. ``split``: ranges of its plan are still open.
    """

    id: str
    alert: Alert
    change: Change
    lane: Lane
    regions: tuple[str, ...]
    names: Mapping[str, str]
    deliver_until: int
    earlier: tuple[str, ...]
    previous_color: Color | None
    previous_regions: tuple[str, ...]
    cursor: str
    planned: int
    done: bool
    stopped: bool
    split: bool = False

    @property
    def region_names(self) -> tuple[str, ...]:
        return tuple(map(self._name, self.regions))

    @property
    def moved(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the places that this message adds to what it took the place of, and of those it leaves out."""
        if self.change in (Change.ISSUED, Change.LIFTED) or not self.previous_regions:
            return (), ()
        added = self.new_ground
        removed = [
            old
            for old in self.previous_regions
            if not any(covers(old, code) or covers(code, old) for code in self.regions)
        ]
        return tuple(map(self._name, added)), tuple(map(self._name, removed))

    @property
    def new_ground(self) -> list[str]:
        """Codes of the places that what it took the place of did not warn."""
        return [code for code in self.regions if not any(covers(old, code) for old in self.previous_regions)]

    def _name(self, code: str) -> str:
        return self.names.get(code, code)

    @classmethod
    def of(cls, alert: Alert, change: Change, regions: Sequence[str]) -> Telling:
        """Of an alert that is not admitted, for looking ahead."""
        return cls("", alert, change, Lane.BLUE, tuple(regions), {}, 0, (), None, (), "", 0, False, False)
