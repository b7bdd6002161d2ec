"""``warnd workers``: the processes that work on this store."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from warnd.cli.common import open_store, run
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AsJson
from warnd.cli.terminal import clock, print_json, print_table
from warnd.store import workers
from warnd.store.workers import WorkerView

workers_app = typer.Typer(no_args_is_help=True)


@workers_app.callback()
def main() -> None:
    """The processes that work on this store."""


@workers_app.command("list")
def list_(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """
    List the processes that work on this store: daemons and workers.

    SEEN is when each was last heard of: with PostgreSQL a second ago while it lives. IN FLIGHT is how many deliveries it has
    out. One of them keeps the timers.
    """
    found, zone = run(_list(config))
    if as_json:
        for one in found:
            print_json(_object(one))
        return
    rows = [
        (one.name, one.host, one.role, clock(one.since, zone), clock(one.seen, zone), ", ".join(one.channels),
         str(one.in_flight), "yes" if one.timers else "")
        for one in found
    ]  # fmt: skip
    print_table(("name", "host", "role", "since", "seen", "channels", "in flight", "timers"), rows)


async def _list(config: Path | None) -> tuple[list[WorkerView], ZoneInfo]:
    async with open_store(config) as app:
        return await app.store.read(workers.working), app.settings.time_zone


def _object(one: WorkerView) -> dict[str, object]:
    return {
        "name": one.name, "host": one.host, "role": one.role, "since": _written(one.since), "seen": _written(one.seen),
        "channels": list(one.channels), "in_flight": one.in_flight, "timers": one.timers,
    }  # fmt: skip


def _written(when: datetime) -> str:
    return when.isoformat()
