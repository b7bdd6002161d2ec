"""``warnd emulate``: the installed emulators on loopback, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer

from warnd.contract.emulator import Emulator, Faults
from warnd.contract.registry import emulator_factories, emulator_factory
from warnd.contract.secret import Secret
from warnd.settings.amounts import duration


def emulate(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Adapters, such as sms.http; all installed ones by default."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the first, counting up from there; 0 takes free ones.")
    ] = 0,
    receipt_url: Annotated[str | None, typer.Option(help="Where receipts are pushed to.")] = None,
    latency: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="DURATION", help="Before every answer, such as 200ms."),
    ] = None,
    unavailable: Annotated[float, typer.Option(min=0, max=1, help="Share of requests answered 503.")] = 0.0,
    throttled: Annotated[float, typer.Option(min=0, max=1, help="Share of requests told to wait.")] = 0.0,
    retry_after: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="DURATION", help="How long these are told to wait."),
    ] = None,
) -> None:
    """
    Run local gateways, with faults on demand.

    Prints for each the table that a configuration needs to reach it and, on Ctrl-C, what it took over.
    """
    chosen = names or sorted(emulator_factories())
    emulators = {name: emulator_factory(name, key="emulate")(receipt_url=receipt_url) for name in chosen}
    for emulator in emulators.values():
        emulator.faults = Faults(
            latency=latency or timedelta(0),
            unavailable=unavailable,
            throttled=throttled,
            retry_after=retry_after,
        )
    asyncio.run(_serve(emulators, port))


async def _serve(emulators: Mapping[str, Emulator], port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as running:
        for place, (name, emulator) in enumerate(emulators.items()):
            await emulator.start(port=port + place if port else 0)
            running.push_async_callback(emulator.stop)
            print("\n".join(_table(name, emulator.options)), end="\n\n", flush=True)
        print(f"# {len(emulators)} running; Ctrl-C stops them.", flush=True)
        await stopped.wait()
    for name, emulator in emulators.items():
        counts = emulator.counts
        print(
            f"# {name}: {counts.requests} requests, {counts.taken} recipients taken over, "
            f"{counts.taken - counts.distinct} of them repeats, {counts.refused} refused, "
            f"{counts.throttled} requests throttled"
        )


def _table(name: str, options: Mapping[str, Any]) -> Sequence[str]:
    """The lines of ``warnd.toml`` that lead to this emulator; its credentials are made up and may be seen."""
    kind = name.partition(".")[0]
    lines = [f"[channels.{kind}]", f"adapter = {_toml(name)}", "emulated = true"]
    return [*lines, *(f"{key} = {_toml(value)}" for key, value in options.items())]


def _toml(value: Any) -> str:
    match value:
        case Secret():
            return _toml(value.reveal())
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
        case _:
            # Text, numbers, booleans and lists of them are written in JSON as in TOML.
            return orjson.dumps(value).decode()
