# SPDX-License-Identifier: Apache-2.0
"""Files of any size to and from a store, over the network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, cast

from l8services._files.names import FILE_STORE
from l8types.enums import Action
from l8types.errors import RemoteProtocolError, UnavailableError
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8FileUploadRequest,
    L8FileUploadResponse,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable

    from l8types.protocols.net import VNic

__all__ = ["FileClient"]

PART_BYTES: Final = 1_048_576
"""Bytes of a part; far below what fits into a message, so that others get their turn."""


class FileClient:
    """Uploads and downloads in parts, in memory no more than one of them.

    Args:
        vnic: The interface to the network.
        node: Node of the store; by default the first that offers one.
        identity: In whose name.
    """

    def __init__(self, vnic: VNic, *, node: str = "", identity: str = "") -> None:
        self._vnic = vnic
        self._node = node
        self._identity = identity

    async def upload(
        self,
        name: str,
        data: bytes | AsyncIterable[bytes],
        *,
        document: str = "",
        version: int = 0,
    ) -> L8FileUploadResponse:
        """Keep a file.

        Args:
            name: File name.
            data: The contents, at once or as they come.
            document: What it is a version of, "" for a document of its own.
            version: From 1, 0 for the next one.

        Raises:
            L8Error: What the store answered; nothing is kept.
        """
        digest = hashlib.sha256()
        upload_id, offset = "", 0
        async for part in _parts(data):
            request = L8FileUploadRequest(file_data=part, document_id=upload_id)
            answer = await self._ask(Action.PATCH, request, offset)
            upload_id, offset = answer.storage_path, answer.file_size
            digest.update(part)
        request = L8FileUploadRequest(file_name=name, document_id=document, version=version)
        if not upload_id:
            # Nothing came: the store tells what it thinks of an empty file.
            return await self._ask(Action.POST, request)
        return await self._ask(Action.POST, request, upload_id, digest.hexdigest())

    async def download(self, storage_path: str) -> AsyncGenerator[bytes, None]:
        """The contents of a file, part by part.

        Raises:
            NotFoundError: There is none.
            DecodeError: It was damaged where it is kept.
        """
        request = L8FileDownloadRequest(storage_path=storage_path)
        received = size = 0
        async for part in self._vnic.stream(
            self._store(),
            FILE_STORE.name,
            FILE_STORE.area,
            Action.GET,
            request,
            identity=self._identity,
        ):
            content = part.first
            if isinstance(content, L8FileDownloadResponse):
                received += len(content.file_data)
                size = content.file_size
                yield content.file_data
        if received != size:
            raise RemoteProtocolError(f"{received} of {size} bytes of the file arrived")

    async def _ask(self, action: Action, *values: object) -> L8FileUploadResponse:
        elements = self._vnic.resources.elements.of(*values)
        answer = await self._vnic.request(
            self._store(),
            FILE_STORE.name,
            FILE_STORE.area,
            action,
            elements,
            identity=self._identity,
        )
        return cast("L8FileUploadResponse", answer.first)

    def _store(self) -> str:
        """One node for all parts: an upload is where it was begun."""
        if not self._node:
            found = self._vnic.directory.providers(FILE_STORE)
            if not found:
                raise UnavailableError("no node of the network offers a file store")
            self._node = found[0]
        return self._node


async def _parts(data: bytes | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    if not isinstance(data, bytes):
        async for part in data:
            for start in range(0, len(part), PART_BYTES):
                yield part[start : start + PART_BYTES]
        return
    for start in range(0, len(data), PART_BYTES):
        yield data[start : start + PART_BYTES]
