# SPDX-License-Identifier: Apache-2.0
"""Journals on the disks of simulated hosts: what was not committed is lost with its process."""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from l8services._replication.group import ReplicatedGroup
from l8services._transactions import opening
from l8services._transactions.group import TransactionGroup
from l8services._transactions.records import decode_record, encode
from l8services._transactions.timing import Timing
from l8test.sim import step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from l8services._transactions.records import Record
    from l8test.sim import Host

HOST: Final[ContextVar[Host]] = ContextVar("HOST")
"""On which a service is being activated."""
PAUSE: Final = 0.003
"""Longest time that the disk takes, in seconds."""


class DiskJournal:
    """A journal that is kept by a host.

    Args:
        written: What earlier lives have written.
    """

    lasting = True

    def __init__(self, written: list[bytes]) -> None:
        self._written = written
        self._noted: list[bytes] = []

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(map(len, self._written))

    async def load(self) -> list[Record]:
        """What is on the disk."""
        return [decode_record(record) for record in self._written]

    def note(self, records: Iterable[Record]) -> None:
        """Keep in memory until the next commit."""
        self._noted += map(encode, records)

    async def commit(self, records: Sequence[Record]) -> None:
        """Write; a process that is killed meanwhile has written all of it, or nothing."""
        encoded = [encode(record) for record in records]
        noted, self._noted = self._noted, []
        before = random.random() < 0.5
        if before:
            self._written += [*noted, *encoded]
        await asyncio.sleep(random.uniform(0.0, PAUSE))
        if not before:
            self._written += [*noted, *encoded]

    async def replace(self, records: Sequence[Record]) -> None:
        """Write a new content in one step."""
        self._noted = []
        self._written[:] = [encode(record) for record in records]

    def close(self) -> None:
        """Write what was noted."""
        self._written += self._noted
        self._noted = []


async def _open_journal(directory: Path, name: str) -> DiskJournal:
    del directory
    return DiskJournal(HOST.get().disk.setdefault(f"journal of {name}", []))


def _group(
    kind: type[TransactionGroup], *args: Any, timing: Timing, **options: Any
) -> TransactionGroup:
    group = kind(*args, **options, timing=timing, step=step)
    HOST.get().disk["group"] = group
    return group


@contextmanager
def simulated_journals(timing: Timing | None = None) -> Iterator[None]:
    """Services that are activated meanwhile have their journals here, and take named steps."""
    with ExitStack() as stack:
        for kind in (TransactionGroup, ReplicatedGroup):
            make = partial(_group, kind, timing=timing or Timing())
            stack.enter_context(patch.object(opening, kind.__name__, make))
        stack.enter_context(patch.object(opening, "open_journal", _open_journal))
        yield
