# SPDX-License-Identifier: Apache-2.0
"""Logging of a process."""

from __future__ import annotations

import io
import json
import logging
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from l8types.enums import OverflowPolicy
from l8types.errors import ConfigurationError
from l8utils import LogSettings, logging_session, redact

if TYPE_CHECKING:
    from pathlib import Path

_logger = logging.getLogger("sample")


def log_file(path: Path, **options: object) -> LogSettings:
    """Settings that write to a file alone."""
    return LogSettings(file=path / "logs" / "node.log", console=False, **options)  # type: ignore[arg-type]


def written(settings: LogSettings) -> str:
    """What is in the file."""
    assert settings.file is not None
    return settings.file.read_text(encoding="utf-8")


def log_failure(text: str) -> None:
    """Log an exception with this text."""
    try:
        int(text)
    except ValueError:
        _logger.exception("failed")


@pytest.mark.feature("LOG-01", "LOG-03")
def test_everything_is_written_in_order_when_the_block_is_left(tmp_path: Path) -> None:
    """Although a thread of its own writes."""
    settings = log_file(tmp_path)
    with logging_session(settings):
        for number in range(500):
            _logger.info("line %d", number)
    lines = written(settings).splitlines()
    assert [line.split("line ")[1].split()[0] for line in lines] == [str(n) for n in range(500)]


@pytest.mark.feature("LOG-03")
def test_text_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """With level and name of the logger."""
    with logging_session():
        _logger.warning("disk %s", "full")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "disk full" in captured.err
    assert "warning" in captured.err
    assert "[sample]" in captured.err


@pytest.mark.feature("LOG-04")
def test_json_has_one_object_per_line(tmp_path: Path) -> None:
    """With the time of the record, extra fields, and the traceback of an exception."""
    settings = log_file(tmp_path, json=True)
    before = datetime.now(UTC)
    with logging_session(settings):
        _logger.info("up", extra={"node": "a"})
        log_failure("bad\nvalue")
    first, second = map(json.loads, written(settings).splitlines())
    assert (first["event"], first["level"], first["logger"]) == ("up", "info", "sample")
    assert first["node"] == "a"
    assert before <= datetime.fromisoformat(first["timestamp"]) <= datetime.now(UTC)
    assert "ValueError: invalid literal" in second["exception"]


@pytest.mark.feature("LOG-04")
def test_lower_levels_are_left_out(tmp_path: Path) -> None:
    """The level is that of the root logger for the time of the block."""
    settings = log_file(tmp_path, level=logging.WARNING)
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    with logging_session(settings):
        _logger.info("hidden")
        _logger.warning("shown")
    assert "hidden" not in written(settings)
    assert "shown" in written(settings)
    assert (root.level, root.handlers) == before


@pytest.mark.feature("LOG-03")
def test_the_file_is_rotated(tmp_path: Path) -> None:
    """As many old files are kept as asked for."""
    settings = log_file(tmp_path, max_file_bytes=500, backups=2)
    with logging_session(settings):
        for number in range(100):
            _logger.info("line %d", number)
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {
        "node.log", "node.log.1", "node.log.2",
    }  # fmt: skip


def test_values_are_those_of_the_call(tmp_path: Path) -> None:
    """What happens to an argument before the writer gets to it does not matter."""
    settings = log_file(tmp_path)
    with logging_session(settings):
        value = ["before"]
        _logger.info("value %s", value)
        value[0] = "after"
    assert "before" in written(settings)


