# SPDX-License-Identifier: Apache-2.0
"""What the caller of an import asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from l8types.errors import InvalidInputError
from l8types.pb import L8FileDownloadRequest, L8ImportExecuteRequest

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

__all__ = ["ImportOrder", "order_of"]

_STORED: Final = "stored:"
"""Begins the data of a request that names a stored file; no base64 has a colon."""
_LONGEST_NAME: Final = 200
"""Characters of such a name, prefix included."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """A request for an import.

    Attributes:
        request: Template and file.
        stored: Id of the file in a file store; "" for the contents in the request.
        first_row: Row to begin with; those before it are passed over and counted nowhere.
    """

    request: L8ImportExecuteRequest
    stored: str = ""
    first_row: int = 1

    @property
    def name(self) -> str:
        """What the import is known by, besides its template and its caller."""
        return self.request.file_name or self.stored


def order_of(elements: Elements, call: Call) -> ImportOrder:
    """The order in a container: the request, then the stored file and the first row, if any.

    A request alone may name a stored file as ``stored:`` and its id in the place of its data.

    Raises:
        InvalidInputError: It is none, or the contents come twice.
    """
    match list(elements.values):
        case [L8ImportExecuteRequest() as request]:
            return _named(request)
        case [L8ImportExecuteRequest() as request, int(row)]:
            return _checked(replace(_named(request), first_row=row))
        case [L8ImportExecuteRequest() as request, L8FileDownloadRequest() as file]:
            return _checked(ImportOrder(request, file.storage_path), stored=True)
        case [L8ImportExecuteRequest() as request, L8FileDownloadRequest() as file, int(row)]:
            return _checked(ImportOrder(request, file.storage_path, row), stored=True)
    found = ", ".join(type(value).__name__ for value in elements.values) or "nothing"
    raise InvalidInputError(
        f"service {call.key} takes one L8ImportExecuteRequest on {call.action.name}, and if need "
        f"be the L8FileDownloadRequest of a stored file and the number of a row, not {found}"
    )


def _named(request: L8ImportExecuteRequest) -> ImportOrder:
    """An order of one message, as it comes over the web."""
    prefix, separator, stored = request.file_data[:_LONGEST_NAME].partition(_STORED)
    if prefix or not separator:
        return ImportOrder(request)
    return _checked(ImportOrder(request, stored), stored=True, inside=True)


def _checked(order: ImportOrder, *, stored: bool = False, inside: bool = False) -> ImportOrder:
    if isinstance(order.first_row, bool) or order.first_row < 1:
        raise InvalidInputError(f"the first row is {order.first_row}; rows are counted from 1")
    if stored and not order.stored:
        raise InvalidInputError("the stored file has no storage_path")
    if stored and order.request.file_data and not inside:
        raise InvalidInputError("a file is imported from a store or from the request, not both")
    return order
