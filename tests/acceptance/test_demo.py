"""``warnd demo`` as a newcomer calls it: from an empty directory to a last line that adds up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SECONDS = 90


@pytest.fixture(scope="module")
def last_line(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``warnd demo --once --json`` ends with; it must leave with 0."""
    here = tmp_path_factory.mktemp("empty")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("warnd")), "demo", "--once", "--json"],
        cwd=here,
        env={key: value for key, value in os.environ.items() if not key.startswith("WARND_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(here.iterdir()) == [], "everything happens in a directory of its own"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert len(done.stdout.splitlines()) == 1, "all else goes to standard error"
    return found


def test_nothing_is_lost_and_nothing_repeated(last_line: dict[str, Any]) -> None:
    """Accepted by us and unknown to the gateway, or without an end: neither may happen."""
    assert (last_line["lost"], last_line["repeated"]) == (0, 0)


def test_the_gateways_count_what_we_claim(last_line: dict[str, Any]) -> None:
    """Each in recipients, all channels in use."""
    gateway = last_line["gateway"]
    assert gateway.keys() == {"sms", "wechat", "email"}
    assert min(gateway.values()) > 100
    assert sum(gateway.values()) == last_line["accepted"]


def test_the_counts_add_up(last_line: dict[str, Any]) -> None:
    """Whoever was to be told was told, or is counted among those who were not."""
    assert last_line["targeted"] == last_line["accepted"] + last_line["failed"] + last_line["unknown"]
    assert last_line["delivered"] + last_line["undelivered"] == last_line["gateway"]["sms"]
    assert last_line["suppressed"] > 0
    assert last_line["failed"] > 0


def test_stumbling_gateways_are_tried_again(last_line: dict[str, Any]) -> None:
    """They throttle a little and fail a little, so that a newcomer sees retries."""
    assert last_line["retries"] > 0


def test_requests_have_their_times(last_line: dict[str, Any]) -> None:
    """Seconds from the 202 to the start of the first and the end of the last."""
    assert 0 <= last_line["seconds_first"] < last_line["seconds_last"] < SECONDS
