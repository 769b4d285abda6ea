# SPDX-License-Identifier: Apache-2.0
"""What the log of a process says about its journals, and how they are completed after a crash.

An entry is what was written into a journal, and where. A journal begins a new generation whenever
it is opened or written anew; entries of an earlier one say nothing about it any more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from l8services._transactions import disk
from l8services._transactions.frames import frame, read_frames

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "LOG_SUFFIX",
    "Entry",
    "began",
    "generation_of",
    "is_began",
    "read_entries",
    "recover",
    "written",
]

LOG_SUFFIX: Final = ".log"
_BEGAN: Final = b"\x92\xa5Began"
"""How the record that begins a generation starts: a MessagePack array of its name and the id."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Some bytes of a journal."""

    round: int
    """How often the log began anew before; entries of another round are left-overs."""
    journal: str
    """Name of the file."""
    generation: str
    position: int
    data: bytes


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Entry)


def began(generation: str) -> bytes:
    """The record of a journal that begins a generation."""
    return _encoder.encode(["Began", generation])


def is_began(record: bytes) -> bool:
    """Whether a record of a journal begins a generation."""
    return record.startswith(_BEGAN)


def generation_of(records: Iterable[bytes]) -> str:
    """The generation that the last records of a journal belong to, "" before the first one."""
    last = None
    for record in records:
        if is_began(record):
            last = record
    return "" if last is None else str(msgspec.msgpack.decode(last)[1])


def written(entry: Entry) -> bytes:
    """An entry as it stands in the log."""
    return frame(_encoder.encode(entry))


def read_entries(data: bytes) -> list[Entry]:
    """The entries of the last round of a log; what a crash tore at the end is none."""
    entries: list[Entry] = []
    for record in read_frames(data)[0]:
        try:
            entry = _decoder.decode(record)
        except msgspec.MsgspecError:
            break
        if entries and entry.round != entries[0].round:
            break
        entries.append(entry)
    return entries


def recover(directory: Path) -> None:
    """Complete the journals of processes that are gone, by what their logs say, and remove these.

    To be called with the directory for oneself.

    Raises:
        OSError: A file cannot be read or written; its log is kept.
    """
    for path in sorted(directory.glob(f"*{LOG_SUFFIX}")):
        log = disk.own(path)
        if log is None:
            # Its process lives and has its journals complete.
            continue
        try:
            by_journal: dict[str, list[Entry]] = {}
            for entry in read_entries(disk.read(log)):
                by_journal.setdefault(entry.journal, []).append(entry)
            for name, entries in by_journal.items():
                _complete(directory / name, entries)
            path.unlink()
        finally:
            os.close(log)


def _complete(path: Path, entries: list[Entry]) -> None:
    """Write what may not have reached the disk; a journal that somebody has was completed."""
    journal = disk.own(path)
    if journal is None:
        return
    try:
        generation = generation_of(read_frames(disk.read(journal))[0])
        for entry in entries:
            if entry.generation == generation:
                disk.put(journal, entry.data, entry.position)
        os.fdatasync(journal)
    finally:
        os.close(journal)
