"""``pager.post``: posts the text to the hub, one pager a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp

from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.http import refusal
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope
from warnd.contract.secret import Secret
from warnd.errors import ConfigError

CONNECT_WITHIN = 3.0


def classify(status: int, body: bytes, retry_after: str | None) -> Outcome:
    """What the hub means: 404 no such pager, 422 an unfit text, 200 and ``taken`` a promise to page."""
    if status == 404:
        return Rejected(Reason.ADDRESS_GONE, Scope.ADDRESS, "HTTP 404")
    if status == 422:
        return Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, "HTTP 422")
    if (refused := refusal(status, retry_after)) is not None:
        return refused
    return Accepted() if body == b"taken" else Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)


class PostPager:
    """Needs ``url`` and ``token``; ``timeout`` is how many seconds it waits for an answer."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        for option in options:
            if option not in {"url", "token", "timeout"}:
                raise ConfigError(option, "is not a setting here; there are url, token, timeout")
        url, token, timeout = options.get("url"), options.get("token"), options.get("timeout", 10)
        if not isinstance(url, str):
            raise ConfigError("url", "the hub's address is missing")
        if not isinstance(token, Secret):
            raise ConfigError("token", "the hub's credential is missing")
        if not isinstance(timeout, int | float) or timeout <= 0:
            raise ConfigError("timeout", "should be a number of seconds")
        self.name = name
        self.capabilities = Capabilities(kind="pager", timeout=timedelta(seconds=CONNECT_WITHIN + timeout))
        self._url, self._token = url, token
        self._timeout = aiohttp.ClientTimeout(
            total=CONNECT_WITHIN + timeout, connect=CONNECT_WITHIN, sock_read=timeout
        )
        self._http: aiohttp.ClientSession | None = None

    async def open(self, sink: Sink) -> None:
        """A pager never answers: there are no receipts for the sink."""
        headers = {"X-Token": self._token.reveal(), "Content-Type": "text/plain; charset=utf-8"}
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=self._timeout, headers=headers
        )

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        """One POST to one pager: ``max_batch`` is 1."""
        if self._http is None:
            raise RuntimeError("the channel is not open")
        (pager,) = batch.addresses
        text = batch.content.body.encode()
        try:
            async with self._http.post(f"{self._url}/{pager}", data=text, allow_redirects=False) as reply:
                return [classify(reply.status, await reply.read(), reply.headers.get("Retry-After"))]
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return [Deferred(Reason.UNREACHABLE)]
        except TimeoutError:
            return [Deferred(Reason.NO_REPLY, maybe_sent=True)]
        except aiohttp.ClientError:
            return [Deferred(Reason.CONNECTION_LOST, maybe_sent=True)]

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None