def test_a_slow_writer_costs_records_not_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted, and the number is told at the end."""
    go_on = threading.Event()

    class SlowTerminal(io.StringIO):
        def write(self, text: str) -> int:
            assert go_on.wait(10)
            return super().write(text)

    terminal = SlowTerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with logging_session(LogSettings(queue_size=2)):
        for _ in range(10):
            _logger.info("text")
        go_on.set()
    text = terminal.getvalue()
    # One at the terminal, two in line; the rest found no room.
    assert 2 <= text.count("[sample]") <= 3
    assert f"{10 - text.count('[sample]')} records were dropped" in text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login with password=hunter2", "hunter2"),
        ("user: a, Password: 'hunter 2', x", "hunter 2"),
        ('{"db_password": "hunter2"}', "hunter2"),
        ("api_key=abc123&x=1", "abc123"),
        ("Authorization: Bearer abc.def-ghi", "abc.def"),
        ("sent bearer abc.def-ghi", "abc.def"),
        ("snmp community=public", "public"),
        ("postgresql://admin:hunter2@host/db", "hunter2"),
        ("AUTH_TOKEN = xyz", "xyz"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    """In the text itself."""
    masked = redact(text)
    assert secret not in masked
    assert "…" in masked


@pytest.mark.parametrize("text", ["3 tokens left", "password changed", "http://host:80/path", ""])
def test_ordinary_text_stays(text: str) -> None:
    """Words alone are no secrets."""
    assert redact(text) == text


def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    """In the text, in extra fields by their name, and in tracebacks."""
    settings = log_file(tmp_path, json=True)
    with logging_session(settings):
        _logger.info("password=%s", "hunter2", extra={"auth_token": "hunter3"})
        log_failure("postgresql://a:hunter4@host")
    assert "hunter" not in written(settings)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """Before anything has changed."""
    (tmp_path / "logs").touch()
    before = logging.getLogger().handlers[:]
    with (
        pytest.raises(ConfigurationError, match=r"log file .* cannot be opened"),
        logging_session(log_file(tmp_path)),
    ):
        pytest.fail("the block must not be entered")
    assert logging.getLogger().handlers == before


def test_settings_that_cannot_work_are_refused() -> None:
    """At construction."""
    with pytest.raises(ConfigurationError, match="above zero"):
        LogSettings(queue_size=0)


@pytest.mark.feature("LOG-02")
def test_a_line_can_be_written_when_the_call_returns(tmp_path: Path) -> None:
    """Without a thread, in the order of the calls, by as many targets as there are."""
    settings = log_file(tmp_path, background=False)
    threads = threading.active_count()
    with logging_session(settings):
        for number in range(3):
            _logger.info("line %d", number)
            assert f"line {number}" in written(settings)
        assert threading.active_count() == threads


@pytest.mark.feature("LOG-01")
def test_a_patient_logger_loses_nothing(tmp_path: Path) -> None:
    """The caller waits for the writer when that is the policy."""
    settings = log_file(tmp_path, queue_size=2, overflow=OverflowPolicy.WAIT)
    with logging_session(settings):
        for number in range(500):
            _logger.info("line %d", number)
    assert len(written(settings).splitlines()) == 500


def test_the_writer_does_not_wait_for_itself(tmp_path: Path) -> None:
    """What it logs while the line is full is dropped and counted."""
    settings = log_file(tmp_path, queue_size=1, overflow=OverflowPolicy.WAIT)
    said = threading.Event()

    class Chatty:
        def __repr__(self) -> str:
            for _ in range(5):
                _logger.info("while writing")
            said.set()
            return "value"

    with logging_session(settings):
        _logger.info("one", extra={"chatty": Chatty()})
        assert said.wait(10)
        _logger.info("two")
    text = written(settings)
    assert "chatty=value" in text
    assert "while writing" in text
    assert "two" in text
    assert "records were dropped" in text


ENDINGS = {
    "returns": ("", 0),
    "exits": ("sys.exit(3)", 3),
    "fails": ("raise ValueError('end')", 1),
    "is terminated": ("os.kill(os.getpid(), signal.SIGTERM)\n    signal.pause()", 143),
    "is terminated in its event loop": (
        "asyncio.run(asyncio.to_thread(os.kill, os.getpid(), signal.SIGTERM))",
        143,
    ),
}


@pytest.mark.feature("LOG-01")
@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_lost_when_the_process(ending: str, tmp_path: Path) -> None:
    """Ten thousand lines are written, however it ends, and its status tells how."""
    last, status = ENDINGS[ending]
    code = (
        "import asyncio, logging, os, pathlib, signal, sys\n"
        "from l8utils import LogSettings, logging_session\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "with logging_session(LogSettings(file=path, console=False)):\n"
        "    for number in range(10_000):\n"
        "        logging.getLogger('sample').info('line %d', number)\n"
        f"    {last}\n"
    )
    path = tmp_path / "node.log"
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=50)
    assert done.returncode == status, done.stderr
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.split("line ")[1].split()[0] for line in lines] == [str(n) for n in range(10_000)]


@pytest.mark.feature("LOG-01")
def test_nothing_is_lost_when_the_block_is_never_left(tmp_path: Path) -> None:
    """A session that the program keeps open ends with the process."""
    code = (
        "import logging, pathlib, sys\n"
        "from l8utils import LogSettings, logging_session\n"
        "session = logging_session(LogSettings(file=pathlib.Path(sys.argv[1]), console=False))\n"
        "session.__enter__()\n"
        "for number in range(10_000):\n"
        "    logging.getLogger('sample').info('line %d', number)\n"
    )
    path = tmp_path / "node.log"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=50)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 10_000


def test_a_handler_of_the_program_stays(tmp_path: Path) -> None:
    """Whoever arranges for SIGTERM knows better; otherwise it is as before afterwards."""
    with logging_session(log_file(tmp_path)):
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with logging_session(log_file(tmp_path)):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_session_of_another_thread_leaves_signals_alone(tmp_path: Path) -> None:
    """Only the main thread may arrange for them."""
    settings = log_file(tmp_path)

    def work() -> None:
        with logging_session(settings):
            _logger.info("from a thread")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert "from a thread" in written(settings)


def test_records_cannot_replace_older_ones() -> None:
    """The first lines of a burst tell most."""
    with pytest.raises(ConfigurationError, match="drop-newest or wait"):
        LogSettings(overflow=OverflowPolicy.DROP_OLDEST)
