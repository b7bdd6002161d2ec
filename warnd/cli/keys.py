"""``warnd keys``: who may come in, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from warnd.cli.common import ACTOR, by, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AsJson
from warnd.cli.terminal import clock, print_json, print_table
from warnd.errors import Fault, Invalid
from warnd.store import keys
from warnd.store.keys import ApiKey, Role

keys_app = typer.Typer(help="Keys to the API and the page.", no_args_is_help=True)


@keys_app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, as the journal will call them.")],
    role: Annotated[Role, typer.Option(help="What it may do.")],
    source: Annotated[
        str | None, typer.Option(help="Of a feed: the configured source it speaks for.", show_default=False)
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Make a key and print it, and nothing else: it is not to be had again."""
    print(run(_create(config, name, role, source)))


@keys_app.command("list")
def list_(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the keys, revoked ones too; never their text."""
    found, zone = run(_list(config))
    if as_json:
        for key in found:
            print_json(key)
        return
    rows = [
        (
            key.id,
            key.name,
            key.role.value,
            key.source or "",
            clock(key.created_at, zone),
            clock(key.revoked_at, zone),
        )
        for key in found
    ]
    print_table(("id", "name", "role", "source", "created", "revoked"), rows)


@keys_app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="As `warnd keys list` shows it.")], config: ConfigFile = None
) -> None:
    """Let a key, and the pages it has opened, open nothing from now on."""
    key = run(_revoke(config, id))
    print(f"{key.name} ({key.role.value}) is revoked")


async def _create(config: Path | None, name: str, role: Role, source: str | None) -> str:
    async with open_store(config) as app:
        if source is not None and source not in app.settings.sources:
            known = ", ".join(app.settings.sources) or "none"
            fault = Fault("source", "unknown_source", f"{source!r} is not configured; there are: {known}")
            raise Invalid([fault])
        text, _ = await app.store.record(
            by(ACTOR, keys.create_key), name, role, source=source, id=app.new_id(), now=app.now()
        )
        return text


async def _list(config: Path | None) -> tuple[list[ApiKey], ZoneInfo]:
    async with open_store(config) as app:
        return await app.store.read(keys.list_keys), app.settings.time_zone


async def _revoke(config: Path | None, id: str) -> ApiKey:
    async with open_store(config) as app:
        return await app.store.record(by(ACTOR, keys.revoke_key), id, now=app.now())
