"""``sms.http``: posts one request for up to ``max_batch`` numbers and reads an answer per number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from pydantic import AfterValidator, Field
from yarl import URL

from channels.http_client import HttpClient, Unanswered
from channels.options import BearerToken, Duration
from channels.sms.classify import UNREADABLE, classify
from channels.sms.dialect import Dialect
from channels.sms.receipts import parse
from warnd.contract.channel import BatchView, CallbackRequest, Capabilities, Sink
from warnd.contract.http import refusal
from warnd.contract.outcome import Outcome, Receipt

MAX_BUNDLE = 5
"""Messages that one text may carry; ``max_units`` mostly ends it before."""

FORMATS = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


def _address(value: str) -> str:
    try:
        url = URL(value)
    except ValueError:  # a port beyond 65535, a bracket that does not close
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host or not url.port:
        raise ValueError("should be an http or https address")
    if url.user is not None:
        raise ValueError("should hold no credential: that is the token")
    return value


class SmsOptions(Dialect):
    """
    ``[channels.NAME]`` with ``adapter = "sms.http"``.

    ``connect_timeout`` ends connecting, ``timeout`` the wait for an answer once connected. ``idempotent``: the
    gateway answers a repeated ref without sending again, as the protocol asks it to. ``max_units`` is the longest
    text it takes, in UTF-16 units (500 at the large providers). ``slots`` is what the
    core takes when its own setting is silent.
    """

    url: Annotated[str, AfterValidator(_address)]
    token: BearerToken
    format: Literal["json", "form"] = "json"
    timeout: Duration = timedelta(seconds=10)
    connect_timeout: Duration = timedelta(seconds=3)
    max_batch: Annotated[int, Field(ge=1, le=1000)] = 100
    max_units: Annotated[int, Field(ge=70, le=2000)] = 500
    slots: Annotated[int, Field(ge=1, le=1024)] = 8
    receipts: bool = True
    idempotent: bool = True


class HttpSms:
    """The generic gateway of the interface's section 5, and the many that differ from it in names only."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.name = name
        self._options = chosen = SmsOptions.read(options)
        self.capabilities = Capabilities(
            kind="sms",
            max_batch=chosen.max_batch,
            max_units=chosen.max_units,
            timeout=chosen.connect_timeout + chosen.timeout,
            receipts=chosen.receipts,
            idempotent=chosen.idempotent,
            slots=chosen.slots,
            max_bundle=MAX_BUNDLE,
        )
        self._target = URL(chosen.url).raw_path_qs
        self._client: HttpClient | None = None

    async def open(self, sink: Sink) -> None:
        """Receipts come by callback: the sink stays unused."""
        chosen = self._options
        self._client = HttpClient(
            URL(chosen.url),
            headers={
                "Authorization": f"Bearer {chosen.token.reveal()}",
                "Content-Type": FORMATS[chosen.format],
            },
            connect_timeout=chosen.connect_timeout,
            timeout=chosen.timeout,
        )

    async def send(self, batch: BatchView) -> Sequence[Outcome]:
        """One POST for the whole batch. Whatever fails once connected may have been sent."""
        if self._client is None:
            raise RuntimeError("the channel is not open")
        addresses = batch.addresses
        try:
            answer = await self._client.post(self._target, self._body(batch))
        except Unanswered as failure:
            return [failure.outcome] * len(addresses)
        if (refused := refusal(answer.status, answer.retry_after)) is not None:
            return [refused] * len(addresses)
        try:
            said = orjson.loads(answer.body)
        except ValueError:
            return [UNREADABLE] * len(addresses)
        return classify(said, addresses, self._options)

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def parse(self, request: CallbackRequest) -> Sequence[Receipt]:
        return parse(request, self._options.receipt)

    def _body(self, batch: BatchView) -> bytes:
        """The same bytes for every try of a batch."""
        names = self._options.fields
        if self._options.format == "json":
            return orjson.dumps(
                {names.to: batch.addresses, names.text: batch.content.body, names.ref: batch.key}
            )
        form = {names.to: ",".join(batch.addresses), names.text: batch.content.body, names.ref: batch.key}
        return urlencode(form).encode("ascii")
