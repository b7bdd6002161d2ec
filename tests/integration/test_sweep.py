"""The sweep of kills, in small: it ends clean, and a gateway that pretends a loss makes it fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PEOPLE = 300


def sweep(result: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and what it says to machines."""
    command = [sys.executable, "-m", "bench", "sweep", "--kills", "2", "--seed", "7", "--people", f"{PEOPLE}"]
    done = subprocess.run(
        [*command, "--json", str(result), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(result.read_text())


@pytest.mark.parametrize("deployment", ["embedded", "scaled", "redis"])
def test_two_kills_lose_nobody(tmp_path: Path, deployment: str) -> None:
    """Every recipient by the gateway's own book, of one process, of several on PostgreSQL, and with a Valkey."""
    code, said = sweep(tmp_path / "clean.json", "--deployment", deployment)
    assert (code, said["deployment"], said["clean"]) == (0, deployment, True)
    calm = said["variants"]["calm"]
    assert (calm["kills"], calm["recipients"], calm["verdict"]["lost"]) == (2, PEOPLE, 0)
    assert sum(one["kills"] for one in said["victims"].values()) == 2


def test_a_gateway_that_pretends_a_loss_is_noticed(tmp_path: Path) -> None:
    """A judge that calls everything clean would be of no use."""
    code, said = sweep(tmp_path / "spoilt.json", "--spoil", "1")
    assert (code, said["clean"]) == (1, False)
    assert said["variants"]["calm"]["verdict"]["lost"] == 1
