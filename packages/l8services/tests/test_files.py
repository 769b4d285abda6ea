# SPDX-License-Identifier: Apache-2.0
"""The file store: files are kept, listed, versioned and seen by those who may."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import pytest

from l8services._files.disk import is_file_id
from l8services._files.records import from_disk
from l8services._files.sealing import CHUNK_BYTES, Sealer
from l8services.files import (
    FILE_STORE,
    FileKeys,
    FileLimits,
    FileStore,
    KeyWrapper,
    ProviderKey,
    file_store_sla,
)
from l8types.enums import Action
from l8types.errors import (
    ClosedError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InvalidInputError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
)
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileUploadRequest,
)

from .model import Book
from .network import FakeNetwork
from .virtual import run

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.security import Cipher

from .storing import KEY, KEYS, OTHER, PNG, TEXT, download, listed, on_disk, part, serve, upload


@pytest.mark.feature("FIL-01")
def test_file_is_kept_and_given_back(tmp_path: Path) -> None:
    """With its name, type, size and digest; where it is, an opaque id says."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            kept = await upload(node, PNG, "a/b\\c/pic.PNG")
            assert is_file_id(kept.storage_path)
            assert (kept.file_name, kept.mime_type, kept.file_size) == (
                "pic.PNG",
                "image/png",
                len(PNG),
            )
            assert kept.checksum == hashlib.sha256(PNG).hexdigest()
            for action in (Action.PUT, Action.GET):
                found = await download(node, kept.storage_path, action)
                assert (found.file_data, found.file_name, found.mime_type, found.file_size) == (
                    PNG, "pic.PNG", "image/png", len(PNG),
                )  # fmt: skip

    run(scenario())


@pytest.mark.feature("FIL-01")
def test_files_are_listed_and_deleted(tmp_path: Path) -> None:
    """All of them, or the versions of a document; a deleted one leaves nothing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            first = await upload(node, name="1.csv", document_id="d")
            await upload(node, name="2.csv", document_id="d")
            await upload(node, name="x.csv")
            assert sorted(await listed(node)) == ["1.csv", "2.csv", "x.csv"]
            assert await listed(node, "d") == ["1.csv", "2.csv"]
            asked = L8FileDownloadRequest(storage_path=first.storage_path)
            await node.do(Action.DELETE, asked, key=FILE_STORE)
            assert await listed(node, "d") == ["2.csv"]
            assert len(on_disk(tmp_path)) == 4
            with pytest.raises(NotFoundError):
                await download(node, first.storage_path)

    run(scenario())


@pytest.mark.feature("FIL-02")
def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """W-17: versions are counted, or named; one that is there is refused, what is kept stays."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            first = await upload(node, b"one", "a.txt", document_id="d")
            await upload(node, b"five", "a.txt", document_id="d", version=5)
            await upload(node, b"six", "a.txt", document_id="d")
            with pytest.raises(ConflictError, match="version 6 of document 'd' is there"):
                await upload(node, b"!", "a.txt", document_id="d", version=6)
            assert (await download(node, first.storage_path)).file_data == b"one"
            assert len(on_disk(tmp_path)) == 6
            with pytest.raises(InvalidInputError, match="version -1"):
                await upload(node, document_id="d", version=-1)
            with pytest.raises(InvalidInputError, match="201 characters, at most 200"):
                await upload(node, document_id="x" * 201)

    run(scenario())


@pytest.mark.feature("FIL-02")
def test_files_survive_a_restart(tmp_path: Path) -> None:
    """What was acknowledged is there, versions go on, and what was not finished is gone."""

    async def scenario() -> str:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            kept = await upload(node, document_id="d")
            await part(node, b"x" * CHUNK_BYTES)
            assert len(on_disk(tmp_path)) == 3
            return kept.storage_path

    async def again(path: str) -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            assert (await download(node, path)).file_data == TEXT
            await upload(node, name="2.csv", document_id="d")
            with pytest.raises(ConflictError):
                await upload(node, document_id="d", version=2)
            assert len(on_disk(tmp_path)) == 4 + 1

    path = run(scenario())
    # As a process leaves it that was killed while it wrote.
    (tmp_path / "00").mkdir(exist_ok=True)
    for ending in ("part", "draft", "data"):
        (tmp_path / "00" / f"{'0' * 32}.{ending}").write_bytes(b"?")
    (tmp_path / "00" / "note.meta").write_bytes(b"not ours")
    run(again(path))


