# SPDX-License-Identifier: Apache-2.0
"""Files in parts, up and down."""

from __future__ import annotations

import hashlib
import os
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from l8services._files.sealing import CHUNK_BYTES
from l8services.files import (
    FILE_STORE,
    FileClient,
    FileStore,
)
from l8types.enums import Action
from l8types.errors import (
    BusyError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    OverloadedError,
    RemoteProtocolError,
    UnavailableError,
)
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8FileUploadRequest,
    L8FileUploadResponse,
)

from .network import FakeNetwork
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


from .storing import SMALL, download, on_disk, part, serve, upload


@pytest.mark.feature("FIL-01")
def test_large_file_goes_in_parts_over_the_network(tmp_path: Path) -> None:
    """From one node to another and back, at once or as it comes, with the digest checked."""
    data = os.urandom(350_001)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 100_000):
            yield data[start : start + 100_000]

    async def scenario() -> None:
        async with FakeNetwork() as network:
            await serve(network, tmp_path)
            client = FileClient(network.node("b").nic, identity="ann")
            for source in (data, pieces()):
                kept = await client.upload("big.bin", source, document="d")
                assert kept.checksum == hashlib.sha256(data).hexdigest()
                stream = client.download(kept.storage_path)
                async with aclosing(stream):
                    parts = [one async for one in stream]
                assert b"".join(parts) == data
                assert len(parts) == 6
                node = network.nodes["a".ljust(36, "0")]
                asked = L8FileDownloadRequest(storage_path=kept.storage_path)
                await node.do(Action.DELETE, asked, key=FILE_STORE)
            with pytest.raises(InvalidInputError, match="is empty"):
                await client.upload("x.bin", b"")
            with pytest.raises(NotFoundError):
                await anext(client.download("0" * 32))
        async with FakeNetwork() as network:
            with pytest.raises(UnavailableError, match="no node of the network offers"):
                await FileClient(network.node("b").nic).upload("a", b"x")

    run(scenario())


def test_list_can_be_read_as_a_stream(tmp_path: Path) -> None:
    """It is one part."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            await upload(node)
            asked = L8FileUploadRequest()
            stream = node.stream(node.uuid, FILE_STORE.name, 0, Action.GET, asked)
            assert [len(one.values) async for one in stream] == [1]

    run(scenario())


def test_parts_have_to_follow_each_other(tmp_path: Path) -> None:
    """One that came already is taken once, one that does not fit is refused and may be repeated."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            opened = await part(node, b"abc", who="ann")
            upload_id = opened.storage_path
            assert opened.file_size == 3
            for _ in range(2):
                assert (await part(node, b"def", upload_id, 3, "ann")).file_size == 6
            for data, offset in ((b"dex", 3), (b"x", 7), (b"abc", 0)):
                with pytest.raises(ConflictError, match="6 bytes of the upload are here"):
                    await part(node, data, upload_id, offset, "ann")
            with pytest.raises(NotFoundError, match="no upload"):
                await part(node, b"x", upload_id, 6, "eve")
            asked = L8FileUploadRequest(file_name="a.txt")
            digest = hashlib.sha256(b"abcdef").hexdigest()
            answer = await node.do(
                Action.POST, asked, upload_id, digest, key=FILE_STORE, identity="ann"
            )
            kept = cast("L8FileUploadResponse", answer.first)
            assert (await download(node, kept.storage_path)).file_data == b"abcdef"

    run(scenario())


def test_upload_with_another_digest_is_refused(tmp_path: Path) -> None:
    """What arrived is not what was sent: nothing is kept."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            upload_id = (await part(node, b"abc")).storage_path
            asked = L8FileUploadRequest(file_name="a.txt")
            with pytest.raises(ConflictError, match="arrived with SHA-256 ba7816bf"):
                await node.do(Action.POST, asked, upload_id, "00", key=FILE_STORE)
            assert on_disk(tmp_path) == []
            asked.file_data = b"x"
            with pytest.raises(InvalidInputError, match="has no data"):
                await node.do(Action.POST, asked, upload_id, "00", key=FILE_STORE)

    run(scenario())


def test_one_part_at_a_time(tmp_path: Path) -> None:
    """A second one meanwhile is refused; order is not left to chance."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            upload_id = (await part(node, b"abc")).storage_path
            kept = cast("FileStore", node.services.handler(FILE_STORE))._kept
            async with kept._using(upload_id, ""):
                with pytest.raises(BusyError, match="one at a time"):
                    await part(node, b"d", upload_id, 3)
            assert (await part(node, b"d", upload_id, 3)).file_size == 4

    run(scenario())


def test_abandoned_uploads_are_removed(tmp_path: Path) -> None:
    """After a while nothing is left of them, on the disk and in the quota."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path, limits=replace(SMALL, abandoned_after=8))
            upload_ids = [(await part(node, b"x" * CHUNK_BYTES)).storage_path for _ in range(2)]
            with pytest.raises(OverloadedError, match="2 uploads are open already"):
                await part(node, b"x")
            assert len(on_disk(tmp_path)) == 2
            kept = cast("FileStore", node.services.handler(FILE_STORE))._kept
            await until(lambda: not on_disk(tmp_path), "all is tidied up")
            assert kept.used_bytes == 0
            with pytest.raises(NotFoundError, match="rested longer than 8 s"):
                await part(node, b"x", upload_ids[0], CHUNK_BYTES)
            await part(node, b"x")

    run(scenario())


def test_answer_that_lacks_parts_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that ends too early is no file."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            kept = await upload(node)

            async def stream(*_: object, **__: object) -> AsyncIterator[object]:
                cut = L8FileDownloadResponse(file_data=b"a", file_size=8)
                yield node.resources.elements.of(cut)

            monkeypatch.setattr(node, "stream", stream)
            with pytest.raises(RemoteProtocolError, match="1 of 8 bytes"):
                async for _ in FileClient(node.nic).download(kept.storage_path):
                    pass

    run(scenario())
