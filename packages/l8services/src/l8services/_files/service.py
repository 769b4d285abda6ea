# SPDX-License-Identifier: Apache-2.0
"""The service of the files."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from l8services._files.disk import Disk
from l8services._files.limits import FileLimits
from l8services._files.names import FILE_STORE
from l8services._files.sealing import ProviderKey
from l8services._files.store import FileStorage
from l8services._tasks import TaskScope, forever
from l8services._utility import UtilityHandler, request_of
from l8types.errors import ClosedError, InvalidInputError, NotFoundError
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8FileUploadRequest,
    L8FileUploadResponse,
)
from l8types.sla import ServiceLevelAgreement

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from l8services._files.records import FileRecord
    from l8services._files.sealing import KeyWrapper
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.protocols.web import WebService

__all__ = ["FileStore", "file_store_sla"]


class FileStore(UtilityHandler):
    """Keeps files in a folder of its node, encrypted, in versions.

    * POST of an ``L8FileUploadRequest`` keeps a file and answers where: ``storage_path`` is an
      opaque id. With version 0 it becomes the next one of its document; nothing is overwritten.
    * PUT and GET of an ``L8FileDownloadRequest`` give a file; a GET that is read as a stream gives
      it in parts, whatever its size.
    * GET of an ``L8FileUploadRequest`` lists the versions of its document, or all files.
    * DELETE of an ``L8FileDownloadRequest`` removes a file.
    * PATCH takes a file in parts: an ``L8FileUploadRequest`` with the first bytes opens an upload
      and answers its id; each next one names the id as its document, and is followed by the offset.
      A POST without bytes, followed by the id and the SHA-256 of all, makes it a file.

    Args:
        root: The folder; by default ``files`` in the data directory of the node.
        keys: Keep the keys of the files; by default the security provider does.
        limits: How much is kept.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        keys: KeyWrapper | None = None,
        limits: FileLimits | None = None,
    ) -> None:
        super().__init__()
        self._root = root
        self._keys = keys
        self._limits = limits or FileLimits()
        self._storage: FileStorage | None = None
        self._tasks = TaskScope(str(FILE_STORE))

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Learn what is kept.

        Raises:
            UnavailableError: The folder cannot be used.
            ConflictError: Another store uses it.
        """
        await super().activate(sla, vnic)
        resources = vnic.resources
        resources.register(
            L8FileUploadRequest,
            L8FileUploadResponse,
            L8FileDownloadRequest,
            L8FileDownloadResponse,
        )
        root = self._root if self._root is not None else resources.data_directory / "files"
        disk = await asyncio.to_thread(Disk, root)
        keys = self._keys or ProviderKey(resources.security)
        storage = FileStorage(disk, keys, self._limits, resources.clock)
        try:
            await storage.load()
        except BaseException:
            storage.aclose()
            raise
        self._storage = storage
        self._tasks.start(tidy=partial(forever, self._tidy, what=f"{FILE_STORE}: tidying up"))

    async def deactivate(self) -> None:
        """Give up uploads that are not finished."""
        await self._tasks.aclose()
        storage, self._storage = self._storage, None
        if storage is not None:
            storage.aclose()
        await super().deactivate()

    async def _tidy(self) -> None:
        await asyncio.sleep(self._limits.abandoned_after / 4)
        await self._kept.tidy()

    @property
    def _kept(self) -> FileStorage:
        if self._storage is None:
            raise ClosedError("the file store is not active; activate it first")
        return self._storage

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Keep a file.

        Raises:
            InvalidInputError: It is too large or empty, or not what its name says.
            ConflictError: The version is there already, or the digest is another one.
            OverloadedError: The quota or the disk is full; nothing of it is kept.
        """
        request, upload_id, digest = _upload_of(elements, call)
        if not upload_id:
            upload_id = await self._kept.begin(call.identity)
            await self._kept.append(upload_id, call.identity, 0, request.file_data)
        elif request.file_data:
            raise InvalidInputError("the last request of an upload in parts has no data")
        record = await self._kept.finish(
            upload_id,
            call.identity,
            name=request.file_name,
            document=request.document_id,
            version=request.version,
            sha256=digest,
        )
        return self.vnic.resources.elements.of(_described(record))

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Take the next part of an upload, or open one.

        Raises:
            NotFoundError: The upload is over.
            ConflictError: The part does not follow the last one.
            L8Error: As for :meth:`post`; the upload is over.
        """
        request, offset = _part_of(elements, call)
        upload_id = request.document_id or await self._kept.begin(call.identity)
        size = await self._kept.append(upload_id, call.identity, offset, request.file_data)
        answer = L8FileUploadResponse(storage_path=upload_id, file_size=size)
        return self.vnic.resources.elements.of(answer)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """A file as a whole, after its digest was checked.

        Raises:
            NotFoundError: There is none, or the caller may not see it.
            DecodeError: It was damaged on the disk.
            InvalidInputError: It is too large for one answer.
        """
        record = self._visible(elements, call)
        if record.size > self._limits.max_answer_bytes:
            raise InvalidInputError(
                f"the file has {record.size} bytes, an answer at most "
                f"{self._limits.max_answer_bytes}; read it as a stream"
            )
        async with aclosing(self._kept.read(record.id)) as parts:
            data = b"".join([part async for part in parts])
        return self.vnic.resources.elements.of(_content(record, data))

    async def get(self, elements: Elements, call: Call) -> Elements:
        """A file as for :meth:`put`, or a list of files that the caller may see."""
        if isinstance(elements.first, L8FileDownloadRequest):
            return await self.put(elements, call)
        request = request_of(elements, L8FileUploadRequest, call)
        listed = [_described(record) for record in self._kept.records(request.document_id)]
        return self.vnic.resources.elements.of(*listed)

    async def stream(self, elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
        """A file in parts.

        Raises:
            NotFoundError: There is none, or the caller may not see it.
            DecodeError: It was damaged on the disk; parts before that were given, and none of them
                was damaged.
        """
        if not isinstance(elements.first, L8FileDownloadRequest):
            yield await self.get(elements, call)
            return
        record = self._visible(elements, call)
        async with aclosing(self._kept.read(record.id)) as parts:
            async for part in parts:
                yield self.vnic.resources.elements.of(_content(record, part))

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Remove a file.

        Raises:
            NotFoundError: There is none, or the caller may not see it.
        """
        record = await self._kept.delete(self._visible(elements, call).id)
        return self.vnic.resources.elements.of(_described(record))

    def _visible(self, elements: Elements, call: Call) -> FileRecord:
        request = request_of(elements, L8FileDownloadRequest, call)
        record = self._kept.record(request.storage_path)
        security = self.vnic.resources.security
        if security.scope_item(call.identity, _described(record)) is None:
            raise NotFoundError(f"no file {record.id!r} is kept here")
        return record


