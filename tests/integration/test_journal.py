"""The chain of the journal: erasing leaves it whole, tampering shows."""

from __future__ import annotations

import pytest

from tests.integration.store_site import (
    START,
    Site,
    fetch,
)
from warnd.store.journal import Entry, verify


@pytest.fixture
async def journaled(site: Site) -> Site:
    """A store with a few facts in a few links."""
    for commit in range(3):
        await site.store.record(
            lambda _, commit=commit: (
                None,
                [Entry(START, "thing.done", f"{commit}{n}", {"n": n}) for n in range(3)],
            )
        )
    return site


async def test_the_chain_verifies(journaled: Site) -> None:
    """One link a commit, over all its rows."""
    found = await journaled.store.read(verify)
    assert (found.broken, found.rows, found.links) == (None, 9, 3)


async def test_erasing_a_body_leaves_the_chain_whole(journaled: Site) -> None:
    """A person's right: links cover digests, never bodies."""
    await journaled.store.write(fetch, "UPDATE journal SET body = NULL WHERE seq = 5")
    assert (await journaled.store.read(verify)).broken is None


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param("UPDATE journal SET body = '{}' WHERE seq = 5", id="a body changed"),
        pytest.param("UPDATE journal SET at = at + 1 WHERE seq = 5", id="a time changed"),
        pytest.param("UPDATE journal SET subject = 'x' WHERE seq = 5", id="a subject changed"),
        pytest.param("UPDATE journal SET actor = 'x' WHERE seq = 5", id="an actor changed"),
        pytest.param("DELETE FROM journal WHERE seq = 5", id="a row dropped"),
        pytest.param("DELETE FROM journal WHERE seq = 9", id="the last row dropped"),
        pytest.param("INSERT INTO journal (seq, at, kind, subject, actor, body, salt, digest) "
                     "SELECT 10, at, kind, subject, actor, body, salt, digest FROM journal WHERE seq = 9",
                     id="a row put in"),
        pytest.param("DELETE FROM journal_links WHERE first_seq = 4", id="a link dropped"),
        pytest.param("UPDATE journal_links SET head = previous WHERE first_seq = 4", id="a link changed"),
    ],
)  # fmt: skip
async def test_tampering_shows(journaled: Site, tampering: str) -> None:
    """A row changed, dropped or put in later does not verify."""
    await journaled.store.write(fetch, tampering)
    assert (await journaled.store.read(verify)).broken is not None
