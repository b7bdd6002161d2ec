"""The gate of a feed's requests: where they may go, and where with its credentials."""

from __future__ import annotations

import pytest

from warnd.app.feeds.fetch import FeedUnreachable, Gate

KEY = {"X-Key": "made-up"}


@pytest.mark.parametrize(
    ("home", "url"),
    [
        pytest.param("https://feed.example/a", "http://feed.example:443/a", id="https to http, same port"),
        pytest.param(
            "https://feed.example:8443/a", "http://feed.example:8443/a", id="the same on a port of its own"
        ),
        pytest.param("https://feed.example/a", "http://feed.example/a", id="https to http"),
        pytest.param("http://feed.example:8080/a", "https://feed.example:8080/a", id="another scheme"),
        pytest.param("http://feed.example/a", "http://feed.example:443/a", id="http on the port of https"),
    ],
)
def test_another_scheme_is_another_origin(home: str, url: str) -> None:
    """A redirect to clear text is not followed; where the operator names the host, it goes without credentials."""
    gate = Gate(home, headers=KEY)
    assert gate.headers_for(url) == {}
    with pytest.raises(FeedUnreachable, match="neither its own host"):
        gate.check(url)
    named = Gate(home, hosts=(url.split("/")[2],), headers=KEY)
    named.check(url)
    assert named.headers_for(url) == {}


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        pytest.param("http://feed.example/b", KEY, id="its own origin"),
        pytest.param("http://FEED.example:80/b", KEY, id="the same, written otherwise"),
        pytest.param("https://feed.example/b", {}, id="its better self"),
    ],
)
def test_where_a_feed_in_clear_text_may_go(url: str, credentials: dict[str, str]) -> None:
    """To https on the usual port too, as sites lead there; its credentials stay at home."""
    gate = Gate("http://feed.example/a", headers=KEY)
    gate.check(url)
    assert gate.headers_for(url) == credentials
