# SPDX-License-Identifier: Apache-2.0
"""Whether a host answers, by protocol, without clock and without waiting.

One lost answer does not make a host unreachable; several in a row do, and one answer makes it
reachable again. Nothing is known before the first verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reachability"]


class Reachability:
    """Verdicts on the protocols of one host.

    Args:
        limit: Failures in a row after which a protocol counts as unreachable.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise InvalidInputError(f"{limit} failures cannot make a host unreachable; at least 1")
        self._limit = limit
        self._failures: dict[str, int] = {}
        self._online: dict[str, bool] = {}

    @property
    def online(self) -> Mapping[str, bool]:
        """The verdicts by protocol."""
        return dict(self._online)

    def answered(self, protocol: str) -> bool:
        """Note an answer; whether the verdict changed."""
        self._failures[protocol] = 0
        return self._decide(protocol, online=True)

    def failed(self, protocol: str) -> bool:
        """Note that no answer came; whether the verdict changed."""
        count = self._failures[protocol] = self._failures.get(protocol, 0) + 1
        return count >= self._limit and self._decide(protocol, online=False)

    def give_up(self, protocol: str) -> None:
        """Count a protocol as unreachable from now on, since nobody asks any more."""
        self._online[protocol] = False

    def _decide(self, protocol: str, *, online: bool) -> bool:
        if self._online.get(protocol) is online:
            return False
        self._online[protocol] = online
        return True
