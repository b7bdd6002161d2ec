"""Whether ``warnd doctor`` gets through to what channels and feeds speak to; nothing is said there beyond TLS."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohappyeyeballs import start_connection

from warnd.cli.finding import Finding, Health

_CONNECTING = 3.0
_CLOSING = 1.0
_NEXT_ADDRESS_SECONDS = 0.25
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Service:
    """Where something listens; with ``tls`` it has to show a certificate that this machine trusts."""

    host: str
    port: int
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


def service(options: Mapping[str, Any]) -> Service | None:
    """What an adapter's table leads to, where it says so in one of the usual ways."""
    match options:
        case {"url": str(text)} | {"base_url": str(text)}:
            with suppress(ValueError):
                url = urlsplit(text)
                port = url.port or _PORTS.get(url.scheme)
                if url.hostname and port:
                    return Service(url.hostname, port, tls=url.scheme == "https")
            return None
        case {"host": str(host), "port": int(port)}:
            return Service(host, port)
        case _:
            return None


async def connection(name: str, to: Service) -> Finding:
    """Whether it takes a connection, and over TLS proves to be who it should be."""
    check = f"connection {name}"
    try:
        async with asyncio.timeout(_CONNECTING):
            writer = await _reached(to)
    except TimeoutError:
        return Finding(check, Health.FAILED, f"{to} does not answer within {_CONNECTING:g} s")
    except (OSError, UnicodeError) as error:
        return Finding(check, Health.FAILED, _why(to, error))
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Finding(check, Health.GOOD, f"{to} can be reached{', its certificate holds' if to.tls else ''}")


async def _reached(to: Service) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    connected = await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)
    secured: dict[str, Any] = {}
    if to.tls:
        context = ssl.create_default_context()
        secured = {"ssl": context, "server_hostname": to.host, "ssl_shutdown_timeout": _CLOSING}
    _, writer = await asyncio.open_connection(sock=connected, **secured)
    return writer


def _why(to: Service, error: OSError | UnicodeError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"{to} shows a certificate that is not trusted: {error.verify_message.rstrip('.')}"
        case ssl.SSLError():
            return f"{to} does not speak TLS as it should: {error.reason or 'the handshake failed'}"
        case socket.gaierror() | UnicodeError():
            return f"no address is known for the name {to.host}"
        case ConnectionRefusedError() | OSError(errno=errno.ECONNREFUSED):
            return f"{to} refuses the connection: nothing seems to listen there"
        case ConnectionError():
            return f"{to} breaks off the connection"
        case _:
            return f"{to} cannot be reached{f': {os.strerror(error.errno)}' if error.errno else ''}"
