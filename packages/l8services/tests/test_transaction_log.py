# SPDX-License-Identifier: Apache-2.0
"""The log that the journals of a process share, and what is made of it after a crash."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import stat
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._transactions import disk
from l8services._transactions.frames import frame, read_frames
from l8services._transactions.journal import FileJournal, open_journal
from l8services._transactions.log import SharedLog
from l8services._transactions.messages import Outcome
from l8services._transactions.records import Decided, Items
from l8services._transactions.redo import (
    LOG_SUFFIX,
    Entry,
    began,
    generation_of,
    read_entries,
    recover,
    written,
)
from l8types.errors import ClosedError, UnavailableError

from .virtual import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from l8services._transactions.records import Record

ONE, TWO, THREE = Items((("a", b"1"),)), Items((("b", b"2"),)), Decided(Outcome(3))


def alive() -> list[threading.Thread]:
    """The threads that wait for disks now."""
    return [thread for thread in threading.enumerate() if thread.name == "journals"]


def logs(directory: Path) -> list[Path]:
    """The logs that are there."""
    return list(directory.glob(f"*{LOG_SUFFIX}"))


async def reload(directory: Path, name: str = "books") -> list[object]:
    """The records of a journal as the next process finds them."""
    journal = await open_journal(directory, name)
    try:
        return list(await journal.load())
    finally:
        journal.close()


def power_cut(journal: FileJournal, kept: int) -> None:
    """End as a machine does: what only the log had brought to the disk is gone from the file."""
    os.ftruncate(journal._file.descriptor, kept)
    os.close(journal._file.descriptor)
    journal._file.descriptor = -1
    log = journal._log
    os.close(log._file)
    log._file = -1
    log._dirty.clear()
    log.leave()


class TestLog:
    """Writing."""

    async def test_one_wait_for_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What several journals write in one turn waits for the disk once."""
        journals = [await open_journal(tmp_path, f"books{number}") for number in range(9)]
        await journals[0].commit([ONE])
        synced: list[int] = []
        real = os.fdatasync

        def count(file: int) -> None:
            synced.append(file)
            real(file)

        monkeypatch.setattr(os, "fdatasync", count)
        async with asyncio.TaskGroup() as group:
            for journal in journals:
                group.create_task(journal.commit([TWO]))
        assert len(synced) == 1
        assert len(alive()) == 1
        for journal in journals:
            journal.close()
        assert await reload(tmp_path, "books0") == [ONE, TWO]
        assert await reload(tmp_path, "books8") == [TWO]

    async def test_it_ends_with_its_last_user(self, tmp_path: Path) -> None:
        """Its thread and its file are gone then."""
        first, second = [await open_journal(tmp_path, "books") for _ in range(2)]
        assert first._log is second._log
        await first.commit([ONE])
        first.close()
        await second.commit([TWO])
        assert len(logs(tmp_path)) == 1
        second.close()
        await until(lambda: not alive() and not logs(tmp_path), "the end of the log")

    async def test_it_begins_anew_when_it_is_full(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It stays as large as it may be, and journals are complete without what it had before."""
        monkeypatch.setattr("l8services._transactions.log.FULL_BYTES", 1000)
        journal = await open_journal(tmp_path, "books")
        for _ in range(100):
            await journal.commit([ONE])
        log = journal._log
        assert log._round > 3
        assert log._position < 1200
        entries = read_entries(logs(tmp_path)[0].read_bytes())
        assert {entry.round for entry in entries} <= {log._round, log._round - 1}
        power_cut(journal, journal.size)
        assert await reload(tmp_path) == [ONE] * 100

    async def test_who_gives_up_harms_nobody(self, tmp_path: Path) -> None:
        """What a cancelled writer wrote is whole, and what the next one writes comes after it."""
        journal = await open_journal(tmp_path, "books")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(journal.commit([ONE]))
            await asyncio.sleep(0)
            task.cancel()
        await journal.commit([TWO])
        journal.close()
        assert await reload(tmp_path) == [ONE, TWO]

    @pytest.mark.parametrize("refused", ["journal", "log"])
    async def test_full_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
    ) -> None:
        """What a full disk refuses is in no journal, then or after a crash; others are served."""
        journal, other = [await open_journal(tmp_path, name) for name in ("books", "other")]
        await journal.commit([ONE])
        real, target = os.pwrite, journal._file.descriptor
        if refused == "log":
            target = journal._log._file

        def full(file: int, data: bytes, position: int) -> int:
            if file == target:
                real(file, bytes(data)[:3], position)
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(file, data, position)

        kept = journal.size
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", full)
            with pytest.raises(UnavailableError, match="No space left"):
                await journal.commit([TWO])
            if refused == "journal":
                await other.commit([TWO])
        assert os.fstat(journal._file.descriptor).st_size == kept
        await journal.commit([THREE])
        other.close()
        power_cut(journal, kept)
        assert await reload(tmp_path) == [ONE, THREE]

    async def test_closed(self, tmp_path: Path) -> None:
        """A closed journal takes nothing any more, and closing again does nothing."""
        journal = await open_journal(tmp_path, "books")
        journal.close()
        journal.close()
        with pytest.raises(ClosedError):
            await journal.commit([ONE])


class Machine:
    """A directory on a disk that has of each file only what was brought to it, when power is cut.

    Args:
        directory: The directory.
        monkeypatch: Lets the calls of the system pass through here.
        chance: What else is on the disk, or is not.
    """

    def __init__(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch, chance: random.Random
    ) -> None:
        self.directory = directory
        self.chance = chance
        self.safe: dict[int, bytes] = {}
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, partial(self._sync, getattr(os, name)))

    def _sync(self, real: Callable[[int], None], file: int) -> None:
        real(file)
        if not stat.S_ISDIR(os.fstat(file).st_mode):
            self.safe[os.fstat(file).st_ino] = disk.read(file)

    def cut(self, journals: list[FileJournal]) -> None:
        """End all at once; of what was not brought to the disk some may be there, or only zeros."""
        log = journals[0]._log
        log._of.clear()
        with log._busy:
            for file in [journal._file for journal in journals]:
                os.close(file.descriptor)
                file.descriptor = -1
            if log._file >= 0:
                os.close(log._file)
                log._file = -1
        log._jobs.put(None)
        for path in self.directory.iterdir():
            if path.suffix in {".journal", LOG_SUFFIX, ".new"}:
                path.write_bytes(self._torn(path))

    def _torn(self, path: Path) -> bytes:
        now, safe = path.read_bytes(), self.safe.get(path.stat().st_ino, b"")
        if path.suffix == LOG_SUFFIX or self.chance.random() < 0.3:
            return safe
        end = self.chance.randrange(len(now) + 1)
        longer = bytes(self.chance.choice([0, max(0, len(now) - max(end, len(safe)))]))
        return now[:end] + safe[end:] + longer


@pytest.mark.parametrize("seed", range(25))
async def test_what_was_acknowledged_survives_a_cut_of_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever else the disk has of the files: all that was safe is there, in order."""
    chance = random.Random(seed)
    machine = Machine(tmp_path, monkeypatch, chance)
    monkeypatch.setattr("l8services._transactions.log.FULL_BYTES", chance.choice([500, 3000]))
    names = ["a", "b", "c"]
    kept: dict[str, list[Record]] = {name: [] for name in names}
    number = 0
    for _ in range(3):
        journals = {name: await open_journal(tmp_path, name) for name in names}
        for name, journal in journals.items():
            assert (await journal.load())[: len(kept[name])] == kept[name]
            kept[name] = list(kept[name])
            await journal.replace(kept[name])
        for _ in range(chance.randrange(30)):
            chosen = chance.sample(names, chance.randint(1, 3))
            written: dict[str, list[Record]] = {}
            async with asyncio.TaskGroup() as group:
                for name in chosen:
                    number += 1
                    written[name] = [Items(((f"{number}", bytes(chance.randrange(60))),))]
                    group.create_task(journals[name].commit(written[name]))
            for name, records in written.items():
                kept[name] += records
            if chance.random() < 0.1:
                await journals[chosen[0]].replace(kept[chosen[0]])
        machine.cut(list(journals.values()))


class TestCrash:
    """What the next process finds."""

    async def test_the_log_completes_the_journal(self, tmp_path: Path) -> None:
        """What was safe is there, though the journal itself had not reached the disk."""
        journal = await open_journal(tmp_path, "books")
        kept = journal.size
        journal.note([ONE])
        await journal.commit([TWO])
        await journal.commit([THREE])
        power_cut(journal, kept)
        assert await reload(tmp_path, "other") == []
        assert not logs(tmp_path), "whoever comes first completes all"
        assert await reload(tmp_path) == [ONE, TWO, THREE]

    async def test_what_the_log_says_of_an_earlier_generation_is_void(self, tmp_path: Path) -> None:
        """A journal that was written anew since is not written over by what it had before."""
        journal = await open_journal(tmp_path, "books")
        await journal.commit([ONE])
        await journal.commit([TWO])
        await journal.replace([THREE])
        power_cut(journal, journal.size)
        assert await reload(tmp_path) == [THREE]

    async def test_a_process_that_lives_is_left_alone(self, tmp_path: Path) -> None:
        """Its log is not taken from it by others that open journals."""
        journal = await open_journal(tmp_path, "books")
        await journal.commit([ONE])
        with disk.alone(tmp_path):
            recover(tmp_path)
        assert len(logs(tmp_path)) == 1
        await journal.commit([TWO])
        journal.close()
        assert await reload(tmp_path) == [ONE, TWO]

    async def test_a_journal_that_cannot_be_completed_keeps_its_log(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error says so, and a later start succeeds."""
        journal = await open_journal(tmp_path, "books")
        kept = journal.size
        await journal.commit([ONE])
        power_cut(journal, kept)

        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", full)
            with pytest.raises(UnavailableError, match="No space left"):
                await open_journal(tmp_path, "books")
        assert await reload(tmp_path) == [ONE]

    async def test_journal_of_an_earlier_version(self, tmp_path: Path) -> None:
        """One that was written before there was a log is read as ever."""
        (tmp_path / "books.journal").write_bytes(frame(b"\x92\xa7Decided\x92\x03\xc3"))
        assert await reload(tmp_path) == [THREE]

    async def test_file_that_is_longer_than_its_content(self, tmp_path: Path) -> None:
        """Zeros at the end, of which a system may make up what it did not write, are no records."""
        journal = await open_journal(tmp_path, "books")
        await journal.commit([ONE])
        journal.close()
        with (tmp_path / "books.journal").open("ab") as file:
            file.write(bytes(4096))
        assert await reload(tmp_path) == [ONE]

    async def test_a_cancelled_write_and_a_new_file(self, tmp_path: Path) -> None:
        """A journal that is written anew waits for a write that nobody waits for any more."""
        journal = await open_journal(tmp_path, "books")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(journal.commit([ONE, ONE, ONE]))
            await asyncio.sleep(0)
            task.cancel()
        await journal.replace([TWO])
        await journal.commit([THREE])
        power_cut(journal, journal.size)
        found = await reload(tmp_path)
        assert found[0] == TWO
        assert found[-1] == THREE

    def test_journal_that_is_gone(self, tmp_path: Path) -> None:
        """What the log says of it is of no use to anybody."""
        (tmp_path / f"x{LOG_SUFFIX}").write_bytes(written(Entry(0, "gone.journal", "g", 0, b"x")))
        recover(tmp_path)
        assert not list(tmp_path.iterdir())


@given(
    old=st.lists(st.binary(max_size=40), max_size=8),
    new=st.lists(st.binary(max_size=40), min_size=1, max_size=8),
    torn=st.integers(0, 200),
)
def test_entries_of_one_round(old: list[bytes], new: list[bytes], torn: int) -> None:
    """Of a log that was begun anew the last round is read, up to what was torn at its end."""
    was = b"".join(written(Entry(1, "j", "g", 7, data)) for data in old) + bytes(50)
    pieces = [written(Entry(2, "j", "g", 7, data)) for data in new]
    now = b"".join(pieces)
    whole = [Entry(2, "j", "g", 7, data) for data in new]
    assert read_entries(now + was[len(now) :]) == whole
    cut = now[: min(torn, len(now) - 1)]
    assert read_entries(cut) == whole[: len(read_entries(cut))]


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """A log of any bytes has no entries or some, and is no error."""
    read_entries(data)
    read_entries(frame(data))


def test_generations() -> None:
    """The last one counts; a journal may have none."""
    assert generation_of([]) == ""
    records = [began("one"), b"\xc0", began("two"), b"\xc0"]
    assert generation_of(records) == "two"
    assert read_frames(b"".join(map(frame, records)))[0] == records


async def test_logs_of_directories(tmp_path: Path) -> None:
    """Each directory has its own, since it may be on another disk."""
    one, other = SharedLog.join(tmp_path / "one"), SharedLog.join(tmp_path / "other")
    assert one is not other
    one.leave()
    other.leave()
