"""What one source may send in a time: above its rate only what is urgent, and a word when its reds are many."""

from __future__ import annotations

from warnd.errors import TooMany
from warnd.model.alert import Alert, AlertType
from warnd.model.color import Color
from warnd.model.episode import ends
from warnd.queue.rates import Window
from warnd.settings import Settings


class Traffic:
    """The windows of the sources that have a rate. A start empties them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._windows = {name: Window(one.rate) for name, one in settings.sources.items() if one.rate}

    def count(self, source: str, alert: Alert | None, now: float) -> bool:
        """
        Count one message of a source, None one that is no alert; whether it keeps to its rate.

        ``now`` is in monotonic seconds. Raises TooMany for one over the rate that can wait.
        """
        window = self._windows.get(source)
        if window is None:
            return True
        if wait := window.wait(now, red=True):
            if alert is None or not urgent(alert):
                raise TooMany(f"source {source} sends more than its rate; send it again later", wait)
            return False
        window.take()
        return True

    def usual_reds(self, source: str) -> int:
        """More reds than these within ``release.unusual_within`` are unusual."""
        own, general = self._settings.sources.get(source), self._settings.release
        return general.unusual_reds if own is None or own.unusual_reds is None else own.unusual_reds


def urgent(alert: Alert) -> bool:
    """
    Whether a message is never refused for being one too many: red and orange, and every end.

    An update that leaves its color out may be as grave as what it updates.
    """
    if ends(alert):
        return True
    if alert.color is None:
        return alert.type is AlertType.UPDATE
    return alert.color >= Color.ORANGE
