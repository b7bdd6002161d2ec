"""``python -m warnd``: the same as the ``warnd`` command."""

from warnd.cli.main import run

run()
