"""The command line's frame: which commands there are, and what an exit code says."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from warnd import __version__
from warnd.errors import ConfigError, WarndError

FAILED = 1
CONFIGURATION = 78
"""``EX_CONFIG`` of sysexits.h: trying again will not help, someone must mend the settings."""
INTERRUPTED = 130

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "The main job from end to end, on local gateways."),
    "serve": ("serve", "Run the daemon."),
    "worker": ("worker", "Send beside the daemon, on the same PostgreSQL."),
    "workers": ("workers_app", "The processes that work on this store."),
    "check": ("check", "Parse and validate warnings, without a daemon."),
    "push": ("push", "Send one warning to a running daemon."),
    "issue": ("issue", "Issue a warning by hand, to be held for a second person."),
    "alerts": ("alerts_app", "The warnings that came in, and how far each has got."),
    "messages": ("messages_app", "What the sources sent, whatever came of it."),
    "deliveries": ("deliveries_app", "What became of each delivery; resend what failed."),
    "hazards": ("hazards_app", "The kinds of danger, by the slugs that subscriptions name."),
    "regions": ("regions_app", "The divisions of the country."),
    "audience": ("audience_app", "Who may be told, as a file."),
    "sources": ("sources", "The sources and what each may speak for."),
    "feeds": ("feeds_app", "The feeds that warnd asks by itself."),
    "keys": ("keys_app", "Keys to the API and the page."),
    "channels": ("channels_app", "The ways of reaching people."),
    "emulate": ("emulate", "Run local gateways, with faults on demand."),
    "config": ("config", "Print the commented settings file that came with warnd."),
    "doctor": ("doctor", "Check configuration, disk, clock, database and channels; sends nothing."),
    "audit": ("audit_app", "The journal of every fact: whether it is whole, and itself."),
    "db": ("db_app", "The database file: upgrade, back up, restore."),
}
"""
Every command in the order of ``warnd --help``: the object in the module of its name, and what it does.

The object is a function, or a Typer for a command with commands of its own.
"""


class OnceCommand(TyperCommand):
    """A command none of whose single values can be given twice: Typer would take the last and say nothing."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises BadParameter."""
        _, _, given = self.make_parser(ctx).parse_args(list(args))
        left = super().parse_args(ctx, args)
        for one, times in Counter(given).items():
            if times > 1 and not getattr(one, "multiple", False):
                said = "is given more than once and takes one value"
                raise typer.BadParameter(said, ctx=ctx, param_hint=f"'{one.opts[-1]}'")
        return left


class LazyCommand(TyperCommand):
    """A command whose module is imported when it is called, so that ``warnd --help`` is quick."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The true command's context: from here on it runs as if it had stood here all along."""
        return self._load().make_context(info_name, args, parent, **extra)

    def _load(self) -> Any:
        name = self.name or ""
        target = getattr(import_module(f"warnd.cli.{name}"), COMMANDS[name][0])
        if isinstance(target, typer.Typer):
            for below in target.registered_commands:
                below.cls = OnceCommand
            return _flowing(typer.main.get_group(target))
        alone = typer.Typer(add_completion=False)
        alone.command(name, cls=OnceCommand)(target)
        return _flowing(typer.main.get_command(alone))


def _flowing(command: Any) -> Any:
    """The command with each paragraph of its help in one line: Typer keeps the source's line ends in all but the first."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    for below in getattr(command, "commands", {}).values():
        _flowing(below)
    return command


class LazyGroup(TyperGroup):
    """The top of the command line, filled from ``COMMANDS``."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, summary) in COMMANDS.items():
            self.add_command(LazyCommand(name, help=summary))

    def invoke(self, ctx: Any) -> Any:
        """Whatever command it is: what Typer says of a wrong choice begins with a word of its own inside."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="warnd",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"warnd {__version__}")
        raise typer.Exit


@app.callback()
def warnd(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Color-graded warnings in, every delivery accounted for."""


def run() -> NoReturn:
    """
    The console script.

    Leaves with 0 when done, 1 when it failed, 2 when it was called wrongly, 78 when the configuration is at
    fault and 130 when it was interrupted.
    """
    try:
        app()
    except ConfigError as error:
        _leave(error, CONFIGURATION)
    except WarndError as error:
        _leave(error, FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(0)


def _leave(error: WarndError, code: int) -> NoReturn:
    print(f"warnd: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)
