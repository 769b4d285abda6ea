# SPDX-License-Identifier: Apache-2.0
"""Reads a file that is to be imported from the file store that has it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from l8services._files.names import FILE_STORE
from l8types.enums import Action
from l8types.errors import InvalidInputError, L8Error, NotFoundError, UnavailableError
from l8types.pb import L8FileDownloadRequest, L8FileDownloadResponse

if TYPE_CHECKING:
    from l8types.protocols.services import Call

__all__ = ["read_stored"]


async def read_stored(storage_path: str, call: Call, *, max_bytes: int) -> tuple[bytes, str]:
    """Contents and name of a file, as far as the caller of ``call`` may see it.

    Each store of the network keeps files of its own: they are asked one after the other, that of
    this node first. The file comes in parts, so that it may be larger than a message.

    Raises:
        NotFoundError: No store has it, or the caller may not see it.
        UnavailableError: No store has it, and one of them did not answer; or there is none.
        InvalidInputError: It is too large.
        L8Error: What the store answered, such as that it is damaged.
    """
    vnic = call.vnic
    stores = sorted(vnic.directory.providers(FILE_STORE), key=lambda node: node != vnic.uuid)
    if not stores:
        raise UnavailableError("no node of the network offers a file store")
    silent: L8Error | None = None
    for node in stores:
        try:
            return await _read(node, storage_path, call, max_bytes)
        except NotFoundError:
            continue
        except UnavailableError as error:
            silent = error
    if silent is not None:
        raise UnavailableError(
            f"file {storage_path[:100]!r} is in none of the stores that answer: {silent.message}"
        )
    raise NotFoundError(f"no file {storage_path[:100]!r} is kept in the network")


async def _read(node: str, storage_path: str, call: Call, max_bytes: int) -> tuple[bytes, str]:
    parts: list[bytes] = []
    name, size, received = "", 0, 0
    request = L8FileDownloadRequest(storage_path=storage_path)
    stream = call.vnic.stream(
        node, FILE_STORE.name, FILE_STORE.area, Action.GET, request, identity=call.identity
    )
    async with aclosing(stream) as answers:  # type: ignore[type-var]  # a generator everywhere
        async for answer in answers:
            part = answer.first
            if not isinstance(part, L8FileDownloadResponse):
                continue
            name, size = part.file_name, part.file_size
            received += len(part.file_data)
            if max(size, received) > max_bytes:
                raise InvalidInputError(
                    f"the file has {max(size, received)} bytes, at most {max_bytes} are taken"
                )
            parts.append(part.file_data)
    if received != size:
        raise UnavailableError(f"{received} of {size} bytes of the file arrived; try again")
    return b"".join(parts), name
