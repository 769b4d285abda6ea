# SPDX-License-Identifier: Apache-2.0
"""The files of one node: uploads, versions, limits, reading with a check of the contents."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from l8services._files.naming import clean_name, media_type
from l8services._files.records import FileRecord, from_disk, to_disk
from l8services._files.sealing import CHUNK_BYTES, SEAL_BYTES
from l8services._files.upload import Upload
from l8types.errors import (
    BusyError,
    ConflictError,
    DecodeError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    OverloadedError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from l8services._files.disk import Disk
    from l8services._files.limits import FileLimits
    from l8services._files.sealing import KeyWrapper, Sealer
    from l8types.protocols.runtime import Clock

__all__ = ["FileStorage"]

_MAX_TEXT = 200
_MAX_VERSION = 2**31 - 1

_log = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")


class FileStorage:
    """Keeps files in a folder; one event loop and one process own it.

    Args:
        disk: The folder.
        wrapper: Keeps the keys of the files.
        limits: How much is kept.
        clock: Time.
    """

    def __init__(self, disk: Disk, wrapper: KeyWrapper, limits: FileLimits, clock: Clock) -> None:
        self._disk = disk
        self._wrapper = wrapper
        self._limits = limits
        self._clock = clock
        self._records: dict[str, FileRecord] = {}
        self._versions: dict[tuple[str, int], str] = {}
        self._uploads: dict[str, Upload] = {}

    async def load(self) -> None:
        """Learn what is there. What cannot be read is logged and left alone.

        Raises:
            ConflictError: Another store uses the folder.
        """
        self._disk.lock()
        left = await asyncio.to_thread(self._disk.tidy)
        if left:
            _log.info("%d uploads that were not finished are removed", left)
        for file_id in await asyncio.to_thread(self._disk.ids):
            try:
                record, _ = await asyncio.to_thread(self._described, file_id)
            except L8Error as error:
                _log.warning("file %s cannot be read: %s", file_id, error)
            else:
                self._add(record)

    @property
    def used_bytes(self) -> int:
        """Bytes of all files, those among them that are being uploaded."""
        kept = sum(record.size for record in self._records.values())
        return kept + sum(upload.claimed for upload in self._uploads.values())

    # -- in

    async def begin(self, owner: str) -> str:
        """Open an upload; returns its id.

        Raises:
            OverloadedError: Too many are open, or the disk is full.
        """
        await self.tidy()
        if len(self._uploads) >= self._limits.max_uploads:
            raise OverloadedError(
                f"{self._limits.max_uploads} uploads are open already; try again later"
            )
        upload = Upload(os.urandom(16).hex(), owner, self._disk, self._clock.monotonic())
        self._uploads[upload.file_id] = upload
        return upload.file_id

    async def append(self, upload_id: str, owner: str, offset: int, data: bytes) -> int:
        """Add bytes to an upload; returns how many there are. A part may come twice.

        Raises:
            NotFoundError: No such upload of this owner; it may have rested too long.
            ConflictError: The part does not follow.
            InvalidInputError: The file is too large; the upload is over.
            OverloadedError: The quota or the disk is full; the upload is over.
        """
        async with self._using(upload_id, owner) as upload:
            if not upload.check(offset, data):
                return upload.size
            try:
                self._make_room(upload.size + len(data), len(data))
                upload.claimed += len(data)
                await _finished(upload.append, data)
            except BaseException:
                # What was written is of no use: the hash has what the disk may lack.
                self._forget(upload)
                raise
            return upload.size

    async def finish(
        self,
        upload_id: str,
        owner: str,
        *,
        name: str,
        document: str = "",
        version: int = 0,
        sha256: str = "",
    ) -> FileRecord:
        """Make an upload a file; the upload is over, also when this fails.

        Args:
            upload_id: The upload.
            owner: Whose it is.
            name: File name; only its last part is kept.
            document: What it is a version of, "" for a document of its own.
            version: From 1, 0 for the next one.
            sha256: What the contents should have, "" when unknown.

        Raises:
            ConflictError: There is such a version already, or the contents have another digest.
            InvalidInputError: The name is none, or the contents are not what it says.
        """
        async with self._using(upload_id, owner) as upload:
            reserved: tuple[str, int] | None = None
            try:
                record = self._record(upload, name, document, version)
                if sha256 and sha256.lower() != record.sha256:
                    raise ConflictError(f"the file arrived with SHA-256 {record.sha256}")  # noqa: TRY301
                reserved = (record.document, record.version)
                self._versions[reserved] = record.id
                sealed = to_disk(record, upload.sealer, self._wrapper)
                await _finished(upload.commit, sealed)
            except BaseException:
                if reserved is not None:
                    del self._versions[reserved]
                self._forget(upload)
                raise
            del self._uploads[upload_id]
            self._add(record)
            return record

    def _record(self, upload: Upload, name: str, document: str, version: int) -> FileRecord:
        shown = clean_name(name)
        if not upload.size:
            raise InvalidInputError(f"file {shown!r} is empty")
        if len(document) > _MAX_TEXT:
            raise InvalidInputError(
                f"the id of the document has {len(document)} characters, at most {_MAX_TEXT}"
            )
        if not 0 <= version <= _MAX_VERSION:
            raise InvalidInputError(f"version {version} is not from 1 to {_MAX_VERSION}")
        of = document or upload.file_id
        number = version or 1 + max((v for d, v in self._versions if d == of), default=0)
        if (of, number) in self._versions:
            raise ConflictError(f"version {number} of document {of!r} is there already")
        return FileRecord(
            id=upload.file_id,
            document=of,
            version=number,
            name=shown,
            media_type=media_type(shown, upload.head),
            size=upload.size,
            sha256=upload.sha256,
            created=self._clock.now(),
            owner=upload.owner,
        )

    def _make_room(self, size: int, more: int) -> None:
        if size > self._limits.max_file_bytes:
            raise InvalidInputError(
                f"the file has {size} bytes or more, at most {self._limits.max_file_bytes} are kept"
            )
        if self.used_bytes + more > self._limits.quota_bytes:
            raise OverloadedError(
                f"the files have {self.used_bytes} of {self._limits.quota_bytes} bytes, "
                f"{more} more do not fit; delete some"
            )

    @asynccontextmanager
    async def _using(self, upload_id: str, owner: str) -> AsyncIterator[Upload]:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.owner != owner:
            raise NotFoundError(
                f"no upload {upload_id[:80]!r} is open; it is over, or rested longer than "
                f"{self._limits.abandoned_after:g} s"
            )
        if upload.busy:
            raise BusyError(f"a part of upload {upload_id} is being taken; send one at a time")
        upload.busy = True
        try:
            yield upload
        finally:
            upload.busy = False
            upload.touched = self._clock.monotonic()

    async def tidy(self) -> int:
        """Remove uploads that rested too long; how many."""
        before = self._clock.monotonic() - self._limits.abandoned_after
        old = [u for u in self._uploads.values() if u.touched < before and not u.busy]
        for upload in old:
            _log.info("upload %s rested too long and is removed", upload.file_id)
            self._forget(upload)
        return len(old)

    def aclose(self) -> None:
        """Give up what is being uploaded, and let another store have the folder."""
        for upload in tuple(self._uploads.values()):
            self._forget(upload)
        self._disk.unlock()

    def _forget(self, upload: Upload) -> None:
        self._uploads.pop(upload.file_id, None)
        try:
            upload.abandon()
        except L8Error as error:
            # It is removed when the store is opened the next time.
            _log.warning("upload %s cannot be removed: %s", upload.file_id, error)

    # -- out

    def record(self, file_id: str) -> FileRecord:
        """What is known of a file.

        Raises:
            NotFoundError: There is none with this id.
        """
        found = self._records.get(file_id)
        if found is None:
            raise NotFoundError(f"no file {file_id[:80]!r} is kept here")
        return found

    def records(self, document: str = "") -> list[FileRecord]:
        """All files, or the versions of a document; by document and version."""
        found = (r for r in self._records.values() if not document or r.document == document)
        return sorted(found, key=lambda record: (record.document, record.version))

    async def read(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """The contents in parts, each checked; the digest of the whole is checked at the end.

        Raises:
            NotFoundError: There is no such file.
            DecodeError: The file was damaged on the disk.
        """
        self.record(file_id)
        record, sealer = await asyncio.to_thread(self._described, file_id)
        digest = hashlib.sha256()
        descriptor = self._disk.open(file_id)
        try:
            chunks = max(1, self._limits.part_bytes // CHUNK_BYTES)
            for place in range(0, -(-record.size // CHUNK_BYTES), chunks):
                part = await _finished(self._opened, descriptor, sealer, place, chunks)
                digest.update(part)
                yield part
        finally:
            os.close(descriptor)
        if digest.hexdigest() != record.sha256:
            raise DecodeError(f"file {file_id} was damaged: its contents have another SHA-256")

    def _opened(self, descriptor: int, sealer: Sealer, place: int, chunks: int) -> bytes:
        opened: list[bytes] = []
        for index in range(place, place + chunks):
            sealed = self._disk.read(descriptor, CHUNK_BYTES + SEAL_BYTES)
            if not sealed:
                break
            opened.append(sealer.open(index, sealed))
        return b"".join(opened)

    async def delete(self, file_id: str) -> FileRecord:
        """Remove a file.

        Raises:
            NotFoundError: There is no such file.
        """
        record = self.record(file_id)
        await _finished(self._disk.remove, file_id)
        self._records.pop(file_id, None)
        self._versions.pop((record.document, record.version), None)
        return record

    def _described(self, file_id: str) -> tuple[FileRecord, Sealer]:
        return from_disk(file_id, self._disk.record(file_id), self._wrapper)

    def _add(self, record: FileRecord) -> None:
        self._records[record.id] = record
        self._versions[record.document, record.version] = record.id


async def _finished(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what blocks in a thread; when the caller is cancelled, only after the thread is done.

    A thread cannot be stopped, and what it works with must not be closed under its hands.
    """
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(None, partial(function, *args, **kwargs))
    try:
        await asyncio.wait([work])
    except asyncio.CancelledError:
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        work.exception()
        raise
    return work.result()
