"""What the demo shows: a reckoning that hides nothing."""

from __future__ import annotations

import pytest

from warnd.demo.reckoning import Line, Span, reckon
from warnd.demo.show import Screen
from warnd.demo.words import EN
from warnd.model.delivery import State

SMS = frozenset({"sms"})
LINES = [
    Line("sms", "+1", "621202101201", State.DELIVERED, 1),
    Line("email", "a@example.com", "621202101", State.ACCEPTED, 1),
]
TAKEN = {"sms": ["+1"], "email": ["a@example.com"]}


def shown(capsys: pytest.CaptureFixture[str], counted: dict[str, int]) -> str:
    spans = {"sms": Span(1_000_000, 3_500_000), "email": Span(2_000_000, 3_000_000)}
    found = reckon(LINES, TAKEN, receipts=SMS)
    Screen(EN, aside=False).reckoning(found, spans, counted, since=1_500_000, receipts=SMS)
    return capsys.readouterr().out


def test_agreement_is_stated(capsys: pytest.CaptureFixture[str]) -> None:
    """With the seconds to the first request, which may leave before the answer is read, and to the last."""
    out = shown(capsys, {"sms": 1, "email": 1})
    assert "lost 0, repeated 0" in out
    assert "0.00" in out
    assert "2.00" in out


def test_a_gateway_that_counts_otherwise_is_not_hushed_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Even when its list of messages would match ours."""
    assert "do not agree" in shown(capsys, {"sms": 2, "email": 1})


def test_without_receipts_nothing_is_said_of_what_arrived(capsys: pytest.CaptureFixture[str]) -> None:
    """A dash, not a nought: mail was accepted, and that is all that is known."""
    (mail,) = [
        line for line in shown(capsys, {"sms": 1, "email": 1}).splitlines() if "mail     township" in line
    ]
    assert mail.split()[:6] == ["mail", "township", "1", "1", "–", "–"]


def test_beside_json_everything_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output holds the last line alone."""
    Screen(EN, aside=True).say("{n} groups", n=3)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "• 3 groups\n")
