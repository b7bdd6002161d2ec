"""
Feeds that warnd asks by itself: fetched, read, admitted as if they had been pushed.

``fetch`` is the network with its guard, ``watch`` decides what is wrong with a feed, ``poller`` brings one feed
through a poll, ``desk`` holds them all.
"""

from warnd.app.feeds.desk import FeedDesk
from warnd.app.feeds.poller import Polled

__all__ = ["FeedDesk", "Polled"]
