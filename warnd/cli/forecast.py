"""Whom a warning would tell, as it is shown before somebody issues or releases it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warnd.app.phrases import Phrases
from warnd.cli.terminal import print_plain, print_table
from warnd.model.region import Level


def print_forecast(forecast: Mapping[str, Any], say: Phrases) -> None:
    """Whom a release would tell, as ``GET alerts/{id}/forecast`` counts it."""
    channel, level = say("alert.channel"), say("alert.level")
    counts = [(say("release.targeted"), forecast["targeted"])]
    counts += [(f"  {channel} {name}", n) for name, n in sorted(forecast["by_channel"].items())]
    counts += [
        (f"  {level} {say(f'levels.{one.value}')}", forecast["by_level"][one.name.lower()])
        for one in Level
        if one.name.lower() in forecast["by_level"]
    ]
    if forecast["told_before"]:
        counts.append((say("release.told_before"), forecast["told_before"]))
    if forecast["delayed"]:
        counts.append((say("release.delayed"), forecast["delayed"]))
    counts += [
        (say("release.not_told", why=say.word("whys", why)), n)
        for why, n in sorted(forecast["by_reason"].items())
    ]
    print_table(("", ""), [(what, say.number(n)) for what, n in counts])
    for one in forecast.get("warnings", ()):
        print_plain(f"{one['path']}: {one['message']}")
