"""``warnd serve``: the daemon, until it is told to stop."""

from __future__ import annotations

from warnd import daemon
from warnd.cli import configuration
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import WorkerName


def serve(name: WorkerName = "", config: ConfigFile = None) -> None:
    """
    Run the daemon until SIGTERM or Ctrl-C; a second one ends it at once. Either way nothing is lost.

    Leaves with 78 when the configuration can never work.
    """
    daemon.serve(configuration.settings(config), name=name)
