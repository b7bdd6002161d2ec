"""An answer is the same however its bytes come, and no bytes do harm."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.http_answer import LARGEST, LONGEST_HEAD, Answer, AnswerReader, BrokenAnswer

SAID = b'{"code": 0}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + SAID
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"cod\r\n6;x=y\r\ne": 0}\r\n0\r\n\r\n'
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
THROTTLED = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nContent-Length: 4\r\n\r\nslow"


def read(*pieces: bytes) -> Answer | None:
    reader, answer = AnswerReader(), None
    for piece in pieces:
        answer = reader.feed(piece)
    return answer


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(whole), *(place % len(whole) for place in places)})
    return [whole[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        pytest.param(PLAIN, Answer(200, None, SAID), id="with its length"),
        pytest.param(CHUNKED, Answer(200, None, SAID), id="in chunks"),
        pytest.param(CONTINUE + EARLY_HINTS + PLAIN, Answer(200, None, SAID), id="after interim ones"),
        pytest.param(THROTTLED, Answer(429, "7", b"slow"), id="a refusal that names a time"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, None, b""), id="without a body"),
    ],
)
@given(places=st.lists(st.integers(min_value=0), max_size=12))
def test_an_answer_is_read_in_whatever_pieces_it_comes(
    whole: bytes, expected: Answer, places: list[int]
) -> None:
    pieces = cut(whole, places)
    assert read(*pieces) == expected
    assert read(*pieces[:-1]) is None, "no sooner than its last byte"


@given(
    st.lists(st.binary(max_size=200), max_size=8),
    st.sampled_from([b"", PLAIN[:20], PLAIN[:-3], CHUNKED[:-5]]),
)
def test_hostile_bytes_are_no_answer_at_worst(pieces: list[bytes], begun: bytes) -> None:
    reader = AnswerReader()
    try:
        for piece in (begun, *pieces):
            found = reader.feed(piece)
            assert found is None or found.status >= 200
    except BrokenAnswer:
        assert not reader.connection_lasts


@pytest.mark.parametrize(
    ("head", "more"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65_536, id="a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65_536, id="a body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 10_000, id="chunks"),
        pytest.param(b"", CONTINUE * 2_000, id="interim answers"),
    ],
)  # fmt: skip
def test_an_answer_without_end_is_given_up(head: bytes, more: bytes) -> None:
    enough = (LARGEST + LONGEST_HEAD) // len(more) + 1
    with pytest.raises(BrokenAnswer):
        read(head, *[more] * enough)


@pytest.mark.parametrize("behind", [PLAIN, b"HTTP/9", b"\0\0"])
def test_what_stands_behind_an_answer_is_nobodys(behind: bytes) -> None:
    reader = AnswerReader()
    assert reader.feed(THROTTLED + behind) == Answer(429, "7", b"slow")
    assert not reader.connection_lasts


def test_a_connection_lasts_unless_its_answer_says_otherwise() -> None:
    for head, lasts in (
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ):
        reader = AnswerReader()
        assert reader.feed(head + b"Content-Length: 0\r\n\r\n") == Answer(200, None, b"")
        assert reader.connection_lasts is lasts


def test_the_end_of_the_connection_ends_only_what_has_no_end_of_its_own() -> None:
    for begun, expected in (
        (b"HTTP/1.0 200 OK\r\n\r\n" + SAID, Answer(200, None, SAID)),
        (PLAIN[:-1], None),
        (CHUNKED[:-1], None),
        (PLAIN[:12], None),
        (CONTINUE, None),
    ):
        reader = AnswerReader()
        assert reader.feed(begun) is None
        assert reader.ended() == expected
        assert reader.refused() is None


def test_a_refusal_stands_where_its_page_breaks_off() -> None:
    reader = AnswerReader()
    assert reader.feed(THROTTLED[:-2]) is None
    assert reader.refused() == reader.ended() == Answer(429, "7", b"sl")


def test_nothing_of_an_answer_is_left_to_the_next() -> None:
    reader = AnswerReader()
    reader.feed(THROTTLED)
    reader.expect()
    assert reader.ended() is None
    assert reader.refused() is None
    assert reader.feed(PLAIN) == Answer(200, None, SAID)
