# SPDX-License-Identifier: Apache-2.0
"""What happened in a simulation, in order, as text that is the same for the same seed."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Entry", "LogCapture", "Timeline"]


class Entry(NamedTuple):
    """One thing that happened."""

    time: float
    """Virtual seconds since the start."""
    host: str
    """Where; "" for the network as a whole."""
    event: str

    @override
    def __str__(self) -> str:
        return f"{self.time:10.6f}  {self.host:<12}  {self.event}"


class Timeline:
    """Entries in the order in which they happened.

    Args:
        now: Virtual time.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.entries: list[Entry] = []

    def note(self, event: str, host: str = "") -> None:
        """Add an entry with the time of this moment."""
        self.entries.append(Entry(self._now(), host, event))

    def render(self, last: int | None = None) -> str:
        """Readable transcript, one line per entry; of the ``last`` ones only, if wanted."""
        entries = self.entries if last is None else self.entries[-last:]
        hidden = len(self.entries) - len(entries)
        lines = [f"... {hidden} earlier entries"] if hidden else []
        return "\n".join([*lines, *map(str, entries)])

    def digest(self) -> str:
        """Short text that is equal for equal time-lines."""
        return hashlib.sha256(self.render().encode()).hexdigest()[:16]


class LogCapture(logging.Handler):
    """Writes log records of the simulated code into the time-line.

    Args:
        timeline: Where they go.
        host: Names the host that runs at this moment.
        level: Lowest level to write.
    """

    def __init__(self, timeline: Timeline, host: Callable[[], str], level: int) -> None:
        super().__init__(level)
        self._timeline = timeline
        self._host = host

    @override
    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.levelname.lower()} {record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            text += f" ({type(error).__name__}: {error})"
        self._timeline.note(text, self._host())
