"""What is shown of an address, and of what an alert is and where it stands."""

from __future__ import annotations

import pytest

from warnd.app.phrases import phrases
from warnd.app.showing import shown_address, shown_kind, shown_state
from warnd.model.alert import AlertState, AlertType, Change, Status


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("+8615400000001", "+8615400000001", id="a number is shown"),
        pytest.param("duty@example.org", "duty@example.org", id="a mailbox is shown"),
        pytest.param("00000c10-0000-4000-8000-000000000c10", "…0c10", id="of a robot's key only the end"),
        pytest.param(
            "https://duty:made-up@cap.example.org:8443/alerts?key=made-up",
            "cap.example.org",
            id="of a platform its host",
        ),
        pytest.param("https://[::1/alerts", "…erts", id="of what is no URL after all only the end"),
        pytest.param("board-7", "board-7", id="a short name is no credential"),
    ],
)
def test_an_address_that_is_a_credential_is_not_shown(address: str, shown: str) -> None:
    """Whoever can read a robot's key can post as us."""
    assert shown_address(address) == shown


@pytest.mark.parametrize(
    ("status", "type", "change", "kind"),
    [
        pytest.param(Status.ACTUAL, AlertType.UPDATE, Change.RAISED, "raised", id="an actual warning"),
        pytest.param(
            Status.EXERCISE, AlertType.ALERT, Change.ISSUED, "Exercise · first issue", id="an exercise"
        ),
        pytest.param(Status.TEST, AlertType.CANCEL, Change.LIFTED, "Test · lifted", id="the end of a test"),
    ],
)
def test_what_is_not_actual_is_told_apart(status: Status, type: AlertType, change: Change, kind: str) -> None:
    """An exercise in a list must not pass for a danger."""
    assert shown_kind(phrases("en"), status, type, change) == kind


@pytest.mark.parametrize("type", [AlertType.ACK, AlertType.ERROR])
@pytest.mark.parametrize("change", Change)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_answer_to_a_message_is_no_change(language: str, type: AlertType, change: Change) -> None:
    """CAP's Ack and Error reach nobody; in a list they must not read as the lowering or the end of a warning."""
    say = phrases(language)
    assert shown_kind(say, Status.ACTUAL, type, change) == say(f"types.{type.value}")


def test_an_end_is_not_shown_as_in_force() -> None:
    """Its message is; the warning is over, and that is what people read in a list."""
    zh = phrases("zh")
    assert shown_state(zh, AlertState.RELEASED, Change.LIFTED) == "解除通知"
    assert shown_state(zh, AlertState.RELEASED, Change.RAISED) == "生效中"
    assert shown_state(zh, AlertState.QUARANTINED, Change.LIFTED) == "待核查"
