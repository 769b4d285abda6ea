# SPDX-License-Identifier: Apache-2.0
"""Whether what concurrent clients saw of single keys could have happened one after the other.

A history is linearizable when each operation can be given a moment between its begin and its end so
that, in the order of these moments, every read returns what was written last. The search is that of
Wing and Gong: it tries the operations that may come next, and remembers where it has been. Keys are
checked one by one, which is enough for all of them together.

:class:`Recorder` keeps the history of a client in a file, which outlives a client that is killed,
and :func:`recorded` reads the histories of all clients back.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Operation", "Recorder", "check_linearizable", "recorded"]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client did with a key, and when.

    Attributes:
        key: The key.
        value: What was written, or read.
        begin: When the client asked.
        end: When it had the answer; infinite for a write with an unknown outcome, which may happen
            at any time after its begin, or never. Operations that are known not to have happened
            do not belong into a history.
        write: Whether it was a write.
    """

    key: str
    value: Hashable
    begin: float
    end: float = math.inf
    write: bool = True


def check_linearizable(history: Iterable[Operation], initial: Hashable = None) -> str:
    """Look for an order of the operations that explains what was read.

    Args:
        history: Operations of any number of keys, in any order.
        initial: What every key has before the first write.

    Returns:
        "" when there is such an order for every key, else the first key without one and the
        operations that cannot be placed.

    Raises:
        ValueError: An operation ends before it begins, or a read has no end.
    """
    keys: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in history:
        if operation.end < operation.begin:
            raise ValueError(f"{operation} ends before it begins")
        if not operation.write and math.isinf(operation.end):
            raise ValueError(f"{operation} is a read without an answer")
        keys[operation.key].append(operation)
    for key in sorted(keys):
        stuck = _search(sorted(_seen(keys[key]), key=lambda op: op.begin), initial)
        if stuck:
            return f"key {key!r}: no place for {', '.join(map(_describe, stuck[:5]))}"
    return ""


def _seen(operations: Sequence[Operation]) -> list[Operation]:
    """Leave out writes with an unknown outcome whose values nobody read.

    They explain nothing, and each of them doubles what there is to be tried.
    """
    read = {operation.value for operation in operations if not operation.write}
    return [op for op in operations if not math.isinf(op.end) or op.value in read]


def _search(operations: Sequence[Operation], initial: Hashable) -> list[Operation]:
    """The operations that could not be placed in the longest order found, none when all could."""
    needed = sum(1 << n for n, op in enumerate(operations) if not math.isinf(op.end))
    best = 0
    seen: set[tuple[int, Hashable]] = set()
    waiting: list[tuple[int, Hashable]] = [(0, initial)]
    while waiting:
        placed, value = waiting.pop()
        if placed & needed == needed:
            return []
        if (placed, value) in seen:
            continue
        seen.add((placed, value))
        if (placed & needed).bit_count() > (best & needed).bit_count():
            best = placed
        waiting += _next(operations, placed, value)
    return [op for n, op in enumerate(operations) if needed >> n & 1 and not best >> n & 1]


def _next(
    operations: Sequence[Operation], placed: int, value: Hashable
) -> list[tuple[int, Hashable]]:
    """What may come next: an operation that began before any of those left over ended."""
    found: list[tuple[int, Hashable]] = []
    limit = math.inf
    for number, operation in enumerate(operations):
        if placed >> number & 1:
            continue
        if operation.begin > limit:
            break
        limit = min(limit, operation.end)
    for number, operation in enumerate(operations):
        if operation.begin > limit:
            break
        if placed >> number & 1:
            continue
        if operation.write:
            found.append((placed | 1 << number, operation.value))
        elif operation.value == value:
            # A read changes nothing, so there is no reason to try anything else before it.
            return [(placed | 1 << number, value)]
    return found


def _describe(operation: Operation) -> str:
    what = "write of" if operation.write else "read of"
    return f"{what} {operation.value!r} from {operation.begin:.6f} to {operation.end:.6f}"


class Recorder:
    """Writes down what one client does; clients in any number of processes may share the file.

    Each line is one write to the file: a process that is killed leaves all it had begun, and what
    it had no answer to is a write with an unknown outcome.

    Args:
        file: Made when it is not there.
        client: Names the client; no other one, of an earlier life neither, may have the name.
        clock: Seconds. The default is the same for all processes of a machine.
    """

    def __init__(
        self, file: Path, client: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._count = 0
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        """Record nothing more."""
        os.close(self._handle)

    def now(self) -> float:
        """The time, to be taken before a read is asked for."""
        return self._clock()

    def writing(self, key: str, value: str) -> str:
        """A write begins; to be told before it is sent.

        Returns:
            What :meth:`acknowledged` and :meth:`refused` want to know.
        """
        self._count += 1
        name = f"{self._client}/{self._count}"
        self._line("writing", name, key, value, self._clock())
        return name

    def acknowledged(self, name: str) -> None:
        """The write has happened. Without this line nobody knows whether it has."""
        self._line("acknowledged", name, self._clock())

    def refused(self, name: str) -> None:
        """The write has certainly not happened and never will: nobody may ever read its value."""
        self._line("refused", name)

    def read(self, key: str, value: str | None, begin: float) -> None:
        """A read that began then has just been answered; ``None`` when there was nothing."""
        self._line("read", key, value, begin, self._clock())

    def _line(self, *fields: object) -> None:
        os.write(self._handle, json.dumps(fields).encode() + b"\n")


def recorded(file: Path) -> list[Operation]:
    """What clients did, without the writes that were refused; empty when there is no file.

    Raises:
        ValueError: A line is none of a recorder's; the last one of a killed process is whole or
            missing, never halved.
    """
    writes: dict[str, Operation] = {}
    reads: list[Operation] = []
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for number, line in enumerate(lines, 1):
        match json.loads(line):
            case ["writing", str(name), str(key), str(value), float(begin)]:
                writes[name] = Operation(key, value, begin)
            case ["acknowledged", str(name), float(end)] if name in writes:
                writes[name] = replace(writes[name], end=end)
            case ["refused", str(name)] if name in writes:
                del writes[name]
            case ["read", str(key), str() | None as value, float(begin), float(end)]:
                reads.append(Operation(key, value, begin, end, write=False))
            case _:
                raise ValueError(f"{file}:{number} is no line of a history: {line[:100]}")
    return [*writes.values(), *reads]
