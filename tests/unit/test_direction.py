"""Words of both directions stand side by side without reordering each other."""

from __future__ import annotations

import pytest

from warnd.pipeline.direction import FSI, PDI, RLM, balanced, directed, isolated


@pytest.mark.parametrize(
    ("text", "rtl", "expected"),
    [
        pytest.param("武都区", True, f"{FSI}武都区{PDI}", id="Chinese in Uyghur is isolated"),
        pytest.param(
            "2026-7", True, f"{FSI}2026-7{PDI}", id="so are numbers, whose parts would change places"
        ),
        pytest.param("ئۈرۈمچى", True, "ئۈرۈمچى", id="Uyghur in Uyghur is not"),
        pytest.param("ئۈرۈمچى", False, f"{FSI}ئۈرۈمچى{PDI}", id="Uyghur in Chinese is isolated"),
        pytest.param("武都区 2026", False, "武都区 2026", id="Chinese in Chinese is not"),
        pytest.param(
            "武都\nA",
            True,
            f"{FSI}武都{PDI}\n{FSI}A{PDI}",
            id="each line on its own: a break ends an isolate",
        ),
        pytest.param("", True, "", id="nothing stays nothing"),
    ],
)
def test_only_foreign_direction_is_isolated(text: str, rtl: bool, expected: str) -> None:
    """An isolate costs two units of an SMS; it stands where order would suffer without it."""
    assert isolated(text, rtl=rtl) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("قىزىل", "قىزىل", id="a line that starts from the right needs no mark"),
        pytest.param(f"{FSI}武都{PDI} قىزىل", f"{FSI}武都{PDI} قىزىل", id="isolates do not count"),
        pytest.param(f"{FSI}武都{PDI}", f"{RLM}{FSI}武都{PDI}", id="a line of nothing else gets one"),
        pytest.param("SMS قىزىل", f"{RLM}SMS قىزىل", id="a Latin start gets one"),
        pytest.param("قىزىل\n\n2026", f"قىزىل\n\n{RLM}2026", id="empty lines stay empty"),
    ],
)
def test_every_line_of_right_to_left_text_starts_from_the_right(text: str, expected: str) -> None:
    """The first strong letter outside isolates decides a line's direction (UAX #9, P2 and P3)."""
    assert directed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\u202eb", "ab", id="left open"),
        pytest.param("a\u2069b", "ab", id="closes nothing"),
        pytest.param("\u2066a\u202cb\u2069", "ab", id="closed by the wrong one"),
        pytest.param("\u2066a\u2069\n\u202eb", "\u2066a\u2069\nb", id="only the line at fault"),
    ],
)
def test_stray_direction_controls_are_dropped(text: str, expected: str) -> None:
    """They would turn around what follows, down to the digits of a telephone number."""
    assert balanced(text) == expected
