"""Speaking to a running daemon: the options that say which, and a request tried again while nobody answers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NoReturn
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
import tenacity
import typer

from warnd.errors import ConfigError, WarndError

ATTEMPTS = 6
"""With the waits between them some seconds: about as long as the daemon takes to restart."""

_WAIT = tenacity.wait_random_exponential(multiplier=0.5, max=5)
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError("WARND_URL", f"{url!r} is no address such as {HERE}")
    return url.rstrip("/")


Url = Annotated[str, typer.Option("--url", envvar="WARND_URL", help="The daemon.", callback=_address)]
HERE = "http://127.0.0.1:8080"

Key = Annotated[
    str, typer.Option("--key", envvar="WARND_KEY", help="A key of role operator.", show_default=False)
]


def bearer(key: str) -> Callable[[], Mapping[str, str]]:
    """The headers of a request with a key."""
    return lambda: {"Authorization": f"Bearer {key}"}


def ask(
    url: str,
    key: str,
    method: str,
    path: str,
    *,
    content: Any = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """
    The JSON answer to a JSON request below ``/api/v1/``. Leaves with 1 when it is refused, saying why.

    It may be sent twice where a connection breaks: only ask what a repeat does not do twice.
    """
    body = b"" if content is None else orjson.dumps(content)
    status, text = call(url, method, path, body, headers=bearer(key), media="application/json", query=query)
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        answer = None
    if not 200 <= status < 300 or not isinstance(answer, dict):
        _refused(status, answer if isinstance(answer, dict) else {})
    return answer


def call(
    url: str,
    method: str,
    path: str,
    body: bytes,
    *,
    headers: Callable[[], Mapping[str, str]],
    media: str,
    query: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """
    The answer's status and body. ``headers`` are made anew for every try. Raises WarndError when nobody answers.
    """
    target = f"{url}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
    return asyncio.run(_called(url, method, target, body, headers=headers, media=media))


async def _called(
    url: str, method: str, target: str, body: bytes, *, headers: Callable[[], Mapping[str, str]], media: str
) -> tuple[int, str]:
    async def once() -> tuple[int, str]:
        given = {**headers(), "Content-Type": media}
        async with http.request(method, target, data=body, headers=given) as reply:
            return reply.status, (await reply.read()).decode(errors="replace")

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


def _refused(status: int, problem: Mapping[str, Any]) -> NoReturn:
    print(f"warnd: refused with HTTP {status}: {problem.get('detail', 'no reason given')}", file=sys.stderr)
    for fault in problem.get("errors", ()):
        print(f"  {fault['path']}: {fault['message']}", file=sys.stderr)
    raise typer.Exit(1)


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
