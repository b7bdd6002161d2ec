"""
What pulled feeds answer, read: bytes to entries, an entry's bytes to an Alert. Pure.

One module a feed. ``entry`` says what they have in common, ``notice`` puts the items of feeds that are not
CAP into our own format, so that they pass the same door as what is pushed.
"""

from collections.abc import Callable, Mapping

from warnd.intake.feeds.caiyun import CaiyunReader
from warnd.intake.feeds.entry import Entry, Reader
from warnd.intake.feeds.envelope import EnvelopeReader
from warnd.intake.feeds.nmc import NmcReader
from warnd.intake.feeds.qweather import QWeatherReader
from warnd.intake.feeds.weathercn import WeatherCnReader

__all__ = ["CALLING", "READERS", "Entry", "Reader"]

READERS: Mapping[str, Callable[[str, str], Reader]] = {
    "cap.atom": lambda *_: EnvelopeReader(),
    "cap.rss": lambda *_: EnvelopeReader(),
    "weathercn": WeatherCnReader,
    "nmc": lambda feed, _: NmcReader(feed),
    "qweather": lambda feed, _: QWeatherReader(feed),
    "caiyun": lambda feed, _: CaiyunReader(feed),
    "caiyun.webhook": lambda feed, _: CaiyunReader(feed),
}
"""
By kind of feed, what makes its reader of the feed's name, the sender of items that name none, and of
the address (with ``{file}`` in it) of the pages that its rows lead to.
"""

CALLING = frozenset({"caiyun.webhook"})
"""Those that call us and are not asked."""
