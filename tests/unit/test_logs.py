"""The log: one form for every line, and nothing private in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from warnd.logs import PRIVATE, Format, configure

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Other tests find the log as it was."""
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was logged as JSON since the last look."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_json_line_holds_event_level_time_and_facts(lines: Lines) -> None:
    """A line is one object; ids bound once come with every event."""
    configure(Format.JSON, "info")
    structlog.contextvars.bind_contextvars(alert="01J0000000000000000000000A")
    structlog.get_logger("warnd.worker").info("batch.settled", channel="短信", accepted=98)
    [line] = lines()
    assert (line["event"], line["level"], line["channel"]) == ("batch.settled", "info", "短信")
    assert line["accepted"] == 98
    assert line["alert"] == "01J0000000000000000000000A"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("key", sorted(PRIVATE))
def test_private_keys_are_dropped_above_debug(lines: Lines, key: str) -> None:
    """No address, text or credential stays in a log that is kept, whatever its letter case."""
    configure(Format.JSON, "debug")
    log = structlog.get_logger()
    log.error("send.failed", **{key: "+8615400000001", key.title(): "+8615400000001"})
    log.debug("send.tried", **{key: "+8615400000001"})
    failed, tried = lines()
    assert "+8615400000001" not in json.dumps(failed)
    assert tried[key] == "+8615400000001"


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    """One level holds for our own events and for libraries."""
    configure(Format.JSON, "warning")
    structlog.get_logger().info("batch.leased")
    logging.getLogger("some.dependency").info("hello")
    structlog.get_logger().warning("channel.paused")
    assert [line["event"] for line in lines()] == ["channel.paused"]


def test_a_library_s_line_takes_the_same_form(lines: Lines) -> None:
    """What goes through the standard library's logging is one JSON object too."""
    configure(Format.JSON, "info")
    logging.getLogger("some.dependency").warning("%s is slow", "it")
    [line] = lines()
    assert (line["event"], line["logger"], line["level"]) == ("it is slow", "some.dependency", "warning")


@pytest.mark.parametrize("form", [Format.JSON, Format.CONSOLE])
def test_a_traceback_shows_no_local_variable(capsys: pytest.CaptureFixture[str], form: Format) -> None:
    """Local variables hold addresses and credentials."""
    configure(form, "info")
    number = f"+86154{7:08}"

    def send(address: str) -> None:
        raise RuntimeError(f"an address of {len(address)} characters")

    try:
        send(number)
    except RuntimeError:
        structlog.get_logger().exception("send.crashed")
        logging.getLogger("some.dependency").exception("crashed")
    shown = capsys.readouterr().err
    assert "RuntimeError" in shown
    assert number not in shown


def test_without_a_terminal_the_automatic_form_is_json(lines: Lines) -> None:
    """Whoever collects the log needs no setting."""
    configure()
    structlog.get_logger().info("daemon.started")
    assert lines()[0]["event"] == "daemon.started"


def test_the_console_form_is_for_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """Event and facts stand in one plain line."""
    configure(Format.CONSOLE, "info")
    structlog.get_logger().info("daemon.started", port=8080)
    shown = capsys.readouterr().err
    assert "daemon.started" in shown
    assert "port=8080" in shown
    assert not shown.startswith("{")


def test_configuring_twice_writes_each_line_once(lines: Lines) -> None:
    """A second set-up replaces the first."""
    configure(Format.JSON)
    configure(Format.JSON)
    structlog.get_logger().info("daemon.started")
    assert len(lines()) == 1
