"""``warnd sources``: the feeds and what each may speak for, as the configuration says."""

from __future__ import annotations

from warnd.cli import configuration
from warnd.cli.configuration import ConfigFile
from warnd.cli.options import AsJson
from warnd.cli.terminal import print_json, print_table


def sources(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the configured sources; a feed's key belongs to one of them (`warnd keys create`)."""
    found = configuration.settings(config).sources.values()
    if as_json:
        for one in found:
            print_json(
                {
                    "name": one.name,
                    "regions": one.regions,
                    "hazards": one.hazards,
                    "colors": one.colors,
                    "official": one.official,
                }
            )
        return
    rows = [
        (
            one.name,
            " ".join(one.regions),
            " ".join(one.hazards),
            " ".join(color.value for color in one.colors),
            "yes" if one.official else "no",
        )
        for one in found
    ]
    print_table(("name", "regions", "hazards", "colors", "official"), rows)
