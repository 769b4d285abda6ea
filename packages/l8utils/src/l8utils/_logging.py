# SPDX-License-Identifier: Apache-2.0
"""Sets up logging for a process. Called by the program that owns the process, never by a library.

Records are written by a thread of their own, so that a slow disk or terminal does not hold the
event loop. Whatever looks like a secret is masked before a record leaves the process.
"""

from __future__ import annotations

import copy
import logging
import logging.handlers
import queue
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from typing_extensions import override

from l8types.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict, Processor, WrappedLogger

MASK: Final = "…"
SECRET_NAMES: Final = (
    "api_key", "apikey", "authorization", "captcha", "community", "credential", "passphrase",
    "passwd", "password", "private_key", "pwd", "secret", "token",
)  # fmt: skip
"""Names whose values are masked, also as parts of longer names."""

_NAME: Final = rf"[\w.-]*(?:{'|'.join(SECRET_NAMES)})[\w.-]*"
_SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
_SECRET_PAIR: Final = re.compile(
    rf"""(["']?{_NAME}["']?\s*[=:]\s*)(?:(?:bearer|basic)\s+)?("[^"]*"|'[^']*'|[^\s,;&}}]+)""",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE)
_URL_LOGIN: Final = re.compile(r"(\w://[^\s/:@]*):[^\s/@]+@")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How a process logs."""

    level: int = logging.INFO
    """Lowest level that is written, numbered as in the standard library."""
    json: bool = False
    """One JSON object per line instead of text for people."""
    console: bool = True
    """Write to standard error."""
    file: Path | None = None
    """Also write to this file; its directory is made. ``None`` for no file."""
    max_file_bytes: int = 10_000_000
    """Size at which the file is rotated."""
    backups: int = 5
    """Rotated files that are kept."""
    queue_size: int = 10_000
    """Records that wait for the writer; more are dropped and counted rather than waited for."""

    def __post_init__(self) -> None:
        if self.max_file_bytes < 1 or self.backups < 1 or self.queue_size < 1:
            raise ConfigurationError("max_file_bytes, backups and queue_size must be above zero")


class _BoundedHandler(logging.handlers.QueueHandler):
    """Hands records to the writer; never waits."""

    def __init__(self, records: queue.Queue[logging.LogRecord]) -> None:
        super().__init__(records)
        self.dropped = 0

    @override
    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        # The arguments may change before the writer gets to them, so the text is made here. The
        # traceback stays, to be formatted by the writer.
        record = copy.copy(record)
        record.msg, record.args = record.getMessage(), None
        return record

    @override
    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _PatientListener(logging.handlers.QueueListener):
    """Writes what is in the line; ends also when the line is full at that moment."""

    @override
    def enqueue_sentinel(self) -> None:
        self.queue.put(self._sentinel)  # type: ignore[attr-defined]  # not in the stubs


@contextmanager
def logging_session(settings: LogSettings | None = None) -> Iterator[None]:
    """Log as the settings say within the block, and as before after it.

    Leaving the block writes what is still waiting, and closes the file.

    Args:
        settings: How to log; by default text of INFO and above on standard error.

    Raises:
        ConfigurationError: The file cannot be opened.
    """
    settings = settings or LogSettings()
    targets = _targets(settings)
    records: queue.Queue[logging.LogRecord] = queue.Queue(settings.queue_size)
    entry = _BoundedHandler(records)
    listener = _PatientListener(records, *targets)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers[:] = [entry]
    root.setLevel(settings.level)
    listener.start()
    try:
        yield
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        listener.stop()
        _tell_drops(entry.dropped, targets)
        for target in targets:
            target.close()


def redact(text: str) -> str:
    """The text with everything masked that looks like a secret.

    Values after names such as ``password=``, bearer tokens, and passwords in URLs.
    """
    text = _URL_LOGIN.sub(rf"\1:{MASK}@", text)
    text = _SECRET_PAIR.sub(rf"\1{MASK}", text)
    return _BEARER.sub(rf"\1 {MASK}", text)


def _targets(settings: LogSettings) -> list[logging.Handler]:
    targets: list[logging.Handler] = [logging.StreamHandler()] if settings.console else []
    if settings.file is not None:
        targets.append(_file_handler(settings, settings.file))
    for target in targets:
        target.setFormatter(_formatter(json=settings.json))
    return targets


def _file_handler(settings: LogSettings, path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(
            path,
            maxBytes=settings.max_file_bytes,
            backupCount=settings.backups,
            encoding="utf-8",
        )
    except OSError as error:
        raise ConfigurationError(
            f"log file {str(path)!r} cannot be opened, name another: {error.strerror}"
        ) from error


def _formatter(*, json: bool) -> logging.Formatter:
    first: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _stamp,
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _redact_event,
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=False),
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=first, processors=last)


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Time at which the record was made, not the later one at which it is written."""
    record: logging.LogRecord = event["_record"]
    event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat()
    return event


def _redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if _SECRET_NAME.fullmatch(name):
            event[name] = MASK
        elif isinstance(value, str):
            event[name] = redact(value)
    return event


def _tell_drops(dropped: int, targets: list[logging.Handler]) -> None:
    if not dropped:
        return
    text = f"{dropped} records were dropped, the writer was too slow"
    record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None)
    for target in targets:
        target.handle(record)
