# SPDX-License-Identifier: Apache-2.0
"""What the tests of the file store have in common: stores, and what a caller does with one."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from l8services._files.sealing import CHUNK_BYTES
from l8services.files import (
    FILE_STORE,
    FileKeys,
    FileLimits,
    KeyWrapper,
    file_store_sla,
)
from l8types.enums import Action
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8FileUploadRequest,
    L8FileUploadResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from .network import FakeNetwork, FakeNode


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
