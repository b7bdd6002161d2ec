"""
``cap.http``: posts an alert as CAP 1.2 to another platform, as a feed posts it to us.

An address is the URL at which the platform takes alerts. A channel speaks to one platform, the ``origin`` of its
table, with one credential: an address anywhere else is refused before a byte leaves, so that whoever may edit
addresses can neither send the credential elsewhere nor have warnd knock at doors of its own network. A repeat does no
harm: a platform knows an alert by sender, identifier and time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator
from yarl import URL

from channels.http_client import HttpClient, Unanswered
from channels.options import BearerToken, Duration, Options
from warnd.contract.channel import BatchView, Capabilities, Sink
from warnd.contract.http import refusal
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope

MEDIA = "application/cap+xml"

UNREADABLE = Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)

_CODE = re.compile(r"[a-z_]{1,40}")
_MOST_CODES = 5


def _is_origin(value: str) -> str:
    try:
        url = URL(value)
        good = url.scheme in {"http", "https"} and bool(url.host) and url in (url.origin(), url.origin() / "")
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            "should be https://HOST or https://HOST:PORT; http only where the network is your own"
        )
    return value


class ForwardOptions(Options):
    """
    ``[channels.NAME]`` with ``adapter = "cap.http"``.

    ``connect_timeout`` ends connecting, ``timeout`` the wait for an answer once connected. Without ``token`` no
    credential is sent: for platforms that know us by our network.
    """

    origin: Annotated[str, AfterValidator(_is_origin)]
    token: BearerToken | None = None
    timeout: Duration = timedelta(seconds=15)
    connect_timeout: Duration = timedelta(seconds=5)


class HttpForward:
    """A platform that takes alerts as CAP 1.2 over HTTP."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        chosen = ForwardOptions.read(options)
        self.name = name
        self.capabilities = Capabilities(
            kind="cap", timeout=chosen.connect_timeout + chosen.timeout, idempotent=True, quiet=True, slots=4
        )
        self._options = chosen
        self._origin = URL(chosen.origin).origin()
        self._client: HttpClient | None = None

    async def open(self, sink: Sink) -> None:
        """A platform sends no receipts: the sink stays unused."""
        headers = {"Content-Type": MEDIA}
        if (token := self._options.token) is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        self._client = HttpClient(
            self._origin,
            headers=headers,
            connect_timeout=self._options.connect_timeout,
            timeout=self._options.timeout,
        )

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        """Post one alert to one platform."""
        (address,) = batch.addresses
        if (url := self._own(address)) is None:
            return [Rejected(Reason.BAD_ADDRESS, detail="not at this channel's origin")]
        return [await self._post(url, batch.content.body.encode("utf-8"))]

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _own(self, address: str) -> URL | None:
        """The address, if it lies at this channel's origin and nowhere else."""
        try:
            url = URL(address)
            return url if url.origin() == self._origin and url.user is None else None
        except ValueError:
            return None

    async def _post(self, url: URL, body: bytes) -> Outcome:
        if self._client is None:
            raise RuntimeError("open() comes before send()")
        try:
            answer = await self._client.post(url.raw_path_qs, body)
        except Unanswered as failure:
            return failure.outcome
        return classify(answer.status, answer.retry_after, answer.body)


def classify(status: int, retry_after: str | None, body: bytes) -> Outcome:
    """
    What a platform's answer means. A repeat (200) is as good as a first (202); a page in their place is neither.

    400, 409 and 422 refuse this alert, for good; 404, 405 and 410 say that alerts are taken somewhere else.
    """
    match status:
        case 200 | 201 | 202 | 204:
            return Accepted() if _answers(status, body) else UNREADABLE
        case 400 | 409 | 422:
            return Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, _detail(status, body))
        case 404 | 405:
            return Rejected(Reason.BAD_ADDRESS, detail=f"HTTP {status}")
        case 410:
            return Rejected(Reason.ADDRESS_GONE, detail=f"HTTP {status}")
        case _:
            return refusal(status, retry_after) or UNREADABLE


def _answers(status: int, body: bytes) -> bool:
    """A JSON object, whatever stands in it; or nothing at all, where the status says that nothing follows."""
    return isinstance(_parsed(body), dict) or (not body.strip() and status in {202, 204})


def _detail(status: int, body: bytes) -> str:
    """The codes of the faults, where the platform names any as a warnd does; never its words."""
    answer = _parsed(body)
    faults = answer.get("errors") if isinstance(answer, dict) else None
    codes = (
        [str(one.get("code")) for one in faults if isinstance(one, dict)] if isinstance(faults, list) else []
    )
    known = list(dict.fromkeys(code for code in codes if _CODE.fullmatch(code)))[:_MOST_CODES]
    return f"HTTP {status}: {', '.join(known)}" if known else f"HTTP {status}"


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except ValueError:
        return None
