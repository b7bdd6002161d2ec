"""``warnd doctor``: whether a daemon with this configuration would work here; it sends nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from warnd import logs
from warnd.cli import configuration
from warnd.cli.checks import examine, unusable
from warnd.cli.common import run
from warnd.cli.configuration import ConfigFile
from warnd.cli.finding import Finding, Health
from warnd.cli.main import CONFIGURATION
from warnd.cli.options import AsJson
from warnd.cli.terminal import print_json, print_table
from warnd.errors import ConfigError


def doctor(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Check configuration, disk, clock, database, Redis, templates and channels; exits 1 if anything failed, 78 if settings must be mended."""
    logs.configure(level="error")
    findings = run(_findings(config))
    if as_json:
        for one in findings:
            print_json({"check": one.check, "health": one.health.value, "message": one.message})
    else:
        print_table(("check", "", "found"), [(one.check, one.health.value, one.message) for one in findings])
    if any(one.misconfigured for one in findings):
        raise typer.Exit(CONFIGURATION)
    if any(one.health is Health.FAILED for one in findings):
        raise typer.Exit(1)


async def _findings(config: Path | None) -> list[Finding]:
    try:
        settings = configuration.settings(config)
    except ConfigError as error:
        return unusable(error)
    file = configuration.file(config)
    found = [Finding("settings", Health.GOOD, f"every key of {file} is understood")]
    found += [one async for one in examine(settings, config=file, now=datetime.now(UTC))]
    return found
