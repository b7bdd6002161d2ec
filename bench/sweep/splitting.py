"""``warnd`` that shares out plans of a sweep's size: ``python -m bench.sweep.splitting serve …`` (or ``worker``)."""

from __future__ import annotations

from warnd.cli.main import run
from warnd.pipeline import broadcast, ranges

if __name__ == "__main__":
    broadcast.SPLIT_FROM, ranges.RANGE = 500, 300
    run()
