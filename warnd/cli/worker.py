"""``warnd worker``: a further process that sends, until it is told to stop."""

from __future__ import annotations

from warnd import daemon
from warnd.cli import configuration
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import WorkerName


def worker(name: WorkerName = "", config: ConfigFile = None) -> None:
    """
    Send beside `warnd serve`, with the same settings, until SIGTERM or Ctrl-C; a second one ends it at once.

    It opens no port, unless `workers.metrics` names an address for `/metrics`, `/healthz` and `/readyz`, and keeps the timers
    only while no daemon does. Needs PostgreSQL: leaves with 78 when the store is an SQLite file.
    """
    daemon.work(configuration.settings(config), name=name)
