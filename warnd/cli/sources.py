"""``warnd sources``: the sources and what each may speak for, as the configuration says."""

from __future__ import annotations

from typing import Any

from warnd.api.views import source_view
from warnd.cli import configuration
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AsJson
from warnd.cli.terminal import print_json, print_table


def sources(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """
    List the configured sources.

    A feed's key belongs to one of them (`warnd keys create`), unless it signs its requests.
    """
    settings = configuration.settings(config)
    found = [source_view(one, settings) for one in settings.sources.values()]
    if as_json:
        for one in found:
            print_json(one)
        return
    columns = ("name", "regions", "hazards", "colors", "release", "signs", "rate")
    print_table(columns, [_line(one) for one in found])


def _line(one: dict[str, Any]) -> tuple[str, ...]:
    lists = (" ".join(one[name]) for name in ("regions", "hazards", "colors"))
    release = "at once" if one["official"] else "held"
    return (one["name"], *lists, release, "yes" if one["signs"] else "no", one["rate"] or "")
