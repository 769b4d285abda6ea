# SPDX-License-Identifier: Apache-2.0
"""Refused writes: clients learn of them when no member can commit them any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from l8services._transactions.effects import Resolve

__all__ = ["Refusals"]


class Refusals:
    """What is refused, and which members have yet to hear that it is undone."""

    def __init__(self) -> None:
        self._open: list[Resolve] = []
        self._unaware: set[str] = set()

    @property
    def open(self) -> bool:
        """Whether there are any."""
        return bool(self._open)

    @property
    def ids(self) -> list[str]:
        """Ids of the commands."""
        return [resolve.id for resolve in self._open]

    def add(self, refused: Iterable[Resolve], unaware: Iterable[str]) -> None:
        """Commands were refused; these members do not know it yet."""
        self._open += refused
        self._unaware = set(unaware)

    def heard(self, member: str) -> None:
        """A member knows."""
        self._unaware.discard(member)

    def release(self, members: Collection[str]) -> list[Resolve]:
        """What may be told, as soon as all of these members know."""
        if not self._open or self._unaware.intersection(members):
            return []
        released, self._open = self._open, []
        return released
