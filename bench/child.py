"""
A daemon in a process of its own, to be killed or weighed: ``python -m bench.child HOME [COLOR] [--stay]``.

With a color it broadcasts a warning first. It says ``ready`` and its URL once it runs, and ends when everything is
settled, or with ``--stay`` never.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop
from sqlalchemy import Connection

from bench.engine import LOOK_EVERY
from bench.warning import warning
from warnd import logs
from warnd.daemon import running
from warnd.settings import load

_UNFINISHED = """
SELECT (SELECT count(*) FROM alerts WHERE NOT plan_done AND stopped_at IS NULL) + (SELECT count(*) FROM tallies
    WHERE n > 0 AND state IN ('queued', 'waiting', 'unknown', 'standby'))
"""


async def live(home: Path, color: str | None, *, stay: bool) -> None:
    async with running(load(home / "warnd.toml", {})) as served:
        app = served.app
        await app.audience.index()
        if color is not None:
            await app.intake.receive(warning(color), "application/json", app.speakers["weather"])
        sys.stdout.write(f"ready {served.url}\n")
        sys.stdout.flush()
        while stay or await app.store.read(_unfinished):  # noqa: ASYNC110  what settles is the store
            await asyncio.sleep(LOOK_EVERY)


def _unfinished(connection: Connection) -> int:
    return int(connection.exec_driver_sql(_UNFINISHED).scalar_one())


def _main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.child", description=__doc__)
    arguments.add_argument("home", type=Path)
    arguments.add_argument("color", nargs="?")
    arguments.add_argument("--stay", action="store_true")
    given = arguments.parse_args()
    logs.configure(level="error")
    uvloop.run(live(given.home, given.color, stay=given.stay))


if __name__ == "__main__":
    _main()
