"""``warnd alerts approve``, ``reject`` and ``link``: the second person's part, by a key of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from warnd.app.phrases import phrases
from warnd.cli.calling import HERE, Key, Url, ask
from warnd.cli.forecast import print_forecast
from warnd.cli.options import AlertId, language


def approve(
    id: AlertId,
    key: Key,
    url: Url = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Release it without asking again.")] = False,
) -> None:
    """Release a held alert: whom it would tell is shown first. Whoever issued it by hand may not."""
    if not yes:
        print_forecast(ask(url, key, "GET", f"alerts/{id}/forecast"), phrases(language(None)))
        typer.confirm("Release it?", abort=True)
    answer = ask(url, key, "POST", f"alerts/{id}/approve")
    print(f"{id} is {answer['state']}")


def reject(
    id: AlertId,
    key: Key,
    url: Url = HERE,
    reason: Annotated[str, typer.Option(help="For the journal.", show_default=False)] = "",
) -> None:
    """Let nobody be told of a held or quarantined alert."""
    answer = ask(url, key, "POST", f"alerts/{id}/reject", content={"reason": reason})
    print(f"{id} is {answer['state']}")


def link(
    id: AlertId,
    key: Key,
    name: Annotated[str, typer.Option("--for", metavar="NAME", help="Who decides by it, in that name.")],
    url: Url = HERE,
) -> None:
    """
    Print a link by which one named person may release or reject a held alert, once; it ends with the hold.

    Hand it to that person alone. Whoever issued the alert can make none.
    """
    print(ask(url, key, "POST", f"alerts/{id}/links", content={"for": name})["url"])
