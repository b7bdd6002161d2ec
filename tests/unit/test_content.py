"""The id of a text, by which two processes that render it at once mean one row."""

from __future__ import annotations

from datetime import UTC, datetime

from warnd.model.content import content_id
from warnd.model.ulid import UlidMaker, made_at

AT = datetime(2026, 7, 14, 0, 10, tzinfo=UTC)
ALERT, OTHER = UlidMaker().many(2, AT)


def test_a_text_has_one_id_whoever_renders_it() -> None:
    """And every other alert, channel or language another; none reads like one of another by where its words end."""
    texts = [
        (ALERT, "sms", "zh"), (OTHER, "sms", "zh"), (ALERT, "sms", "ug"), (ALERT, "sms2", "zh"), (ALERT, "sms 2", "zh"),
    ]  # fmt: skip
    assert len({content_id(*text) for text in texts}) == len(texts)
    assert content_id(*texts[0]) == content_id(*texts[0])


def test_the_id_of_a_text_is_an_id_like_any_other() -> None:
    """As long, and made when its alert was."""
    made = content_id(ALERT, "sms", "zh")
    assert (len(made), made_at(made)) == (len(ALERT), made_at(ALERT))
