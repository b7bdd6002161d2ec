"""``warnd regions``: find divisions, and bring them into the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from warnd import resources
from warnd.api.views import fault_view
from warnd.app.places import Resolved, asked_for
from warnd.cli.common import ACTOR, open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AsJson
from warnd.cli.terminal import nothing_found, print_json, print_plain, print_table, progress
from warnd.intake.geometry import read_circle, read_polygon
from warnd.model.alert import Area
from warnd.model.region import Region
from warnd.store import regions
from warnd.store.journal import Entry
from warnd.store.tables import micros

DIVISIONS = ("config", "cn-divisions-2023.csv.xz")

regions_app = typer.Typer(help="The divisions of the country.", no_args_is_help=True)

Found = list[tuple[Region, str]]
"""Divisions with their full names."""


@regions_app.command()
def search(
    text: Annotated[str, typer.Argument(help="A part of the name, or the beginning of the code.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at the most.")] = 20,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Find divisions by name or code, the widest first; exits 1 if there is none."""
    found = run(_search(config, text, limit))
    if as_json:
        for region, path in found:
            print_json(
                {
                    "code": region.code,
                    "name": region.name,
                    "level": region.level.name.lower(),
                    "full_name": path,
                }
            )
    elif found:
        rows = [(region.code, region.level.name.lower(), path) for region, path in found]
        print_table(("code", "level", "name"), rows)
    if not found:
        nothing_found("regions", text)


@regions_app.command()
def resolve(
    text: Annotated[str, typer.Argument(help="Names as an area of a warning has them; or codes.")] = "",
    polygon: Annotated[
        list[str] | None, typer.Option(metavar="'LAT,LON …'", help="Corners; may be repeated.")
    ] = None,
    circle: Annotated[
        list[str] | None, typer.Option(metavar="'LAT,LON KM'", help="Centre, radius; may be repeated.")
    ] = None,
    sender: Annotated[str, typer.Option(help="Who would say it, by the issuer's code.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigFile = None,
) -> None:
    """Show which divisions an area of a warning would mean, and why; exits 1 if there is none."""
    if not (text or polygon or circle):
        raise typer.BadParameter("give a text, a polygon or a circle")
    area = asked_for(
        text,
        [_shape(one, read_polygon, "--polygon") for one in polygon or ()],
        [_shape(one, read_circle, "--circle") for one in circle or ()],
    )
    found = run(_resolve(config, area, sender))
    if as_json:
        print_json(
            {
                "regions": [{"code": one.code, "full_name": one.name} for one in found.regions],
                "findings": [fault_view(one) for one in found.findings],
            }
        )
    else:
        rows = [(one.code, one.level.name.lower(), one.name) for one in found.regions]
        if rows:
            print_table(("code", "level", "name"), rows)
        for one in found.findings:
            print_plain(f"{one.code}: {one.message}")
    if not found.regions:
        raise typer.Exit(1)


@regions_app.command("import")
def import_(
    under: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only this division, with all below and above it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    config: ConfigFile = None,
) -> None:
    """Bring the divisions that came with warnd into the store; doing it again changes nothing."""
    done = run(_import(config, under))
    if as_json:
        print_json({"offered": done.offered, "changed": done.changed})
    else:
        print(f"{done.offered} divisions, {done.changed} of them new or renamed")


def _shape(text: str, reader: Callable[[str], tuple[str, str]], option: str) -> str:
    try:
        return reader(text)[0]
    except ValueError as error:
        raise typer.BadParameter(f"{text[:40]!r} {error}", param_hint=option) from error


async def _resolve(config: Path | None, area: Area, sender: str) -> Resolved:
    async with open_store(config) as app:
        return await app.places.resolve(area, sender=sender)


async def _search(config: Path | None, text: str, limit: int) -> Found:
    async with open_store(config) as app:
        return await app.store.read(_found, text, limit)


def _found(connection: Connection, text: str, limit: int) -> Found:
    items = regions.search(connection, text, limit=limit).items
    paths = regions.full_names(connection, [region.code for region in items])
    return [(region, paths[region.code]) for region in items]


async def _import(config: Path | None, under: str | None) -> regions.ImportedRegions:
    file = resources.path(*DIVISIONS)
    async with open_store(config) as app:
        with progress() as bar:
            task = bar.add_task("divisions", total=None)
            at = micros(app.now())

            def recorded(connection: Connection) -> tuple[regions.ImportedRegions, list[Entry]]:
                done = regions.import_regions(
                    connection,
                    file,
                    under=under,
                    progress=lambda so_far, total: bar.update(task, completed=so_far, total=total),
                )
                body = {"file": file.name, "under": under, "offered": done.offered, "changed": done.changed}
                return done, [Entry(at, "regions.imported", file.name, body, actor=ACTOR)]

            return await app.store.record(recorded)
