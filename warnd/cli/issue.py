"""``warnd issue``: a warning issued by hand, shown with whom it would tell before a second person is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from warnd.app.phrases import phrases
from warnd.cli.calling import HERE, Key, Url, ask
from warnd.cli.forecast import print_forecast
from warnd.cli.options import AsJson, language
from warnd.cli.terminal import as_called, print_json, print_plain
from warnd.intake.issue import PREFIX
from warnd.model.color import Color
from warnd.model.ulid import UlidMaker
from warnd.settings.amounts import duration

Text = Annotated[str | None, typer.Option(show_default=False)]
Hazard = Annotated[str | None, typer.Option(help="Its kind, such as rainstorm or 暴雨.", show_default=False)]
Grade = Annotated[Color | None, typer.Option(help="How grave.", show_default=False)]
Regions = Annotated[
    list[str] | None, typer.Option(help="Code of a division; may be repeated.", show_default=False)
]
End = Annotated[
    str | None, typer.Option(help="6h, or a time such as 2026-07-14T14:00+08:00.", show_default=False)
]
SenderName = Annotated[str | None, typer.Option(help="Instead of issue.sender_name.", show_default=False)]
Status = Annotated[
    Literal["actual", "exercise", "test"], typer.Option(help="An exercise goes to enrolled addresses.")
]
UpdateOf = Annotated[
    str | None, typer.Option(metavar="ID", help="The alert that it changes.", show_default=False)
]
Cancel = Annotated[str | None, typer.Option(metavar="ID", help="The alert that it ends.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Issue it without asking again.")]


def issue(
    key: Key,
    url: Url = HERE,
    hazard: Hazard = None,
    color: Grade = None,
    region: Regions = None,
    headline: Text = None,
    description: Text = None,
    instruction: Text = None,
    expires: End = None,
    sender_name: SenderName = None,
    status: Status = "actual",
    update_of: UpdateOf = None,
    cancel: Cancel = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """
    Issue a warning by hand: it shows whom it would tell, and is then held for a second person.

    What a new warning lacks is asked for on a terminal. An update or an end is given by the alert's id, and leaves out
    what stays as it is.
    """
    if update_of and cancel:
        raise typer.BadParameter("give one of --update-of and --cancel")
    given = {
        "hazard": hazard,
        "color": color.value if color else None,
        "region": region,
        "headline": headline,
        "description": description,
        "instruction": instruction,
        "expires": expires,
        "sender_name": sender_name,
    }
    if not update_of and not cancel:
        given = _asked_for(given)
    message = {
        "identifier": PREFIX + UlidMaker().one(datetime.now(UTC)),
        "status": status,
        **_told(given),
        **_tied(url, key, update_of, cancel),
    }
    _send(url, key, message, yes=yes, as_json=as_json)


def _send(url: str, key: str, message: Mapping[str, Any], *, yes: bool, as_json: bool) -> None:
    """Issue it, once it was shown whom it would tell and somebody, or ``yes``, confirms it."""
    forecast = ask(url, key, "POST", "alerts", content=message, query={"dry_run": "true"})
    if not as_json:
        print_forecast(forecast, phrases(language(None)))
    if not yes:
        _confirm()
    answer = ask(url, key, "POST", "alerts", content=message)
    print_json(answer) if as_json else _say(answer, forecast["warnings"])


def _asked_for(given: Mapping[str, Any]) -> dict[str, Any]:
    """All of a new warning: what is missing is asked for, where somebody can answer."""
    missing = [name for name in ("hazard", "color", "region", "headline") if not given[name]]
    if not sys.stdin.isatty():
        if missing:
            raise typer.BadParameter(f"give {', '.join(f'--{name}' for name in missing)}")
        return dict(given)
    answers = dict(given)
    for name in missing:
        answers[name] = typer.prompt(name.capitalize())
    if isinstance(answers["region"], str):
        answers["region"] = answers["region"].split()
    for name, otherwise in (("description", ""), ("instruction", ""), ("expires", "6h")):
        if answers[name] is None:
            answers[name] = typer.prompt(name.capitalize(), default=otherwise, show_default=bool(otherwise))
    return answers


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, in the keys of the API."""

    def parts() -> Iterator[tuple[str, Any]]:
        for name in ("hazard", "color", "headline", "description", "instruction", "sender_name"):
            if given[name]:
                yield name, given[name]
        if given["region"]:
            yield "areas", [{"regions": _regions(given["region"])}]
        if given["expires"]:
            yield "expires", _end(given["expires"])

    return dict(parts())


def _regions(codes: Sequence[str]) -> list[str]:
    return [code for each in codes for code in each.replace(",", " ").split()]


def _end(text: str) -> str:
    """A time as it is, a duration from now on."""
    try:
        return (datetime.now(UTC) + duration(text)).replace(microsecond=0).isoformat()
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except ValueError:
        message = f"{text!r} is neither a duration such as 6h nor a time such as 2026-07-14T14:00+08:00"
        raise typer.BadParameter(message, param_hint="--expires") from None


def _tied(url: str, key: str, update_of: str | None, cancel: str | None) -> dict[str, Any]:
    """What makes it an update or an end of an earlier alert; nothing for a new one."""
    earlier = update_of or cancel
    if not earlier:
        return {}
    alert = ask(url, key, "GET", f"alerts/{earlier}")
    reference = {name: alert[name] for name in ("sender", "identifier", "sent")}
    return {"type": "update" if update_of else "cancel", "references": [reference]}


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to confirm it: give --yes", param_hint="--yes")
    typer.confirm("Issue it?", abort=True)


def _say(answer: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> None:
    """``shown`` are remarks that stood below the forecast."""
    if answer.get("repeat"):
        print(f"{answer['id']} says the same and was issued already; it is {answer['state']}")
        return
    print(f"{answer['id']} is {answer['state']}")
    for one in answer["warnings"]:
        if one not in shown:
            print_plain(f"note: {one['path']}: {one['message']}")
    if hold := answer.get("hold"):
        then = {"release": "released", "reject": "rejected"}[hold["then"]]
        due = datetime.fromisoformat(hold["due"]).astimezone()
        print(f"A second person decides: {as_called()} alerts approve {answer['id']}")
        print(f"If nobody does, it is {then} by itself at {due:%F %T}.")
