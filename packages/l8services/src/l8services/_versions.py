# SPDX-License-Identifier: Apache-2.0
"""Versions of items, by which instances agree on the same state whatever the order of messages.

Every write gives its item a stamp: the time of a clock that never goes back and never falls behind
a stamp that was seen, and the id of the node. Of two states of an item the one with the greater
stamp wins everywhere. A change that names what changed makes the same state of the same base only,
so it travels with a mark of the base's stamp; on another base the item is fetched as a whole.

Stamp and mark travel together in the ``time`` of a notification set, which other implementations
leave at 0. A synchronous core: the time is an argument.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ORIGIN", "Clockwork", "Stamp", "Verdict", "Versions", "pack", "tag", "unpack"]

_TAG_BITS: Final = 16
_TAGS: Final = (1 << _TAG_BITS) - 1
TOMBSTONES: Final = 4096
"""Deleted keys that are remembered; enough for minutes of deletions between two fetches."""


class Stamp(NamedTuple):
    """Version of an item; greater is newer."""

    time: int = 0
    """Milliseconds of the hybrid clock, 0 for an item as it came from the store."""
    source: str = ""
    """Id of the node that wrote it."""

    def to_text(self) -> str:
        """Text form, for the key of an element."""
        return f"{self.time}@{self.source}"

    @classmethod
    def from_text(cls, text: object) -> Stamp | None:
        """Stamp of its text form, ``None`` for anything else."""
        if not isinstance(text, str):
            return None
        time, separator, source = text.partition("@")
        if not (separator and time.isascii() and time.isdigit() and len(time) < 20):
            return None
        return cls(int(time), source)


ORIGIN: Final = Stamp()
"""Version of what is not there, or came from the store and was not written since."""


def tag(stamp: Stamp) -> int:
    """Mark of a base, 1 to 65535; 0 stands for :data:`ORIGIN`."""
    if stamp == ORIGIN:
        return 0
    return zlib.crc32(stamp.to_text().encode()) % _TAGS + 1


def pack(stamp: Stamp, base: Stamp) -> int:
    """The ``time`` of a notification set."""
    return stamp.time << _TAG_BITS | tag(base)


def unpack(time: int) -> tuple[int, int]:
    """Time of the stamp and mark of the base; 0 and 0 from a node that does not stamp."""
    return (time >> _TAG_BITS, time & _TAGS) if time > 0 else (0, 0)


class Clockwork:
    """Hybrid clock: the wall clock, but never behind what was seen and never twice the same."""

    def __init__(self) -> None:
        self._last = 0

    def tick(self, now: float) -> int:
        """Time of a new write; ``now`` in Unix seconds."""
        self._last = max(int(now * 1000), self._last + 1)
        return self._last

    def observe(self, time: int) -> None:
        """Never fall behind the time of a stamp from elsewhere."""
        self._last = max(self._last, time)


class Verdict(Enum):
    """What to do with a change from elsewhere."""

    APPLY = "apply"
    IGNORE = "ignore"
    """What is here is newer."""
    FETCH = "fetch"
    """It is newer but made from another base: the whole item is needed."""


class Versions:
    """Stamps of the items of one cache, and of deleted ones for a while.

    Args:
        tombstones: Deleted keys to remember.
    """

    def __init__(self, *, tombstones: int = TOMBSTONES) -> None:
        self._live: dict[str, Stamp] = {}
        self._dead: OrderedDict[str, Stamp] = OrderedDict()
        self._limit = tombstones
        self._removed = 0
        self._horizon = ORIGIN

    def current(self, key: str) -> Stamp:
        """Version of an item, deleted ones included."""
        return self._live.get(key) or self._dead.get(key, ORIGIN)

    def live(self, key: str) -> Stamp | None:
        """Version of an item that is there, else ``None``."""
        return self._live.get(key)

    @property
    def removed(self) -> int:
        """How many items were deleted so far; tells a reader of pages how far they moved."""
        return self._removed

    @property
    def horizon(self) -> Stamp:
        """Newest deletion that is forgotten: what is older and unknown here may have been deleted.

        It was when it was known here, see :class:`Knowledge`.
        """
        return self._horizon

    def forgets(self, horizon: Stamp) -> None:
        """Nothing is known of deletions up to this one that another instance forgot."""
        self._horizon = max(self._horizon, horizon)

    def tombstones(self) -> Iterator[tuple[str, Stamp]]:
        """Keys and stamps of the deletions that are remembered."""
        return iter(tuple(self._dead.items()))

    def judge(self, key: str, stamp: Stamp, base: int, *, whole: bool) -> Verdict:
        """Decide on a change.

        Args:
            key: Key of the item.
            stamp: Version that the change leads to.
            base: Mark of the version it was made from.
            whole: Whether it carries or removes the whole item, so that the base does not matter.
        """
        current = self.current(key)
        if stamp <= current:
            return Verdict.IGNORE
        return Verdict.APPLY if whole or base == tag(current) else Verdict.FETCH

    def judge_run(
        self,
        keys: Sequence[str],
        stamps: Sequence[Stamp],
        bases: Sequence[tuple[int, str] | None],
        whole: Sequence[bool],
        start: int,
    ) -> int:
        """Decide on many changes: how far those go that can be applied one after the other.

        Args:
            keys: Keys of the items.
            stamps: Versions that the changes lead to.
            bases: The very versions they were made from, ``None`` for one that cannot be applied
                together with others.
            whole: For each, whether the base does not matter.
            start: Where to begin.

        Returns:
            Index of the first that cannot be, or their number.
        """
        fresh: dict[str, Stamp] = {}
        live, dead = self._live, self._dead
        for at in range(start, len(keys)):
            key, stamp = keys[at], stamps[at]
            current = fresh.get(key) or live.get(key) or dead.get(key, ORIGIN)
            if stamp <= current or not (whole[at] or bases[at] == current):
                return at
            fresh[key] = stamp
        return len(keys)

    def write_run(self, keys: Sequence[str], stamps: Sequence[Stamp]) -> None:
        """Note the versions of items that are there."""
        if self._dead:
            for key in keys:
                self._dead.pop(key, None)
        self._live.update(zip(keys, stamps, strict=True))

    def write(self, key: str, stamp: Stamp) -> None:
        """Note the version of an item that is there."""
        self._dead.pop(key, None)
        self._live[key] = stamp

    def remove(self, key: str, stamp: Stamp) -> None:
        """Note the version at which an item was deleted."""
        self._live.pop(key, None)
        self._dead.pop(key, None)
        self._dead[key] = stamp
        self._removed += 1
        while len(self._dead) > self._limit:
            _, forgotten = self._dead.popitem(last=False)
            self._horizon = max(self._horizon, forgotten)