def _upload_of(elements: Elements, call: Call) -> tuple[L8FileUploadRequest, str, str]:
    """A request to keep a file, the upload that it ends, and the digest."""
    match list(elements.values):
        case [L8FileUploadRequest() as request]:
            return request, "", ""
        case [L8FileUploadRequest() as request, str(upload_id), str(digest)] if upload_id:
            return request, upload_id, digest
    raise InvalidInputError(
        f"service {call.key} takes one L8FileUploadRequest, and for an upload in parts its id and "
        "its SHA-256"
    )


def _part_of(elements: Elements, call: Call) -> tuple[L8FileUploadRequest, int]:
    """A part and its offset."""
    match list(elements.values):
        case [L8FileUploadRequest() as request]:
            return request, 0
        case [L8FileUploadRequest() as request, int(offset)] if offset >= 0:
            return request, offset
    raise InvalidInputError(
        f"service {call.key} takes one L8FileUploadRequest and its offset on PATCH"
    )


def _described(record: FileRecord) -> L8FileUploadResponse:
    return L8FileUploadResponse(
        storage_path=record.id,
        file_name=record.name,
        file_size=record.size,
        mime_type=record.media_type,
        checksum=record.sha256,
    )


def _content(record: FileRecord, data: bytes) -> L8FileDownloadResponse:
    return L8FileDownloadResponse(
        file_data=data,
        file_name=record.name,
        mime_type=record.media_type,
        file_size=record.size,
    )


def file_store_sla(
    root: Path | None = None,
    *,
    keys: KeyWrapper | None = None,
    limits: FileLimits | None = None,
    web: WebService | None = None,
) -> ServiceLevelAgreement:
    """Agreement of the file store (``FileStore``, area 0).

    Args:
        root: The folder; by default ``files`` in the data directory of the node.
        keys: Keep the keys of the files; by default the security provider does.
        limits: How much is kept.
        web: How it shows on the web.
    """
    return ServiceLevelAgreement(
        name=FILE_STORE.name,
        handler=lambda: FileStore(root, keys=keys, limits=limits),
        stateful=False,
        voter=False,
        web=web,
    )
