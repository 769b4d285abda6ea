# SPDX-License-Identifier: Apache-2.0
"""The file store: names, sealing, the disk, versions, limits, uploads in parts."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import tempfile
import threading
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._files import store as store_module
from l8services._files.disk import Disk, is_file_id
from l8services._files.naming import clean_name, media_type
from l8services._files.records import FileRecord, from_disk, to_disk
from l8services._files.sealing import CHUNK_BYTES, Sealer
from l8services.files import (
    FILE_STORE,
    FileClient,
    FileKeys,
    FileLimits,
    FileStore,
    KeyWrapper,
    ProviderKey,
    file_store_sla,
)
from l8types.enums import Action
from l8types.errors import (
    BusyError,
    ClosedError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RemoteProtocolError,
    UnavailableError,
)
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8FileUploadRequest,
    L8FileUploadResponse,
)

from .model import Book
from .network import FakeNetwork, FakeNode
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from l8types.protocols.security import Cipher

KEY, OTHER = b"k" * 32, b"o" * 32
KEYS = FileKeys("one", {"one": KEY})
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SMALL = FileLimits(
    max_file_bytes=400_000,
    quota_bytes=500_000,
    part_bytes=CHUNK_BYTES,
    max_uploads=2,
    max_answer_bytes=300_000,
)
TEXT = b"a,b\n1,2\n"


async def serve(
    network: FakeNetwork,
    root: Path,
    *,
    name: str = "a",
    limits: FileLimits = SMALL,
    keys: KeyWrapper | None = KEYS,
) -> FakeNode:
    """A node with a file store."""
    node = network.node(name)
    await node.services.activate(file_store_sla(root, keys=keys, limits=limits), node.nic)
    return node


async def upload(
    node: FakeNode, data: bytes = TEXT, name: str = "t.csv", who: str = "", **options: object
) -> L8FileUploadResponse:
    """Keep a file with one request."""
    asked = L8FileUploadRequest(file_name=name, file_data=data, **options)  # type: ignore[arg-type]
    answer = await node.do(Action.POST, asked, key=FILE_STORE, identity=who)
    return cast("L8FileUploadResponse", answer.first)


async def download(
    node: FakeNode, path: str, action: Action = Action.PUT, who: str = ""
) -> L8FileDownloadResponse:
    """Get a file with one request."""
    asked = L8FileDownloadRequest(storage_path=path)
    answer = await node.do(action, asked, key=FILE_STORE, identity=who)
    return cast("L8FileDownloadResponse", answer.first)


async def part(
    node: FakeNode, data: bytes, upload_id: str = "", offset: int = 0, who: str = ""
) -> L8FileUploadResponse:
    """Send a part of a file."""
    asked = L8FileUploadRequest(file_data=data, document_id=upload_id)
    answer = await node.do(Action.PATCH, asked, offset, key=FILE_STORE, identity=who)
    return cast("L8FileUploadResponse", answer.first)


async def listed(node: FakeNode, document: str = "", who: str = "") -> list[str]:
    """Names of the files."""
    asked = L8FileUploadRequest(document_id=document)
    answer = await node.do(Action.GET, asked, key=FILE_STORE, identity=who)
    return [cast("L8FileUploadResponse", value).file_name for value in answer.values]


def on_disk(root: Path) -> list[Path]:
    """All that there is in the folder of a store."""
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".lock")


def one_of(root: Path, pattern: str) -> Path:
    """The file of that kind."""
    return next(root.rglob(pattern))


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, after: int = 0) -> Iterator[None]:
    """Let the disk take some more writes and then no more."""
    real, left = os.write, [after]

    def write(descriptor: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return real(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        yield


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
    """Versions are counted, or named; one that is there is refused, and what is kept stays."""

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


@pytest.mark.feature("FIL-02")
def test_contents_have_to_be_what_the_name_says(tmp_path: Path) -> None:
    """A program is no picture and a picture no text; what is not known by name is by contents."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            with pytest.raises(InvalidInputError, match=r"'a\.png' holds something else"):
                await upload(node, b"??", "a.png")
            with pytest.raises(InvalidInputError, match=r"'a\.csv' holds image/png"):
                await upload(node, PNG, "a.csv")
            assert on_disk(tmp_path) == []

    run(scenario())


ZIP = b"PK\x03\x04" + bytes(60)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.csv", b"x", "text/csv"),
        ("a.TXT", b"\xff\xfea\0", "text/plain"),
        ("a.xml", b"<a/>", "text/xml"),
        ("a.svg", b"<svg/>", "image/svg+xml"),
        ("a.docx", ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.xls", OLE, "application/vnd.ms-excel"),
        ("a.zip", ZIP, "application/zip"),
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.gz", b"\x1f\x8b\x08", "application/gzip"),
        ("noname", PNG, "image/png"),
        ("a.bin", b"?", "application/octet-stream"),
    ],
)
def test_types_are_told(name: str, head: bytes, expected: str) -> None:
    """By name where the contents agree, else by contents."""
    assert media_type(name, head) == expected


@pytest.mark.parametrize(
    ("name", "head"), [("a.txt", b"a\0b"), ("a.docx", OLE), ("a.doc", ZIP), ("a.jpg", PNG)]
)
def test_types_that_disagree_are_refused(name: str, head: bytes) -> None:
    """The name is not believed."""
    with pytest.raises(InvalidInputError, match="its name says"):
        media_type(name, head)


@pytest.mark.parametrize(
    "name", ["", "/", "..", "a/..", "\\", "\0", " . ", "x" * 256, "../.\u202e."]
)
def test_names_that_are_none_are_refused(name: str) -> None:
    """Nothing that could not be shown, or that is a folder."""
    with pytest.raises(InvalidInputError):
        clean_name(name)


PATHS = st.text(st.sampled_from("./\\a\0~:%2eC\u202e") | st.characters(), max_size=40)


@given(PATHS)
def test_names_never_leave_a_folder(name: str) -> None:
    """What comes out is one component of a path, and cleaning it again changes nothing."""
    try:
        cleaned = clean_name(name)
    except InvalidInputError:
        return
    root = Path("/srv/root")
    assert Path(os.path.normpath(root / cleaned)).parent == root
    assert clean_name(cleaned) == cleaned


@given(PATHS | st.from_regex(r"[0-9a-f]{32}\n?"), st.sampled_from(["data", "meta", "part"]))
def test_no_path_leaves_the_folder_of_the_store(text: str, ending: str) -> None:
    """Whatever is taken for an id, the file is within the folder, or the id is refused."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        try:
            path = Disk(root).path(text, ending)
        except InvalidInputError:
            return
        assert path.resolve().is_relative_to(root)
        assert path.resolve() == path


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "", "0" * 32, "0" * 31 + "\n"])
def test_paths_of_strangers_are_not_found(tmp_path: Path, path: str) -> None:
    """An id that the store did not give is no file, for reading and for removing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            for action in (Action.PUT, Action.GET, Action.DELETE):
                with pytest.raises(NotFoundError):
                    await download(node, path, action)

    run(scenario())


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
