"""What the alarms about a channel say: enough to know where to begin."""

from __future__ import annotations

import pytest

from warnd.app import alarm_words
from warnd.contract.outcome import Deferred, Reason, Rejected, Scope
from warnd.queue.breaker import looks_dead


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        pytest.param(
            Reason.UNREACHABLE,
            "certificate: self-signed certificate",
            "sms: the provider cannot be reached (certificate: self-signed certificate)",
            id="a certificate nobody trusts",
        ),
        pytest.param(
            Reason.UNREACHABLE,
            "its name is not known",
            "sms: the provider cannot be reached (its name is not known)",
            id="an unknown name",
        ),
        pytest.param(
            Reason.TEMPORARY_FAILURE,
            "HTTP 503",
            "sms: the provider answers that it cannot work now (HTTP 503)",
            id="an answer",
        ),
        pytest.param(
            Reason.NO_REPLY,
            "",
            "sms: the provider takes requests and does not answer in time",
            id="nothing to add",
        ),
    ],
)
def test_a_channel_that_is_down_says_why(reason: Reason, detail: str, words: str) -> None:
    """A certificate is mended here, a refused connection there; a 503 is an answer."""
    assert alarm_words.down("sms", Deferred(reason, detail=detail)) == words


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        (Reason.ACCOUNT_REFUSED, "HTTP 401", "sms: the provider refuses our account (HTTP 401)"),
        (Reason.ACCOUNT_REFUSED, "", "sms: the provider refuses our account"),
        (Reason.OUT_OF_CREDIT, "HTTP 402", "sms: the provider says that our account has no credit left (HTTP 402)"),
    ],
)  # fmt: skip
def test_a_paused_channel_gives_the_providers_word(reason: Reason, detail: str, words: str) -> None:
    """Empty credit is paid, a refused password is changed."""
    assert alarm_words.paused("sms", Rejected(reason, Scope.ACCOUNT, detail)) == words


@pytest.mark.parametrize("reason", Reason)
def test_whatever_looks_dead_has_words(reason: Reason) -> None:
    """A reason without would cost the alarm."""
    outcome = Deferred(reason)
    if looks_dead(outcome):
        assert alarm_words.down("sms", outcome).startswith("sms: the provider")
