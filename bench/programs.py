"""
Programs as processes of their own that start at once: each is forked from one that has imported what they all import.

To import it is most of what a short command or a start costs, and tests and sweeps start hundreds. What the interpreter does
before that is met where a test starts ``python -m warnd`` itself.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from warnd.cli.main import COMMANDS

_GATEWAYS = ("sms", "wechat", "email")
_FORKING = get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "__main__",
        *(f"warnd.cli.{name}" for name in COMMANDS),
        *(f"channels.{name}.{part}" for name in _GATEWAYS for part in ("adapter", "emulator")),
    ]
)


class Program:
    """
    ``python WORDS``, where the words begin with ``-m``; what it prints is appended to those files.

    Of ``subprocess.Popen`` it has what is asked for.
    """

    def __init__(
        self, words: Sequence[str], out: Path, errors: Path, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.words = tuple(words)
        surroundings = dict(os.environ if environment is None else environment)
        self._process = _FORKING.Process(
            target=_be, args=(self.words, surroundings, out, errors), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """What it left with, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The same, when it has ended. Raises TimeoutExpired."""
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self.words, timeout or 0)
        return code

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        """``kill -9``: no handler runs, nothing is flushed."""
        self._process.kill()


def completed(
    words: Sequence[str], *, environment: Mapping[str, str] | None = None, patience: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with what it printed."""
    with TemporaryDirectory() as place:
        out, errors = Path(place) / "out", Path(place) / "errors"
        code = Program(words, out, errors, environment=environment).wait(patience)
        return subprocess.CompletedProcess(words, code, out.read_text("utf-8"), errors.read_text("utf-8"))


def _be(words: Sequence[str], environment: Mapping[str, str], out: Path, errors: Path) -> None:
    """What the forked process does: become that program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, path in ((1, out), (2, errors)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    flag, module, *arguments = words
    assert flag == "-m"
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)  # it runs under another name, as it would in an interpreter of its own
    runpy.run_module(module, run_name="__main__", alter_sys=True)
