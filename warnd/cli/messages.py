"""``warnd messages``: what the sources sent, whatever came of it, and the bytes themselves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from warnd.api.views import message_view
from warnd.app.phrases import Phrases, phrases
from warnd.cli.common import listed, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AlertId, AsJson, Language, Limit, Since, Until, language
from warnd.cli.terminal import clock, print_json, print_plain, print_table
from warnd.errors import WarndError
from warnd.model.alert import Verdict
from warnd.store import messages
from warnd.store.messages import MessageFilter, MessageRow

messages_app = typer.Typer(help="What the sources sent, whatever came of it.", no_args_is_help=True)

MessageId = Annotated[str, typer.Argument(help="As `warnd messages list` shows it.")]


@messages_app.command("list")
def list_(
    verdict: Annotated[Verdict | None, typer.Option(help="With this verdict.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Of this source.", show_default=False)] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List messages, the newest first, each with the first thing that was found in it."""
    found, zone = run(_list(config, MessageFilter(verdict, source, since, until), limit))
    if as_json:
        for row in found:
            print_json(message_view(row))
        return
    say = phrases(language(chosen))
    shown = ("received", "source", "verdict", "size", "findings")
    columns = ("id", *(say(f"messages.{column}") for column in shown))
    print_table(columns, [_line(row, say, zone) for row in found])


@messages_app.command()
def show(
    id: MessageId,
    raw: Annotated[bool, typer.Option("--raw", help="Write its bytes as they came.")] = False,
    chosen: Language = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show one message: who sent it and when, what it became, and everything that was found in it."""
    (row, content), zone = run(_show(config, id))
    if raw:
        _write(content)
        return
    if as_json:
        print_json(message_view(row))
        return
    say = phrases(language(chosen))
    print_table(
        ("", ""),
        [
            (say("messages.id"), row.id),
            (say("messages.received"), say.clock(row.received_at, zone, seconds=True)),
            (say("messages.source"), row.source),
            (say("messages.verdict"), say(f"verdicts.{row.verdict.value}")),
            (say("messages.size"), f"{say.number(row.size)} {row.content_type}"),
            (say("messages.alert"), row.alert_id or ""),
            *((one.path, f"{one.message} ({one.code})") for one in row.findings),
        ],
    )


def raw(id: AlertId, config: ConfigFile = None) -> None:
    """Write the message that an alert was read from, as it came."""
    _write(run(_raw(config, id)))


def _write(content: bytes) -> None:
    """
    To a file or a pipe as it is; on a terminal without what would command it, for a stranger wrote it.

    Raises WarndError when there is nothing.
    """
    if not content:
        raise WarndError("it came without a byte, or its bytes are no longer kept")
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(content)
        return
    print_plain(content.decode("utf-8", errors="replace"))


def _line(row: MessageRow, say: Phrases, zone: ZoneInfo) -> tuple[str, ...]:
    first = f"{row.findings[0].path}: {row.findings[0].message}".removeprefix(": ") if row.findings else ""
    more = f"(+{len(row.findings) - 1})" if len(row.findings) > 1 else ""
    verdict = say(f"verdicts.{row.verdict.value}")
    received = clock(row.received_at, zone)
    return (row.id, received, row.source, verdict, say.number(row.size), f"{first} {more}".strip())


async def _list(config: Path | None, filters: MessageFilter, limit: int) -> tuple[list[MessageRow], ZoneInfo]:
    async with open_store(config) as app:
        await app.store.read(messages.checked, filters, sources=app.settings.sources)
        return await listed(app, messages.list_messages, filters, limit), app.settings.time_zone


async def _show(config: Path | None, id: str) -> tuple[tuple[MessageRow, bytes], ZoneInfo]:
    async with open_store(config) as app:
        return await app.store.read(messages.get_message, id), app.settings.time_zone


async def _raw(config: Path | None, alert_id: str) -> bytes:
    async with open_store(config) as app:
        _, content = await app.store.read(messages.message_of, alert_id)
        return content
