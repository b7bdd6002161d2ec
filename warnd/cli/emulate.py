"""``warnd emulate``: the installed emulators on loopback, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from inspect import signature
from typing import Annotated, Any

import orjson
import typer

from warnd.contract.emulator import Emulator, Faults
from warnd.contract.registry import emulator_factories, emulator_factory
from warnd.contract.secret import Secret
from warnd.errors import WarndError
from warnd.settings.amounts import duration


def emulate(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Adapters, such as sms.http; all installed ones by default."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the first, counting up from there; 0 takes free ones.")
    ] = 0,
    token: Annotated[
        str | None,
        typer.Option(
            help="Credential that gateways with one ask for; made up by default.", show_default=False
        ),
    ] = None,
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
    undelivered: Annotated[
        float, typer.Option(min=0, max=1, help="Share of receipts that say it did not arrive.")
    ] = 0.0,
    bad_addresses: Annotated[
        list[str] | None,
        typer.Option("--bad-address", metavar="ADDRESS", help="One that is refused; may be repeated."),
    ] = None,
) -> None:
    """
    Run local gateways, with faults on demand.

    Prints for each the table that a configuration needs to reach it and, on Ctrl-C, what it took over.
    """
    chosen = names or sorted(emulator_factories())
    emulators = {name: _made(name, receipt_url, token) for name in chosen}
    for emulator in emulators.values():
        emulator.faults = Faults(
            latency=latency or timedelta(0),
            unavailable=unavailable,
            throttled=throttled,
            retry_after=retry_after,
            undelivered=undelivered,
            bad_addresses=frozenset(bad_addresses or ()),
        )
    asyncio.run(_serve(emulators, port))


def _made(name: str, receipt_url: str | None, token: str | None) -> Emulator:
    factory: Callable[..., Emulator] = emulator_factory(name, key="emulate")
    if token is not None and "token" in signature(factory).parameters:
        factory = partial(factory, token=token)
    return factory(receipt_url=receipt_url)


async def _serve(emulators: Mapping[str, Emulator], port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as running:
        for place, (name, emulator) in enumerate(emulators.items()):
            await _start(name, emulator, port + place if port else 0)
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


async def _start(name: str, emulator: Emulator, port: int) -> None:
    try:
        await emulator.start(port=port)
    except OSError as error:
        raise WarndError(f"{name} cannot listen on port {port}: {os.strerror(error.errno or 0)}") from error


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
