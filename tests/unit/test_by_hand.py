"""What a person who issues a warning is asked to mend."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from warnd.errors import Fault
from warnd.model.admission import Admission, Identity
from warnd.model.alert import Alert, AlertState, AlertType, Status, Text
from warnd.model.color import Color
from warnd.pipeline.by_hand import to_be_mended


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
