"""``warnd audience``: subscribers, endpoints and groups as a file, in and out."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from warnd.api.views import fault_view
from warnd.audience.csv_rows import CAPS, read_sheet, write_rows
from warnd.audience.kinds import ChannelKinds
from warnd.audience.plan import plan_import, preview
from warnd.cli.common import ACTOR, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.files import written
from warnd.cli.terminal import print_json, progress
from warnd.errors import Fault, Invalid
from warnd.model.audience_import import ImportPlan
from warnd.model.ulid import UlidMaker
from warnd.store.audience_export import export_page
from warnd.store.audience_import import AppliedImport, apply_import, existing_audience
from warnd.store.journal import Entry
from warnd.store.standing import audience_changed
from warnd.store.tables import micros

_PLACE = re.compile(r"rows\[(?P<line>[0-9]+)\](\.(?P<column>.+))?|header\.(?P<name>.*)")

audience_app = typer.Typer(help="Who may be told, as a file.", no_args_is_help=True)


@audience_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 or GB18030, one row an endpoint.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, change nothing.")
    ] = False,
    sync: Annotated[
        bool, typer.Option("--sync", help="The file is the whole truth: end subscribers it does not name.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print counts, warnings and faults as JSON.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Bring a file in, whole or not at all; exits 1 and names every fault if it has any."""
    try:
        body = _read(file)
        plan = run(_import(config, body, file.name, sync=sync, dry_run=dry_run))
    except Invalid as error:
        if as_json:
            print_json({"valid": False, "errors": [fault_view(fault) for fault in error.faults]})
        else:
            _print_faults(error.faults)
        raise typer.Exit(1) from error
    if as_json:
        warnings = [warning._asdict() for warning in plan.warnings]
        print_json({"valid": True, "dry_run": dry_run, "sync": sync, **plan.counts, "warnings": warnings})
    else:
        print(preview(plan))
        print("Nothing was changed: this was a dry run." if dry_run else "Done.")


@audience_app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="Where to; standard output by default.")] = None,
    config: ConfigFile = None,
) -> None:
    """Write every living subscriber as the file that import reads."""
    run(_export(config, out))


def _print_faults(faults: Sequence[Fault]) -> None:
    """On standard error, in the words of a spreadsheet, and how many there are."""
    for fault in faults:
        print(f"{_place(fault.path)}: {fault.message}", file=sys.stderr)
    named = sum(fault.code != "too_many_faults" for fault in faults)
    count = "1 fault" if named == 1 else f"{named} faults"
    print(f"{count}{', maybe more' if named < len(faults) else ''}; nothing was imported", file=sys.stderr)


def _place(path: str) -> str:
    """``rows[8].address`` as ``line 8, address``."""
    found = _PLACE.fullmatch(path)
    if found is None:
        return path
    line, column = found["line"] or "1", found["column"] or found["name"]
    return f"line {line}, {column}" if column else f"line {line}"


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(CAPS.bytes + 1)
    except OSError as error:
        raise Invalid([Fault("file", "unreadable", error.strerror or "cannot be read")]) from error


async def _import(config: Path | None, body: bytes, name: str, *, sync: bool, dry_run: bool) -> ImportPlan:
    with progress() as bar:
        task = bar.add_task("reading", total=3)
        async with open_store(config) as app:
            sheet = read_sheet(body, ChannelKinds.beside(route.kind for route in app.routes.values()))
            bar.update(task, description="comparing", advance=1)
            existing = await app.store.read(existing_audience, sheet.rows, sync=sync)
            plan = plan_import(sheet.rows, existing, sync=sync, faults=sheet.faults, warnings=sheet.warnings)
            bar.update(task, description="writing", advance=1)
            if not dry_run and not plan.changes_nothing:
                origin = {"file": name, "sha256": hashlib.sha256(body).hexdigest(), "sync": sync}
                await app.store.record(_applied, plan, origin, ids=app.ids, now=app.now())
            bar.update(task, advance=1)
            return plan


def _applied(
    connection: Connection, plan: ImportPlan, origin: dict[str, Any], *, ids: UlidMaker, now: datetime
) -> tuple[AppliedImport, Sequence[Entry]]:
    applied = apply_import(connection, plan, ids=ids, now=now)
    audience_changed(connection)
    return applied, [
        Entry(micros(now), "audience.imported", "audience", origin | asdict(applied), actor=ACTOR)
    ]


async def _export(config: Path | None, out: Path | None) -> None:
    async with open_store(config) as app:
        with written(out, for_spreadsheets=True) as file:
            cursor: str | None = None
            while True:
                found = await app.store.read(export_page, cursor)
                file.writelines(write_rows(found.items, header=cursor is None))
                if (cursor := found.next_cursor) is None:
                    return
