# SPDX-License-Identifier: Apache-2.0
"""Files on the disk: nothing readable, nothing damaged unnoticed, trouble told."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._files import store as store_module
from l8services._files.disk import Disk
from l8services._files.records import FileRecord, from_disk, to_disk
from l8services._files.sealing import CHUNK_BYTES, Sealer
from l8services.files import (
    FILE_STORE,
)
from l8types.errors import (
    ConflictError,
    DecodeError,
    L8Error,
    NotFoundError,
    OverloadedError,
    UnavailableError,
)

from .network import FakeNetwork
from .virtual import run

if TYPE_CHECKING:
    from pathlib import Path


from .storing import KEYS, download, full_disk, listed, on_disk, one_of, part, serve, upload


@pytest.mark.feature("FIL-02")
def test_nothing_readable_is_on_the_disk(tmp_path: Path) -> None:
    """Neither contents nor names; only this user may read the files."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            await upload(node, b"very secret " * 100, "secret.txt", document_id="secret")
            for path in on_disk(tmp_path):
                assert b"secret" not in path.read_bytes()
                assert "secret" not in str(path.relative_to(tmp_path))
                assert path.stat().st_mode & 0o077 == 0

    run(scenario())


@pytest.mark.feature("FIL-02")
@pytest.mark.parametrize("kind", ["data", "meta"])
def test_damage_on_the_disk_is_noticed(tmp_path: Path, kind: str) -> None:
    """A single bit, or a cut, and nothing is given that is not what was kept."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            kept = await upload(node, b"x" * (3 * CHUNK_BYTES + 5), "a.txt")
            path = one_of(tmp_path, f"*.{kind}")
            good = path.read_bytes()
            bad = [good[:-1], good[:20], good[:-1] + bytes([good[-1] ^ 1]), b"", good + b"x" * 70]
            for data in bad if kind == "meta" else bad[:4]:
                path.write_bytes(data)
                with pytest.raises(DecodeError):
                    await download(node, kept.storage_path)
            path.write_bytes(b"\0" * 70_000)
            with pytest.raises(DecodeError):
                await download(node, kept.storage_path)
            path.write_bytes(good)
            assert (await download(node, kept.storage_path)).file_size == 3 * CHUNK_BYTES + 5

    run(scenario())


def test_chunks_that_are_missing_or_exchanged_are_noticed(tmp_path: Path) -> None:
    """Whole chunks of a file are bound to their place, those of another file to that one."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            kept = await upload(node, os.urandom(2 * CHUNK_BYTES), "a.bin")
            path = one_of(tmp_path, "*.data")
            whole = path.read_bytes()
            half = len(whole) // 2
            for data in (whole[half:] + whole[:half], whole[:half]):
                path.write_bytes(data)
                with pytest.raises(DecodeError):
                    await download(node, kept.storage_path)

    run(scenario())


def test_digest_is_checked_on_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the seal to fail, the digest would still tell."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            kept = await upload(node)
            real = Sealer.open

            def opened(self: Sealer, place: int, data: bytes) -> bytes:
                found = real(self, place, data)
                return found if found.startswith(b"{") else found[::-1]

            monkeypatch.setattr(Sealer, "open", opened)
            with pytest.raises(DecodeError, match="another SHA-256"):
                await download(node, kept.storage_path)

    run(scenario())


def test_unreadable_file_does_not_keep_the_store_from_starting(tmp_path: Path) -> None:
    """It is left alone, for a person to look at; the others are served."""

    async def scenario(*, first: bool) -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            if first:
                await upload(node, name="1.csv", document_id="a")
                await upload(node, name="2.csv", document_id="b")
            else:
                assert len(await listed(node)) == 1
                assert len(on_disk(tmp_path)) == 4

    run(scenario(first=True))
    next(tmp_path.rglob("*.meta")).write_bytes(b"garbage")
    run(scenario(first=False))


