"""The bare aiosmtplib loop: the same letters to the same relay over connections that stay open, nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

from aiosmtplib import SMTP

from bench.gateway import Gateway
from channels.email.letter import Sender, own_part, shared_part
from warnd.model.ulid import UlidMaker
from warnd.store.tables import instant

_Letter = tuple[str, bytes]


def letters(gateway: Gateway, addresses: Sequence[str], subject: str, body: str) -> list[_Letter]:
    """(recipient, bytes) as warnd would send them."""
    sender = Sender.parse(str(gateway.options["sender"]))
    shared = shared_part(sender, None, subject, body)
    now = time.time_ns() // 1000
    keys = UlidMaker().many(len(addresses), instant(now))
    return [
        (to, own_part(to, key=key, created=now, domain=sender.domain) + shared)
        for to, key in zip(addresses, keys, strict=True)
    ]


async def mail_all(gateway: Gateway, mail: Sequence[_Letter], *, connections: int) -> float:
    """Seconds from the first connection to the last letter taken."""
    sender = Sender.parse(str(gateway.options["sender"])).address
    began = time.perf_counter()
    rest = iter(mail)
    await asyncio.gather(*(_mail(gateway, sender, rest) for _ in range(connections)))
    return time.perf_counter() - began


async def _mail(gateway: Gateway, sender: str, rest: Iterator[_Letter]) -> None:
    host, port = str(gateway.options["host"]), int(gateway.options["port"])
    async with SMTP(hostname=host, port=port, use_tls=False, start_tls=False) as smtp:
        for to, message in rest:
            await smtp.sendmail(sender, [to], message)
