# SPDX-License-Identifier: Apache-2.0
"""Sets up logging for a process. Called by the program that owns the process, never by a library.

Records are written by a thread of their own, so that a slow disk or terminal does not hold the
event loop; what waits for it is written before the process ends, also when SIGTERM ends it.
Whatever looks like a secret is masked before a record leaves the process.
"""

from __future__ import annotations

import atexit
import copy
import logging
import logging.handlers
import queue
import re
import signal
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from typing_extensions import override

from l8types.enums import OverflowPolicy
from l8types.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

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
    background: bool = True
    """Whether a thread of its own writes; otherwise a line is written when the call returns."""
    queue_size: int = 50_000
    """Records that wait for the writer."""
    overflow: OverflowPolicy = OverflowPolicy.DROP_NEWEST
    """What happens to more: they are dropped and counted (``DROP_NEWEST``), or the caller waits
    (``WAIT``), which loses nothing and may hold the event loop."""

    def __post_init__(self) -> None:
        if self.overflow not in {OverflowPolicy.DROP_NEWEST, OverflowPolicy.WAIT}:
            raise ConfigurationError(f"records cannot {self.overflow.value}, drop-newest or wait")
        if self.max_file_bytes < 1 or self.backups < 1 or self.queue_size < 1:
            raise ConfigurationError("max_file_bytes, backups and queue_size must be above zero")


class _BoundedHandler(logging.handlers.QueueHandler):
    """Hands records to the writer; waits only if that is the policy."""

    def __init__(self, records: queue.Queue[logging.LogRecord], policy: OverflowPolicy) -> None:
        super().__init__(records)
        self._records = records
        self._policy = policy
        self.dropped = 0
        self._counting = threading.Lock()
        self.writer = 0
        """The thread that writes; it must not wait for itself."""

    @override
    def handle(self, record: logging.LogRecord) -> bool:
        # Without the lock of the handler: whoever waits for room would keep it from the writer.
        self.emit(record)
        return True

    @override
    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        # The arguments may change before the writer gets to them, so the text is made here. The
        # traceback stays, to be formatted by the writer.
        record = copy.copy(record)
        record.msg, record.args = record.getMessage(), None
        return record

    @override
    def enqueue(self, record: logging.LogRecord) -> None:
        waits = self._policy is OverflowPolicy.WAIT and threading.get_ident() != self.writer
        try:
            self._records.put(record, block=waits)
        except queue.Full:
            with self._counting:
                self.dropped += 1


class _PatientListener(logging.handlers.QueueListener):
    """Writes what is in the line; ends also when the line is full at that moment."""

    def __init__(
        self,
        records: queue.Queue[logging.LogRecord],
        entry: _BoundedHandler,
        *targets: logging.Handler,
    ) -> None:
        super().__init__(records, *targets)
        self._entry = entry

    @override
    def handle(self, record: logging.LogRecord) -> None:
        self._entry.writer = threading.get_ident()
        super().handle(record)

    @override
    def enqueue_sentinel(self) -> None:
        self.queue.put(self._sentinel)  # type: ignore[attr-defined]  # not in the stubs


@contextmanager
def logging_session(settings: LogSettings | None = None) -> Iterator[None]:
    """Log as the settings say within the block, and as before after it.

    Leaving the block writes what is still waiting, and closes the file. So does the end of the
    process within the block. SIGTERM, unless the program handles it, becomes ``SystemExit``, so
    that the block is left.

    Args:
        settings: How to log; by default text of INFO and above on standard error.

    Raises:
        ConfigurationError: The file cannot be opened.
    """
    settings = settings or LogSettings()
    targets = _targets(settings)
    with ExitStack() as left:
        for target in targets:
            left.callback(target.close)
        if settings.background:
            left.callback(_Background(settings, targets).stop)
        else:
            left.callback(_take_over(settings.level, targets))
        # A block that is never left, because nobody closes its generator, ends with the process.
        atexit.register(left.close)
        left.callback(atexit.unregister, left.close)
        left.enter_context(_ending_by_exception())
        yield


class _Background:
    """The line of records, and the thread that writes them."""

    def __init__(self, settings: LogSettings, targets: list[logging.Handler]) -> None:
        records: queue.Queue[logging.LogRecord] = queue.Queue(settings.queue_size)
        self._targets = targets
        self._entry = _BoundedHandler(records, settings.overflow)
        self._listener = _PatientListener(records, self._entry, *targets)
        self._listener.start()
        self._give_back = _take_over(settings.level, [self._entry])

    def stop(self) -> None:
        """Write what waits, then end."""
        self._give_back()
        self._listener.stop()
        _tell_drops(self._entry.dropped, self._targets)


def _take_over(level: int, handlers: list[logging.Handler]) -> Callable[[], None]:
    """Let the root logger have these handlers; the result lets it have the former ones again."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers[:] = handlers
    root.setLevel(level)

    def give_back() -> None:
        root.handlers[:] = before[0]
        root.setLevel(before[1])

    return give_back


@contextmanager
def _ending_by_exception() -> Iterator[None]:
    """Let SIGTERM raise ``SystemExit`` within the block, where nothing else is arranged."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is _exit:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> None:
    # The status that a shell reports for a process that a signal ended.
    raise SystemExit(128 + number)


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
