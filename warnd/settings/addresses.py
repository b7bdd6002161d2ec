"""How addresses are written in settings: of this daemon, of its store and queue, and of feeds."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql://"
LOCAL = "local"
"""The queue in the process itself."""


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError("write it as https://warnd.example, without a query")
    return text.rstrip("/")


def _store_url(url: str) -> str:
    if url.startswith(POSTGRESQL):
        return _postgresql_url(url)
    if not url.startswith(SQLITE) or url == SQLITE or ":memory:" in url or "?" in url:
        raise ValueError(
            f"write it as {SQLITE}PATH, a file that outlives the process, or as {POSTGRESQL}HOST/DATABASE"
        )
    return url


def _postgresql_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise ValueError("holds a password, which every log and page would show: give store.password_file")
    if len(parts.path) <= 1 or parts.fragment:
        raise ValueError(f"write it as {POSTGRESQL}USER@HOST/DATABASE")
    _ = parts.port  # raises ValueError when it is none
    return _understood(url)


def _understood(url: str) -> str:
    """Raises ValueError for what PostgreSQL's own library does not know, such as ``sslmod``."""
    from psycopg import ProgrammingError, conninfo  # a tenth of a second, for those with a server

    try:
        conninfo.conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ValueError(str(error).strip()) from None
    return url


def _queue_url(url: str) -> str:
    if url == LOCAL:
        return url
    parts = urlsplit(url)
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise ValueError("holds a password, which every log and page would show: give queue.password_file")
    if (
        parts.scheme not in ("redis", "rediss")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or not re.fullmatch(r"(/\d*)?", parts.path)
    ):
        raise ValueError(f'write it as "{LOCAL}" or as redis://HOST:6379/0, for Valkey too')
    _ = parts.port  # raises ValueError when it is none
    return url


def _feed_url(url: str) -> str:
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.fragment
        or parts.username is not None
    ):
        raise ValueError("write it as https://feed.example/alerts.atom, without a login or a #")
    _ = parts.port  # raises ValueError when it is none
    return url


def _detail_url(url: str) -> str:
    if url.count("{file}") != 1:
        raise ValueError("write it with {file} where the name of an entry's page belongs")
    return _feed_url(url)


def _host(host: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", host):
        raise ValueError("write it as host.example or host.example:8443")
    return host.lower()


def _listening(text: str) -> str:
    listening_at(text)
    return text


def listening_at(text: str) -> tuple[str, int]:
    """Host and port of what a process listens on, as ``HOST:PORT`` or ``[IPv6]:PORT``. Raises ValueError."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port is None or parts.netloc != text or parts.username is not None:
        raise ValueError("write it as 127.0.0.1:9464 or [::1]:9464")
    return parts.hostname, parts.port


WebAddress = Annotated[str, AfterValidator(_web_address)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
QueueUrl = Annotated[str, AfterValidator(_queue_url)]
FeedUrl = Annotated[str, AfterValidator(_feed_url)]
DetailUrl = Annotated[str, AfterValidator(_detail_url)]
Listening = Annotated[str, AfterValidator(_listening)]
"""``host:port`` of this machine."""
Host = Annotated[str, AfterValidator(_host)]
"""``host`` or ``host:port``."""
