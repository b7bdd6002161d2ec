"""The machine under a real daemon fails it: a disk that takes nothing, a directory that may not be written."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.conftest import POSTS
from tests.acceptance.site import Site, gateway, until


def _disk(site: Site, *, takes: bool) -> None:
    """Let no file of the daemon grow or be written any more, its log as little as its database; or let them again."""
    assert site.process is not None
    resource.prlimit(
        site.process.pid,
        resource.RLIMIT_FSIZE,
        (resource.RLIM_INFINITY if takes else 0, resource.RLIM_INFINITY),
    )


def _status(site: Site, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{site.url}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_disk_that_takes_nothing_loses_nobody_and_repeats_nothing(
    tmp_path: Path, on_three_channels: Path
) -> None:
    """
    Feeds are told to come again, nothing more leaves than had been committed to. What was answered meanwhile is kept,
    and written when there is room.
    """
    with gateway("--latency", "30", slots=4, max_batch=20) as sms:
        site = Site(tmp_path, sms)
        site.settle_in(on_three_channels)
        site.start()
        alert = site.push()["id"]
        sms.has_taken(100)
        _disk(site, takes=False)
        with pytest.raises(urllib.error.HTTPError) as refused:
            site.push(identifier="62120241600000_20260714080001")
        assert refused.value.code == 503
        assert refused.value.headers["Retry-After"]
        refused.value.close()
        assert _status(site, "/readyz")[0] == 503
        stands = 'warnd_alarms_open{kind="store_failed"} 1.0'
        until(lambda: stands in _status(site, "/metrics")[1], "the alarm stands though it cannot be written")
        taken, committed = sms.counts()["taken"], site.states(alert, "sms").get("accepted", 0)
        assert taken - committed <= 3 * 4 * 20, "a slot sends nothing more before its outcome is on disk"
        assert taken < POSTS
        _disk(site, takes=True)
        until(lambda: site.settled(alert), "everybody is told")
        until(lambda: "store_failed" not in _status(site, "/metrics")[1], "the alarm ends")
        told = site.rows("SELECT cleared_at IS NOT NULL FROM alarms WHERE kind = 'store_failed'")
        assert told == [(1,)], "when it stood can be read afterwards"
        assert site.stop() == 0
        assert list(sms.numbers().values()) == [1] * POSTS
        assert site.marked_repeats() == set()


def test_a_directory_that_may_not_be_written_is_named_at_the_start(
    tmp_path: Path, on_three_channels: Path
) -> None:
    """One sentence and exit code 1: the daemon could promise nothing."""
    home = tmp_path / "home"
    home.mkdir()
    with gateway() as sms:
        site = Site(home, sms)
        site.settle_in(on_three_channels)
    serve = [sys.executable, "-m", "warnd", "serve", "--config", str(site.config)]
    found = subprocess.run(_read_only(home, serve), capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 1, found.stderr
    (line,) = found.stderr.strip().splitlines()
    assert str(home / "warnd.db") in line
    assert "ead-only" in line or "ermission denied" in line


def _read_only(directory: Path, command: Sequence[str]) -> Sequence[str]:
    """The command where it cannot write to the directory. Nobody's permissions bind root; a mount of its own does."""
    if os.geteuid() != 0:
        directory.chmod(0o555)
        return command
    mount = ["unshare", "--mount", "--map-root-user"]
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    prefix = [*mount, "sh", "-c", script, str(directory)]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip(
            "root, and this system gives it no mounts of its own: nothing can be made read-only for it"
        )
    return [*prefix, *command]
