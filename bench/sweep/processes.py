"""The processes of a deployment, by name: started, waited for, killed, and started again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.programs import Program
from bench.until import until

_AT_WORK = (b"daemon.started", b"worker.started")
_LAST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class _Life:
    """One process, and where in its log it begins."""

    process: Program
    log: Path
    begins: int

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def said(self) -> bytes:
        with self.log.open("rb") as log:
            log.seek(self.begins)
            return log.read()

    @property
    def is_at_work(self) -> bool:
        return any(word in self.said for word in _AT_WORK)

    @property
    def last_words(self) -> str:
        return self.said[-_LAST_WORDS:].decode(errors="replace")


class Processes:
    """
    ``commands`` are those of ``python -m warnd`` (or of another ``program``), by name; each has a log in ``home``, where its configuration is.

    What is ``supervised`` and ended before it was at work, as it may when its store is away, is started again.
    """

    def __init__(
        self, home: Path, commands: Mapping[str, Sequence[str]], *, supervised: bool, program: str = "warnd"
    ) -> None:
        self._program = program
        self._home = home
        self._commands = commands
        self._supervised = supervised
        self._lives: dict[str, _Life] = {}

    @property
    def alive(self) -> Sequence[str]:
        """The names of those that were begun and not killed, who has been up longest first."""
        return list(self._lives)

    def begin(self) -> None:
        """Start those that are not alive."""
        for name in self._commands:
            if name not in self._lives:
                self._start(name)

    def kill(self, names: Sequence[str]) -> None:
        """``kill -9`` of those, at once."""
        dead = [self._lives.pop(name) for name in names if name in self._lives]
        for life in dead:
            life.process.kill()
        for life in dead:
            life.process.wait()

    def ready(self, *, least: int | None = None) -> None:
        """Until all that are alive, or so many of them, are at work; see ``tend``."""
        until(lambda: self._are_at_work(least), "the processes are at work")

    def tend(self) -> None:
        """Look after those that ended by themselves. Raises RuntimeError, with its last words, of one that may not."""
        for name, life in list(self._lives.items()):
            if life.has_ended:
                if life.is_at_work or not self._supervised:
                    raise RuntimeError(f"{name} ended by itself: {life.last_words}")
                self._start(name)

    def _are_at_work(self, least: int | None) -> bool:
        self.tend()
        wanted = len(self._lives) if least is None else least
        return sum(life.is_at_work for life in self._lives.values()) >= wanted

    def _start(self, name: str) -> None:
        log = self._home / f"{name}.log"
        log.touch()
        begins = log.stat().st_size
        words = ["-m", self._program, *self._commands[name], "--config", str(self._home / "warnd.toml")]
        process = Program(words, log, log)
        self._lives.pop(name, None)
        self._lives[name] = _Life(process, log, begins)
