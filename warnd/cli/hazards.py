"""``warnd hazards``: the kinds of danger that subscriptions, sources and policies name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from warnd.api.hazards import hazard_view
from warnd.cli.options import AsJson, Language, language
from warnd.cli.terminal import nothing_found, print_json, print_table
from warnd.intake.hazards import load_hazards
from warnd.model.hazard import Hazard, HazardCatalogue
from warnd.resources import path

hazards_app = typer.Typer(
    help="The kinds of danger, by the slugs that subscriptions name.", no_args_is_help=True
)


@hazards_app.command("list")
def list_(as_json: AsJson = False, chosen: Language = None) -> None:
    """List every kind of danger with its national codes and usual colors."""
    _print(list(_catalogue().hazards.values()), chosen, as_json=as_json)


@hazards_app.command()
def search(
    text: Annotated[str, typer.Argument(help="A part of a slug, a name or a national code.")],
    as_json: AsJson = False,
    chosen: Language = None,
) -> None:
    """Find kinds of danger by name or code; exits 1 if there is none."""
    found = _catalogue().search(text)
    _print(found, chosen, as_json=as_json)
    if not found:
        nothing_found("hazards", text)


def _catalogue() -> HazardCatalogue:
    return load_hazards(path("config", "hazards.toml"))


def _print(hazards: Sequence[Hazard], chosen: str | None, *, as_json: bool) -> None:
    if as_json:
        for hazard in hazards:
            print_json(hazard_view(hazard))
    elif hazards:
        spoken = language(chosen)
        rows = [
            (
                hazard.slug,
                hazard.name(spoken),
                " ".join(hazard.codes),
                " ".join(color.value for color in hazard.colors),
            )
            for hazard in hazards
        ]
        print_table(("slug", "name", "codes", "usual colors"), rows)