@pytest.mark.feature("FIL-02")
def test_keys_can_be_changed(tmp_path: Path) -> None:
    """What was sealed with an older key, or by the provider, is read; without the key it is not."""
    reverse = cast(
        "Cipher", type("", (), {"encrypt": lambda _, d: d[::-1], "decrypt": lambda _, d: d[::-1]})()
    )
    both = FileKeys("two", {"two": OTHER, "one": KEY}, provider=reverse)

    async def scenario(keys: KeyWrapper, add: str, expected: set[str]) -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path, keys=keys)
            if add:
                await upload(node, name=add)
            assert set(await listed(node)) == expected

    run(scenario(ProviderKey(reverse), "0.csv", {"0.csv"}))
    run(scenario(KEYS, "1.csv", {"1.csv"}))
    run(scenario(both, "2.csv", {"0.csv", "1.csv", "2.csv"}))
    run(scenario(FileKeys("two", {"two": OTHER}), "", {"2.csv"}))
    run(scenario(FileKeys("one", {"one": OTHER}), "", set()))
    run(scenario(ProviderKey(reverse), "", {"0.csv"}))


def test_provider_keeps_the_keys_by_default(tmp_path: Path) -> None:
    """Without keys in the settings it is the key of the network, and the folder is the node's."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = network.node("a")
            node.resources.directory = tmp_path
            cipher = {"encrypt": lambda d: b"!" + d, "decrypt": lambda d: d[1:]}
            for name, function in cipher.items():
                setattr(node.resources.security, name, function)
            await node.services.activate(file_store_sla(), node.nic)
            kept = await upload(node)
            path = next((tmp_path / "files").rglob("*.meta"))
            record, _ = from_disk(
                kept.storage_path,
                path.read_bytes(),
                ProviderKey(cast("Cipher", node.resources.security)),
            )
            assert record.name == "t.csv"

    run(scenario())


def test_keys_that_are_none_are_told() -> None:
    """At once, and no key is shown."""
    with pytest.raises(ConfigurationError, match="current key 'two' is not among"):
        FileKeys("two", {"one": KEY})
    with pytest.raises(ConfigurationError, match="has 5 bytes, it needs 32"):
        FileKeys("one", {"one": b"short"})
    with pytest.raises(ConfigurationError, match="name of a key"):
        FileKeys("", {"": KEY})
    assert "kkk" not in repr(KEYS)
    with pytest.raises(DecodeError, match="of the file has 3 bytes"):
        Sealer("x", b"abc")


@pytest.mark.feature("FIL-02")
def test_sizes_are_limited(tmp_path: Path) -> None:
    """Of a file, of all files together, and of an answer; nothing is left of what is refused."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            with pytest.raises(InvalidInputError, match="at most 400000 are kept"):
                await upload(node, b"x" * 400_001, "a.txt")
            large = await upload(node, b"x" * 400_000, "a.txt")
            with pytest.raises(OverloadedError, match="400000 of 500000 bytes"):
                await upload(node, b"x" * 100_001, "b.txt")
            with pytest.raises(InvalidInputError, match="read it as a stream"):
                await download(node, large.storage_path)
            with pytest.raises(InvalidInputError, match="is empty"):
                await upload(node, b"", "b.txt")
            assert await listed(node) == ["a.txt"]
            assert len(on_disk(tmp_path)) == 2
            asked = L8FileDownloadRequest(storage_path=large.storage_path)
            await node.do(Action.DELETE, asked, key=FILE_STORE)
            await upload(node, b"x" * 300_000, "b.txt")

    with pytest.raises(ConfigurationError, match="quota_bytes is 0"):
        FileLimits(quota_bytes=0)

    run(scenario())
    assert FileLimits().max_file_bytes == 5 * 2**20


def test_files_are_seen_by_those_who_may(tmp_path: Path) -> None:
    """Row-level visibility holds for lists, reading and removing; actions are authorized."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            kept = await upload(node, name="private.csv")
            security = node.resources.security

            def scope_item(identity: str, item: object) -> object | None:
                return None if identity == "eve" else item

            security.scope_item = scope_item  # type: ignore[method-assign]
            assert (await listed(node), await listed(node, who="eve")) == (["private.csv"], [])
            for action in (Action.GET, Action.PUT, Action.DELETE):
                with pytest.raises(NotFoundError):
                    await download(node, kept.storage_path, action, "eve")
            security.denied.add(("bob", Action.POST))
            with pytest.raises(PermissionDeniedError):
                await upload(node, who="bob")

    run(scenario())


def test_bad_requests_are_told(tmp_path: Path) -> None:
    """Values that are no request, a negative offset, a store that is not active."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            bad: list[tuple[Action, tuple[object, ...]]] = [
                (Action.POST, (Book("1"),)),
                (Action.POST, (L8FileUploadRequest(), "", "")),
                (Action.PATCH, (L8FileUploadRequest(), -1)),
                (Action.PATCH, ()),
                (Action.PUT, (Book("1"),)),
                (Action.GET, (Book("1"),)),
            ]
            for action, values in bad:
                with pytest.raises(InvalidInputError, match="takes one L8File"):
                    await node.do(action, *values, key=FILE_STORE)

    run(scenario())
    with pytest.raises(ClosedError):
        _ = FileStore()._kept
