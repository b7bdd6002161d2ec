"""``warnd push``: one warning to a running daemon, tried again while nobody answers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import aiohttp
import orjson
import tenacity
import typer

from warnd.errors import WarndError

ATTEMPTS = 6
"""With the waits between them some seconds: about as long as the daemon takes to restart."""

_WAIT = tenacity.wait_random_exponential(multiplier=0.5, max=5)
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


def push(
    file: Annotated[Path, typer.Argument(help="CAP XML or JSON; - reads standard input.", allow_dash=True)],
    key: Annotated[str, typer.Option(envvar="WARND_KEY", help="A key of role feed.", show_default=False)],
    url: Annotated[str, typer.Option(envvar="WARND_URL", help="The daemon.")] = "http://127.0.0.1:8080",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count who would be told; keep nothing.")
    ] = False,
) -> None:
    """
    Send one warning to a running daemon and print its answer.

    A connection that fails is tried again: the daemon knows a warning it already has, so none goes out twice.
    Leaves with 1 when the daemon refuses the warning or nobody answers.
    """
    body = sys.stdin.buffer.read() if str(file) == "-" else _read(file)
    status, answer = asyncio.run(_post(url, key, body, dry_run=dry_run))
    print(answer)
    if not 200 <= status < 300:
        print(f"warnd: refused with HTTP {status}", file=sys.stderr)
        raise typer.Exit(1)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WarndError(f"{file} cannot be read: {error.strerror}") from error


async def _post(url: str, key: str, body: bytes, *, dry_run: bool) -> tuple[int, str]:
    """The answer's status and body, JSON indented. Raises WarndError when there is none."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": _content_type(body)}
    query = {"dry_run": "true"} if dry_run else {}

    async def once() -> tuple[int, str]:
        target = f"{url.rstrip('/')}/api/v1/alerts"
        async with http.post(target, params=query, data=body, headers=headers) as reply:
            return reply.status, _readable(await reply.read())

    patiently = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type((aiohttp.ClientConnectionError, TimeoutError)),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=_WAIT,
        reraise=True,
    )
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        try:
            return await patiently(once)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WarndError(f"no answer from {url}: {str(error) or type(error).__name__}") from error


def _content_type(body: bytes) -> str:
    """By the first sign after a byte order mark and blanks: what begins with ``<`` is XML."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "application/cap+xml" if start == b"<" else "application/json"


def _readable(answer: bytes) -> str:
    try:
        return orjson.dumps(orjson.loads(answer), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return answer.decode(errors="replace").rstrip()
