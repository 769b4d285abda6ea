# SPDX-License-Identifier: Apache-2.0
"""One file on its way in. Calls block; one at a time."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from l8services._files.naming import HEAD_BYTES
from l8services._files.sealing import CHUNK_BYTES, Sealer
from l8types.errors import ConflictError

if TYPE_CHECKING:
    from l8services._files.disk import Disk

__all__ = ["Upload"]


class Upload:
    """Takes bytes in order, seals them and writes them.

    Args:
        file_id: The file.
        owner: Who uploads it; nobody else may go on.
        disk: Where to.
        now: Time at which it begins.

    Attributes:
        claimed: Bytes that count for the quota, also those of a part that is being taken.
    """

    def __init__(self, file_id: str, owner: str, disk: Disk, now: float) -> None:
        self.file_id = file_id
        self.owner = owner
        self.sealer = Sealer(file_id)
        self.size = 0
        self.claimed = 0
        self.head = b""
        self.touched = now
        self.busy = False
        self._disk = disk
        self._descriptor = disk.create(file_id)
        self._hash = hashlib.sha256()
        self._rest = b""
        self._place = 0
        self._last: tuple[int, bytes] = (0, b"")
        self._open = True

    @property
    def sha256(self) -> str:
        """Digest of what came so far."""
        return self._hash.hexdigest()

    def check(self, offset: int, data: bytes) -> bool:
        """Whether a part is new; the last one may come again, when its answer was lost.

        Raises:
            ConflictError: It does not follow; tells how much there is.
        """
        if offset == self.size:
            return True
        if self._last == (offset, _digest(data)) and offset + len(data) == self.size:
            return False
        raise ConflictError(
            f"a part at byte {offset} does not follow: {self.size} bytes of the upload are here"
        )

    def append(self, data: bytes) -> None:
        """Take the next bytes; whole chunks are written, the rest waits for more."""
        self._last = (self.size, _digest(data))
        self.size += len(data)
        self._hash.update(data)
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        waiting = self._rest + data
        whole = len(waiting) - len(waiting) % CHUNK_BYTES
        for start in range(0, whole, CHUNK_BYTES):
            self._write(waiting[start : start + CHUNK_BYTES])
        self._rest = waiting[whole:]

    def commit(self, record: bytes) -> None:
        """Make it a file; when it fails, nothing of it is left."""
        try:
            if self._rest:
                self._write(self._rest)
                self._rest = b""
        except BaseException:
            self.abandon()
            raise
        self._open = False
        self._disk.commit(self.file_id, self._descriptor, record)

    def abandon(self) -> None:
        """Remove what there is; idempotent."""
        if self._open:
            self._open = False
            os.close(self._descriptor)
            self._disk.remove(self.file_id)

    def _write(self, chunk: bytes) -> None:
        self._disk.append(self._descriptor, self.sealer.seal(self._place, chunk))
        self._place += 1


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
