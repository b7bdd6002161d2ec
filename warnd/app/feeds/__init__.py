"""
Feeds that warnd asks by itself, and those that call it: fetched, read, admitted as if they had been pushed.

``fetch`` is the network with its guard, ``taking`` takes in one entry, ``poller`` brings one feed through a poll and
``hook`` through a call, ``watch`` decides what is wrong with a feed, ``desk`` holds them all. ``reception`` is what they
need of the application.
"""

from warnd.app.feeds.desk import FeedDesk
from warnd.app.feeds.poller import Polled

__all__ = ["FeedDesk", "Polled"]
