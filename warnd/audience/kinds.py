"""Which kinds of channel there are: those that reach somebody today, and those that could."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from warnd.contract.registry import channel_factories

ALWAYS = frozenset({"sms", "wechat", "email", "voice", "console"})
"""Kinds that endpoints may have whatever is installed: numbers are often known before there is a channel."""


@dataclass(frozen=True, slots=True)
class ChannelKinds:
    """
    ``served``: the kinds of all configured channels. ``known``: those, ``ALWAYS``, and what the installed
    adapters are named after (``sms.http`` announces ``sms``), so that a misspelt kind is told from a new one.
    """

    served: frozenset[str]
    known: frozenset[str]

    @classmethod
    def beside(cls, served: Iterable[str]) -> ChannelKinds:
        """The kinds there are where channels of these are configured."""
        configured = frozenset(served)
        return cls(configured, configured | ALWAYS | _announced())

    def unknown(self, kind: str) -> str:
        """What to say of a kind that is not among the known."""
        return f"there is no kind of channel {kind!r}; known are {', '.join(sorted(self.known))}"


@cache
def _announced() -> frozenset[str]:
    """Packages do not come or go while the process runs."""
    return frozenset(adapter.partition(".")[0] for adapter in channel_factories())
