"""``warnd push``: one warning to a running daemon, tried again while nobody answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
import typer

from warnd.cli.calling import HERE, Url, bearer, call
from warnd.cli.terminal import print_plain
from warnd.errors import WarndError
from warnd.intake.proof import signed_headers

_HINTS = {
    "expired": "its time is over: nobody is told",
    "quarantined": "nobody is told before a person has looked at it; `warnings` above says why",
    "held": "nobody is told before an operator approves it, or its hold is over; `warnd alerts show` says when",
}
"""What whoever pushed should know of a warning that was taken in and tells nobody yet, by its state."""


def push(
    file: Annotated[
        Path, typer.Argument(help="CAP or national XML, or JSON; - reads standard input.", allow_dash=True)
    ],
    key: Annotated[
        str | None, typer.Option(envvar="WARND_KEY", help="A key of role feed.", show_default=False)
    ] = None,
    url: Url = HERE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count who would be told; keep nothing.")
    ] = False,
    hmac_secret_file: Annotated[
        Path | None,
        typer.Option(help="Sign with the secret in this file, instead of a key.", show_default=False),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The source whose secret that is.", show_default=False)
    ] = None,
) -> None:
    """
    Send one warning to a running daemon and print its answer.

    A connection that fails is tried again: the daemon knows a warning it already has, so none goes out twice.
    A file may hold several (EDXL-DE, a feed); each is answered. Leaves with 1 when the daemon refuses a warning or
    nobody answers.
    """
    query = {"dry_run": "true"} if dry_run else {}
    secret = _secret(hmac_secret_file, source)
    body = sys.stdin.buffer.read() if str(file) == "-" else _read(file)
    headers = _headers(key, secret, source, body, query)
    status, text = call(url, "POST", "alerts", body, headers=headers, media=_content_type(body), query=query)
    answer = _parsed(text)
    print_plain(
        text.rstrip() if answer is None else orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()
    )
    said = answer if isinstance(answer, dict) else {}
    if hint := _HINTS.get(str(said.get("state"))):
        print(f"warnd: {hint}", file=sys.stderr)
    if not 200 <= status < 300:
        print(f"warnd: refused with HTTP {status}", file=sys.stderr)
        raise typer.Exit(1)
    if refused := sum(item["status"] >= 400 for item in said.get("items", ())):
        print(f"warnd: {refused} of the messages were refused; `errors` above says why", file=sys.stderr)
        raise typer.Exit(1)


def _headers(
    key: str | None, secret: str | None, source: str | None, body: bytes, query: Mapping[str, str]
) -> Callable[[], Mapping[str, str]]:
    """What says whose warning it is, made anew for every try."""
    if secret is not None and source is not None:
        asked = urlencode(query)
        return lambda: signed_headers(secret, source, body, query=asked, now=datetime.now(UTC))
    if key is None:
        raise typer.BadParameter("give a key, or the secret's file and the source", param_hint="--key")
    return bearer(key)


def _secret(file: Path | None, source: str | None) -> str | None:
    if (file is None) != (source is None):
        raise typer.BadParameter("--hmac-secret-file and --source go together")
    return None if file is None else _read(file).decode(errors="replace").rstrip("\r\n")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WarndError(f"{file} cannot be read: {error.strerror}") from error


def _content_type(body: bytes) -> str:
    """By the first sign after a byte order mark and blanks: what begins with ``<`` is XML."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "application/cap+xml" if start == b"<" else "application/json"


def _parsed(answer: str) -> Any:
    """None when it is no JSON, as a proxy's page is none."""
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
