# SPDX-License-Identifier: Apache-2.0
"""One log of all nodes of a process, in which each line tells whose it is."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["CURRENT", "NodeLog"]

CURRENT: Final[ContextVar[str]] = ContextVar("l8test_node", default="")
"""The node that the running task belongs to: tasks inherit it from the one that starts them."""


class NodeLog(logging.Handler):
    """Keeps what is logged while it is entered, by the node that logged it.

    What the test itself logs, or a task that it started, belongs to the node "".

    Args:
        level: Lowest level that is kept; see :meth:`set_level`.

    Attributes:
        records: All records, in order; each has the name of its node as ``record.node``.
    """

    def __init__(self, level: int = logging.INFO) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []
        self._before = logging.NOTSET

    def __enter__(self) -> Self:
        """Begin to listen at the root of all loggers."""
        root = logging.getLogger()
        self._before = root.level
        root.addHandler(self)
        self.set_level(self.level)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the loggers as they were."""
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._before)

    def set_level(self, level: int) -> None:
        """Keep records of this level and above, of all nodes.

        The root logger is told too, since it would not pass on what is below its own level.
        """
        self.setLevel(level)
        logging.getLogger().setLevel(min(level, self._before or level))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        record.node = CURRENT.get()
        self.records.append(record)

    def of(self, node: str, level: int = logging.NOTSET) -> list[str]:
        """What a node logged, as text.

        Args:
            node: Its alias.
            level: Lowest level.
        """
        return [
            record.getMessage()
            for record in self.records
            if getattr(record, "node", "") == node and record.levelno >= level
        ]

    def clear(self) -> None:
        """Forget what was logged."""
        self.records.clear()