@pytest.mark.feature("FIL-02")
@pytest.mark.parametrize("after", [0, 1])
def test_full_disk_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Nothing half-written is left, whichever write fails, and the store goes on."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            with full_disk(monkeypatch, after), pytest.raises(OverloadedError, match="no space"):
                await upload(node)
            assert on_disk(tmp_path) == []
            with full_disk(monkeypatch, after):
                opened = await part(node, b"x")
                with pytest.raises(OverloadedError, match="no space"):
                    await part(node, b"y" * 2 * CHUNK_BYTES, opened.storage_path, 1)
            with pytest.raises(NotFoundError, match="it is over"):
                await part(node, b"z", opened.storage_path, 1)
            assert on_disk(tmp_path) == []
            await upload(node)

    run(scenario())


def test_other_trouble_of_the_disk_is_told(tmp_path: Path) -> None:
    """A folder that cannot be one, a file that went, a link where a file was."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path / "files")
            kept = await upload(node)
            data = one_of(tmp_path, "*.data")
            target = tmp_path / "elsewhere"
            data.rename(target)
            with pytest.raises(UnavailableError, match="cannot read a file: No such file"):
                await download(node, kept.storage_path)
            data.symlink_to(target)
            with pytest.raises(UnavailableError, match="cannot read a file"):
                await download(node, kept.storage_path)
            (tmp_path / "plain").write_text("x")
            with pytest.raises(UnavailableError, match="cannot open the folder"):
                await serve(network, tmp_path / "plain", name="b")

    run(scenario())


def test_folder_belongs_to_one_store(tmp_path: Path) -> None:
    """A second one would take what the first writes for left behind; it may follow the first."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            with pytest.raises(ConflictError, match="another file store uses"):
                await serve(network, tmp_path, name="b")
            await node.services.deactivate(FILE_STORE)
            await serve(network, tmp_path, name="c")

    run(scenario())


@given(st.binary(max_size=200))
def test_descriptions_are_read_or_refused(data: bytes) -> None:
    """Whatever is on the disk, the one error says so."""
    for tail in (data, b"L8FILE\x01\n" + data, b"L8FILE\x01\n\x00\x00\x20" + data):
        with pytest.raises(DecodeError):
            from_disk("0" * 32, tail, KEYS)


def test_description_of_another_file_is_refused(tmp_path: Path) -> None:
    """Neither one that was moved nor one that names another file."""
    sealer = Sealer("a")
    record = FileRecord("b", "d", 1, "n", "t", 1, "s", 0.0)
    with pytest.raises(DecodeError, match="of another file"):
        from_disk("a", to_disk(record, sealer, KEYS), KEYS)
    wrong = to_disk(record, sealer, KEYS)[:-16] + bytes(16)
    with pytest.raises(DecodeError, match="damaged or changed"):
        from_disk("a", wrong, KEYS)


def test_work_in_a_thread_is_finished_before_a_cancellation_is_felt() -> None:
    """What a thread works with is not taken away under its hands."""
    done: list[str] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        started, go = asyncio.Event(), threading.Event()

        def work() -> None:
            loop.call_soon_threadsafe(started.set)
            go.wait(10)
            done.append("thread")

        async with asyncio.TaskGroup() as group:
            task = group.create_task(store_module._finished(work))
            await started.wait()
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0)
            done.append("cancelled")
            go.set()
            await asyncio.wait([task])
            assert task.cancelled()

    asyncio.run(scenario())
    assert done == ["cancelled", "thread"]


def test_errors_of_clean_up_do_not_hide_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that cannot be removed is removed at the next start."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            with monkeypatch.context() as patch:

                def refuse(*_: object) -> None:
                    raise UnavailableError("no")

                patch.setattr(Disk, "remove", refuse)
                with pytest.raises(L8Error, match="holds something else"):
                    await upload(node, b"x", "a.png")
            assert len(on_disk(tmp_path)) == 1

    async def again() -> None:
        async with FakeNetwork() as network:
            await serve(network, tmp_path)
            assert on_disk(tmp_path) == []

    run(scenario())
    run(again())
