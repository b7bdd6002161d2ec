"""What a person who issues a warning is asked to mend."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from warnd.errors import Fault
from warnd.model.admission import Admission, Earlier, Identity
from warnd.model.alert import Alert, AlertState, AlertType, Area, Reference, Status, Text
from warnd.model.color import Color
from warnd.model.meaning import digest_of
from warnd.pipeline.by_hand import issued_again, to_be_mended


def admission(state: AlertState, hazard: str, *codes: str) -> Admission:
    alert = Alert(
        "hand-A", "duty.example", datetime(2026, 7, 20, 8, tzinfo=UTC), Status.ACTUAL, AlertType.ALERT, hazard,
        Color.RED, {"zh": Text("红色预警")},
    )  # fmt: skip
    return Admission(
        Identity.NEW, alert, state=state, findings=tuple(Fault("", code, code) for code in codes)
    )


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        pytest.param(admission(AlertState.HELD, "rainstorm", "color_unusual"), [], id="odd is not wrong"),
        pytest.param(
            admission(AlertState.HELD, "rainstorm", "odd", "unknown_region"), ["unknown_region"],
            id="a division that is not known",
        ),
        pytest.param(
            admission(AlertState.HELD, "other", "hazard_unknown"), ["hazard_unknown"], id="a kind that is not"
        ),
        pytest.param(
            admission(AlertState.HELD, "rainstorm", "hazard_unknown"), [], id="a kind that its episode knows"
        ),
        pytest.param(admission(AlertState.HELD, "other"), [], id="a kind that has no name here, said to be so"),
        pytest.param(
            admission(AlertState.QUARANTINED, "rainstorm", "odd", "source_region"), ["odd", "source_region"],
            id="whatever would be quarantined",
        ),
    ],
)  # fmt: skip
def test_what_is_to_be_mended(found: Admission, codes: list[str]) -> None:
    """A feed cannot be asked; a person can, and must not get round the second one by a quarantine."""
    assert [one.code for one in to_be_mended(found)] == codes


NOW = datetime(2026, 7, 20, 8, tzinfo=UTC)
AGAIN = replace(
    admission(AlertState.HELD, "rainstorm").alert,
    identifier="hand-B",
    sent=NOW,
    areas=(Area("", ("621202",)),),
    expires=NOW + timedelta(hours=6),
)


def issued(minutes: int, state: AlertState = AlertState.HELD, **changes: Any) -> Earlier:
    """What was issued so long before, in the words of ``AGAIN`` but for the changes."""
    alert = replace(AGAIN, **{"identifier": "hand-A", "sent": NOW - timedelta(minutes=minutes), **changes})
    return Earlier(
        "E", "E", alert.sender, alert.identifier, "hand", alert.sent, state, alert.type, alert.hazard, alert.color,
        frozenset({"621202"}), digest_of(alert), expires=alert.expires,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "same"),
    [
        pytest.param(issued(1), True, id="it waits"),
        pytest.param(issued(50), True, id="it waits for long"),
        pytest.param(issued(14, AlertState.RELEASED), True, id="it went out lately"),
        pytest.param(issued(16, AlertState.RELEASED), False, id="it went out long ago"),
        pytest.param(issued(1, AlertState.REJECTED), False, id="it was rejected"),
        pytest.param(issued(1, AlertState.CANCELLED), False, id="it was stopped"),
        pytest.param(
            issued(1, expires=NOW + timedelta(hours=5, minutes=59)), True, id="its end was counted then"
        ),
        pytest.param(issued(1, expires=NOW + timedelta(hours=3)), False, id="it ends at another time"),
        pytest.param(issued(1, expires=None), False, id="it has no end"),
        pytest.param(issued(1, onset=NOW + timedelta(hours=1)), False, id="it begins at another time"),
        pytest.param(issued(1, texts={"zh": Text("暴雨红色预警")}), False, id="other words"),
        pytest.param(issued(1, color=Color.ORANGE), False, id="another color"),
        pytest.param(issued(1, areas=(Area("", ("621221",)),)), False, id="another place"),
        pytest.param(issued(1, status=Status.EXERCISE), False, id="an exercise"),
        pytest.param(
            issued(1, references=(Reference("duty.example", "X"),)), False, id="about another warning"
        ),
    ],
)
def test_what_is_issued_in_the_same_words_is_the_same_warning(one: Earlier, same: bool) -> None:
    """Whatever identifier it brings: a form that was sent twice must not tell people twice."""
    found = issued_again(AGAIN, [one], NOW)
    assert (found is not None) is same
    if found is not None:
        assert (found.same, digest_of(found.alert)) == (one, one.digest)
