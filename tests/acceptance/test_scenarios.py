"""Whole episodes, told as tables in ``scenarios/``: a message comes in, who hears what."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.script import NOTHING, Scenario, read
from tests.acceptance.stage import divisions, stage

PAGES = sorted(
    path for path in (Path(__file__).parent / "scenarios").glob("*.md") if path.name != "README.md"
)


@pytest.fixture(scope="session")
def longnan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that every scenario begins with, made once."""
    return divisions(tmp_path_factory.mktemp("longnan"))


def _table(scenario: Scenario, became: list[str], heard: list[dict[str, frozenset[str]]]) -> list[str]:
    return [
        f"{step.happens} | {state} | " + " | ".join(f"{who}: {', '.join(sorted(what))}" for who, what in sorted(told.items()))
        for step, state, told in zip(scenario.steps, became, heard, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_episode_goes_as_its_page_says(page: Path, tmp_path: Path, longnan: Path) -> None:
    """Who is in no column, or in one that is empty, hears nothing."""
    scenario = read(page)
    async with stage(tmp_path, longnan) as played:
        became = await played.play(scenario)
        heard = await played.heard(scenario)
        said = await played.said(scenario)
    expected = [{who: what for who, what in step.heard.items() if what} for step in scenario.steps]
    assert _table(scenario, became, heard) == _table(
        scenario, [step.becomes for step in scenario.steps], expected
    )
    for step, texts in zip(scenario.steps, said, strict=True):
        if step.words not in ("", NOTHING):
            assert [text for text in texts if step.words in text] == texts != []
