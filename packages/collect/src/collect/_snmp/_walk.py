# SPDX-License-Identifier: Apache-2.0
"""Walking a subtree without being led astray.

A faulty agent can keep a walk going for ever, by answering with an OID that it has given before.
The OIDs of a walk must increase (RFC 3416, section 4.2.2), so the first one that does not ends it,
as does a number of values that no honest table has.
"""

from __future__ import annotations

from l8types.errors import RemoteError

__all__ = ["Arcs", "WalkGuard", "arcs_of"]

Arcs = tuple[int, ...]
"""The numbers of an OID; compares as the order of a MIB."""


def arcs_of(oid: str) -> Arcs:
    """Numbers of an OID in text form."""
    return tuple(int(arc) for arc in oid.strip(".").split("."))


class WalkGuard:
    """Checks one walk, value by value.

    Args:
        oid: Where the walk starts; everything below it belongs to the walk.
        limit: Most values.
    """

    def __init__(self, oid: str, limit: int) -> None:
        self._oid = oid
        self._base = arcs_of(oid)
        self._limit = limit
        self._last = self._base
        self._count = 0

    def index(self, oid: str) -> str | None:
        """Index of a value below the start, ``None`` when the walk has left the subtree.

        Raises:
            RemoteError: The agent does not play by the rules, or there is too much.
        """
        arcs = arcs_of(oid)
        if arcs <= self._last:
            raise RemoteError(
                f"the agent answers {oid} after {'.'.join(map(str, self._last))}; OIDs must "
                f"increase, so the walk of {self._oid} is given up"
            )
        self._last = arcs
        if arcs[: len(self._base)] != self._base:
            return None
        self._count += 1
        if self._count > self._limit:
            raise RemoteError(
                f"more than {self._limit} values below {self._oid}; ask for a smaller part"
            )
        return ".".join(map(str, arcs[len(self._base) :]))
