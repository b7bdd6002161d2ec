"""
A daemon in a process of its own, to be killed or weighed: ``python -m bench.child HOME [COLOR]``.

With a color it broadcasts a warning first. It says ``ready`` once it runs, and ends when everything is settled.
"""

from __future__ import annotations

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
SELECT (SELECT count(*) FROM alerts WHERE NOT plan_done) + (SELECT count(*) FROM tallies
    WHERE n > 0 AND state IN ('queued', 'waiting', 'unknown', 'standby'))
"""


async def live(home: Path, color: str | None) -> None:
    async with running(load(home / "warnd.toml", {})) as served:
        app = served.app
        if color is not None:
            await app.receive_alert(warning(color), "application/json", app.speakers["weather"])
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while await app.store.read(_unfinished):  # noqa: ASYNC110  what settles is the store
            await asyncio.sleep(LOOK_EVERY)


def _unfinished(connection: Connection) -> int:
    return int(connection.exec_driver_sql(_UNFINISHED).scalar_one())


if __name__ == "__main__":
    logs.configure(level="error")
    uvloop.run(live(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
