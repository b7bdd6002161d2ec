"""The words of the alarms that sending sounds: which channel, what is wrong with it, and what the provider said."""

from __future__ import annotations

from warnd.contract.outcome import Deferred, Reason, Rejected

NOT_KNOWN = "whether all who were told got it is not known; the alert's figures say of how many, by channel"
"""Of an alert as a whole: its batches come to this one by one, each with a number of its own."""

_DOWN = {
    Reason.UNREACHABLE: "the provider cannot be reached",
    Reason.NO_REPLY: "the provider takes requests and does not answer in time",
    Reason.CONNECTION_LOST: "the provider breaks the connection off before it answers",
    Reason.TEMPORARY_FAILURE: "the provider answers that it cannot work now",
}


def down(channel: str, outcome: Deferred) -> str:
    """Why a channel is down, by an outcome of which ``queue.breaker.looks_dead``."""
    return _with_detail(f"{channel}: {_DOWN[outcome.reason]}", outcome.detail)


def paused(channel: str, outcome: Rejected) -> str:
    """Why a channel is paused, by a refusal that speaks of our account."""
    if outcome.reason is Reason.OUT_OF_CREDIT:
        return _with_detail(
            f"{channel}: the provider says that our account has no credit left", outcome.detail
        )
    return _with_detail(f"{channel}: the provider refuses our account", outcome.detail)


def _with_detail(sentence: str, detail: str) -> str:
    """``detail`` is the provider's or the system's own word, often none."""
    return f"{sentence} ({detail})" if detail else sentence
