"""What gateways have in common: the book of what they took, their dice, life in a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sys
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import timedelta

import orjson
from aiohttp import web

from warnd.contract.emulator import Counts, Emulator, Faults, Message
from warnd.contract.secret import Secret

KEPT = 200_000
"""Messages kept for looking at; the counts go on."""


class Gateway:
    """
    What a gateway took over, whether its next fault happens, and how it waits without holding up its end.

    A repeat is the same address with the same ``ref``, or the same words where the protocol has no ref.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.counts = Counts()
        self._kept: deque[Message] = deque(maxlen=KEPT)
        self._seen: set[tuple[str, str]] = set()
        self._words: dict[str, str] = {}
        self._dice = random.Random(self.faults.seed)  # noqa: S311  faults are no secrets
        self._seed = self.faults.seed
        self._stopped = asyncio.Event()

    def happens(self, share: float) -> bool:
        """Whether a fault of that share strikes this request; repeatable by ``faults.seed``."""
        if share <= 0:
            return False
        if self.faults.seed != self._seed:
            self._seed = self.faults.seed
            self._dice.seed(self._seed)
        return self._dice.random() < share

    def take(self, address: str, body: str, *, subject: str = "", ref: str = "") -> None:
        """Count and keep one message to one recipient."""
        body = self._words.setdefault(body, body)
        counts = self.counts
        counts.taken += 1
        counts.by_text[body] = counts.by_text.get(body, 0) + 1
        self._seen.add((address, ref or body))
        counts.distinct = len(self._seen)
        self._kept.append(Message(address, body, subject, ref))

    async def linger(self, time: timedelta | None = None) -> None:
        """Wait for that long, for ever with None; in either case no longer than the gateway runs."""
        if time is None or time:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(time.total_seconds() if time is not None else None):
                    await self._stopped.wait()

    def messages(self) -> Sequence[Message]:
        """Oldest first."""
        return tuple(self._kept)


def parser(prog: str) -> argparse.ArgumentParser:
    """The arguments every gateway takes when it runs by itself."""
    arguments = argparse.ArgumentParser(prog=prog, description="A faithful local gateway on 127.0.0.1.")
    arguments.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments.add_argument("--latency", type=float, default=0.0, metavar="MS", help="before every answer")
    arguments.add_argument("--unavailable", type=float, default=0.0, metavar="SHARE")
    arguments.add_argument("--throttled", type=float, default=0.0, metavar="SHARE")
    arguments.add_argument(
        "--control-port",
        type=int,
        help="GET /_counts and /_numbers, POST /_faults there; 0 takes a free one",
    )
    return arguments


def serve(gateway: Emulator, arguments: argparse.Namespace) -> None:
    """
    Run a gateway until SIGTERM or SIGINT.

    Prints one JSON line when it is ready, all that the adapter's table needs (and ``control_port``, if there is
    one), and another with its counts when it ends.
    """
    gateway.faults.latency = timedelta(milliseconds=arguments.latency)
    gateway.faults.unavailable = arguments.unavailable
    gateway.faults.throttled = arguments.throttled
    # Only here: not every system that can run a gateway inside a test has it.
    import uvloop

    uvloop.run(_live(gateway, port=arguments.port, control_port=arguments.control_port))


async def _live(gateway: Emulator, *, port: int, control_port: int | None) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as life:
        await gateway.start(port=port)
        life.push_async_callback(gateway.stop)
        ready = _shown(gateway)
        if control_port is not None:
            ready["control_port"] = await _control(gateway, control_port, life)
        _say(ready)
        await stopping.wait()
    _say({"counts": asdict(gateway.counts)})


async def _control(gateway: Emulator, port: int, life: contextlib.AsyncExitStack) -> int:
    """Tell what the gateway saw, and let its faults be set, on a port of its own; returns which."""

    async def answer(request: web.BaseRequest) -> web.Response:
        match request.method, request.path:
            case "GET", "/_numbers":
                return web.json_response(Counter(one.address for one in gateway.messages()))
            case "POST", "/_faults":
                return set_faults(gateway.faults, await request.read())
            case _:
                return web.json_response(asdict(gateway.counts))

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    life.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return int(runner.addresses[0][1])


def set_faults(faults: Faults, body: bytes) -> web.Response:
    """
    Set the faults that a JSON object names, times in seconds; 400 when there is no such fault.

    The others stay as they are.
    """
    try:
        wanted = orjson.loads(body)
        unknown = wanted.keys() - {field.name for field in fields(faults)}
        changes = {key: _fault(key, value) for key, value in wanted.items()}
    except (ValueError, TypeError, AttributeError):
        return web.json_response({"message": "an object of faults is wanted"}, status=400)
    if unknown:
        return web.json_response({"message": f"no such fault: {', '.join(sorted(unknown))}"}, status=400)
    for key, value in changes.items():
        setattr(faults, key, value)
    return web.json_response({})


def _fault(key: str, value: object) -> object:
    if key in {"latency", "retry_after"} and isinstance(value, int | float):
        return timedelta(seconds=value)
    return frozenset(value) if isinstance(value, list) else value


def _shown(gateway: Emulator) -> dict[str, object]:
    """The options in clear: these credentials open nothing but this gateway."""
    return {k: v.reveal() if isinstance(v, Secret) else v for k, v in gateway.options.items()}


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()
