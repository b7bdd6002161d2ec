"""``warnd push``: one warning to a running daemon, tried again while nobody answers."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import orjson
import tenacity
import typer

from warnd.errors import ConfigError, WarndError

ATTEMPTS = 6
"""With the waits between them some seconds: about as long as the daemon takes to restart."""

_WAIT = tenacity.wait_random_exponential(multiplier=0.5, max=5)
_HINTS = {
    "expired": "its time is over: nobody is told",
    "quarantined": "nobody is told before a person has looked at it; `warnings` above says why",
    "held": "nobody is told before an operator approves it",
}
"""By the state of a warning that was taken in."""

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


def push(
    file: Annotated[
        Path, typer.Argument(help="CAP or national XML, or JSON; - reads standard input.", allow_dash=True)
    ],
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
    _check(url)
    body = sys.stdin.buffer.read() if str(file) == "-" else _read(file)
    status, answer = asyncio.run(_post(url, key, body, dry_run=dry_run))
    print(answer)
    if hint := _hint(answer):
        print(f"warnd: {hint}", file=sys.stderr)
    if not 200 <= status < 300:
        print(f"warnd: refused with HTTP {status}", file=sys.stderr)
        raise typer.Exit(1)


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError("WARND_URL", f"{url!r} is no address such as http://127.0.0.1:8080")


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
        before_sleep=lambda state: _say_once(state, url),
        reraise=True,
    )
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        try:
            return await patiently(once)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WarndError(f"no answer from {url}: {_why(error)}") from error


def _say_once(state: tenacity.RetryCallState, url: str) -> None:
    """To whoever sits and waits, after the first try."""
    if state.attempt_number == 1 and sys.stderr.isatty():
        print(f"warnd: no answer from {url} yet; trying again", file=sys.stderr)


def _why(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))) if number > 0:
            return os.strerror(number)
        case TimeoutError():
            return "it took too long"
        case _:
            return str(error) or type(error).__name__


def _hint(answer: str) -> str:
    """What whoever pushed should know of a warning that was taken in and tells nobody yet."""
    try:
        said = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return ""
    return _HINTS.get(str(said.get("state")), "") if isinstance(said, dict) else ""


def _content_type(body: bytes) -> str:
    """By the first sign after a byte order mark and blanks: what begins with ``<`` is XML."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "application/cap+xml" if start == b"<" else "application/json"


def _readable(answer: bytes) -> str:
    try:
        return orjson.dumps(orjson.loads(answer), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return answer.decode(errors="replace").rstrip()
