"""``warnd audit``: whether the journal is whole, and the journal itself."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from warnd.cli.common import open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.files import written
from warnd.cli.options import AsJson, Since, Until
from warnd.cli.terminal import print_json
from warnd.store.journal import Verification
from warnd.store.journal import verify as verify_chain
from warnd.store.journal_export import export_page

audit_app = typer.Typer(help="The journal of every fact.", no_args_is_help=True)

_PAGE = 1000


@audit_app.command()
def verify(
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Recompute the journal's chains; exits 1 and says where one breaks if it does."""
    found = run(_verify(config))
    if as_json:
        print_json({"valid": found.broken is None, **asdict(found)})
    elif found.broken is None:
        print(f"whole: {found.rows} facts in {found.links} links, head {', '.join(found.heads)}")
    else:
        print(f"broken after {found.rows} facts: {found.broken}")
    if found.broken is not None:
        raise typer.Exit(1)


@audit_app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="Where to; standard output by default.")] = None,
    since: Since = None,
    until: Until = None,
    config: ConfigFile = None,
) -> None:
    """Write every fact as one JSON object a line; it names addresses and people."""
    run(_export(config, out, since, until))


async def _verify(config: Path | None) -> Verification:
    async with open_store(config) as app:
        return await app.store.read(verify_chain)


async def _export(
    config: Path | None, out: Path | None, since: datetime | None, until: datetime | None
) -> None:
    async with open_store(config) as app:
        with written(out) as file:
            after = (0, 0)
            while page := await app.store.read(export_page, after, _PAGE, since=since, until=until):
                file.writelines(orjson.dumps(row).decode() + "\n" for row in page)
                after = (page[-1]["chain"], page[-1]["seq"])
