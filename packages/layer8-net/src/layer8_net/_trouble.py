# SPDX-License-Identifier: Apache-2.0
"""What went wrong with calls: a counter for each kind, and one log line, not a thousand."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Trouble"]

_log = logging.getLogger(__name__)

_QUIET_SECONDS: Final = 10.0
"""One line per kind of trouble in this time: a node that is gone fails thousands of calls."""


class Trouble:
    """Counts and logs failed calls by the code of their errors.

    Args:
        node: Alias of the node, for the log.
        monotonic: Clock for the pauses of the log.
    """

    def __init__(self, node: str, monotonic: Callable[[], float]) -> None:
        self._node = node
        self._now = monotonic
        self._quiet_until: dict[str, float] = {}
        self._suppressed: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        """Failed calls by code."""

    def note(self, code: str, service: str, area: int, text: str, *, level: int) -> None:
        """A call failed.

        Args:
            code: That of the error.
            service: What was called.
            area: Its area.
            text: The message of the error.
            level: Log level of its line.
        """
        self.counts[code] += 1
        now = self._now()
        if now < self._quiet_until.get(code, now):
            self._suppressed[code] += 1
            return
        self._quiet_until[code] = now + _QUIET_SECONDS
        more = self._suppressed.pop(code, 0)
        tail = f" (and {more} more like it)" if more else ""
        _log.log(level, "%s: %s area %d: %s: %s%s", self._node, service, area, code, text, tail)
