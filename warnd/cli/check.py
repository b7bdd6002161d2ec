"""``warnd check FILE…``: parse and validate, one JSON object a line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from warnd.errors import Fault
from warnd.intake.check import check_object, refused
from warnd.intake.hazards import load_hazards
from warnd.intake.read import MAX_BYTES
from warnd.model.hazard import HazardCatalogue
from warnd.resources import path


def check(
    files: Annotated[
        list[Path], typer.Argument(help="Messages as a feed would push them: JSON, CAP or national XML.")
    ],
) -> None:
    """
    Parse and validate messages, alone or several in one file (EDXL-DE, Atom, RSS); exits 1 if any is not valid.

    Prints one JSON object a line: file, kind, valid, verdict, errors, warnings, alerts. valid speaks of the message in its
    format, verdict of what warnd would do with it: a valid message may have the verdict quarantine. Codes are explained
    in docs/findings.md.
    """
    catalogue = load_hazards(path("config", "hazards.toml"))
    all_valid = True
    for file in files:
        checked = _checked(file, catalogue)
        all_valid = all_valid and checked["valid"]
        typer.echo(orjson.dumps(checked))
    if not all_valid:
        raise typer.Exit(1)


def _checked(file: Path, catalogue: HazardCatalogue) -> dict[str, Any]:
    # A file may have any bytes for a name; JSON has only text.
    name = os.fsencode(file).decode("utf-8", "replace")
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_BYTES + 1)
    except OSError as error:
        unreadable = Fault("body", "unreadable", error.strerror or "cannot be read")
        return refused(name, "unknown", [unreadable])
    return check_object(name, body, catalogue)
