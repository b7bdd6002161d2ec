"""A gateway's answer, read whole and never more of it than any answer has."""

from __future__ import annotations

import aiohttp

LARGEST = 1 << 20
"""Bytes of an answer that are read; a thousand rows of an SMS gateway take a tenth of it."""


async def read_whole(content: aiohttp.StreamReader) -> bytes:
    """The whole body. Raises ValueError when it is larger than any answer can be."""
    body = await content.readany()
    while len(body) <= LARGEST and not content.at_eof():
        body += await content.readany()
    if len(body) > LARGEST:
        raise ValueError("the answer is too large")
    return body
