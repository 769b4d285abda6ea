# SPDX-License-Identifier: Apache-2.0
"""The export service."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from l8services._export.columns import Column, ColumnType, columns_of, to_csv
from l8services._export.pages import PAGE_SIZE, pages
from l8services._utility import UtilityHandler, request_of
from l8types.errors import InvalidInputError
from l8types.pb import L8CsvExportRequest, L8CsvExportResponse
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call

__all__ = ["CsvExport", "csv_export_sla"]

MAX_ANSWER_CHARS: Final = 16_777_216
"""Longest table in one answer; it has to fit into one message. A stream has no such limit."""


class CsvExport(UtilityHandler):
    """Gives the items of a service that the caller may see as a table.

    POST, and GET, of an ``L8CsvExportRequest`` answers the whole table; a GET that is read as a
    stream gives it in parts, each of some hundred rows, so that nobody holds all of it.

    Args:
        columns: Per short name of a model, and lower-case name of an attribute, what it means.
        page_size: Rows that are read at a time, and rows of a part.
    """

    def __init__(
        self,
        columns: Mapping[str, Mapping[str, ColumnType]] | None = None,
        *,
        page_size: int = PAGE_SIZE,
    ) -> None:
        super().__init__()
        self._types = dict(columns or {})
        self._page_size = page_size

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the messages known."""
        await super().activate(sla, vnic)
        vnic.resources.register(L8CsvExportRequest, L8CsvExportResponse)

    async def post(self, elements: Elements, call: Call) -> Elements:
        """The whole table.

        Raises:
            InvalidInputError: No request, or a table that is too long for one answer.
            NotFoundError: The model is not known here, or nobody offers the service.
        """
        whole = L8CsvExportResponse()
        texts: list[str] = []
        size = 0
        async with aclosing(self._parts(elements, call)) as parts:
            async for part in parts:
                texts.append(part.csv_data)
                size += len(part.csv_data)
                whole.filename = part.filename
                whole.row_count += part.row_count
                if size > MAX_ANSWER_CHARS:
                    raise InvalidInputError(
                        f"the table has more than {MAX_ANSWER_CHARS} characters; "
                        "read it as a stream"
                    )
        whole.csv_data = "".join(texts)
        return self.vnic.resources.elements.of(whole)

    get = post

    async def stream(self, elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
        """The table in parts; the first one begins with the titles.

        Raises:
            L8Error: As for :meth:`post`, but for the length.
        """
        async with aclosing(self._parts(elements, call)) as parts:
            async for part in parts:
                yield self.vnic.resources.elements.of(part)

    async def _parts(
        self, elements: Elements, call: Call
    ) -> AsyncGenerator[L8CsvExportResponse, None]:
        request = request_of(elements, L8CsvExportRequest, call)
        resources = self.vnic.resources
        info = resources.registry.info(request.model_type)
        key = ServiceKey(request.service_name, request.service_area)
        root = resources.introspector.inspect(info.model)
        columns = columns_of(root, self._types.get(info.name, {}))
        day = datetime.fromtimestamp(resources.clock.now(), UTC).date().isoformat()
        name = f"{info.name}_{day}.csv"
        header = True
        async with aclosing(pages(call, key, info.name, size=self._page_size)) as read:
            async for items in read:
                yield _part(columns, items, name, header=header)
                header = False
        if header:
            yield _part(columns, [], name, header=True)


def csv_export_sla(
    columns: Mapping[str, Mapping[str, ColumnType]] | None = None,
) -> ServiceLevelAgreement:
    """Agreement of the export service (``CsvExport``, area 0).

    Args:
        columns: Per short name of a model, and lower-case name of an attribute, what it means.
    """
    return ServiceLevelAgreement(
        name="CsvExport", handler=lambda: CsvExport(columns), stateful=False, voter=False
    )


def _part(
    columns: tuple[Column, ...], items: list[object], name: str, *, header: bool
) -> L8CsvExportResponse:
    return L8CsvExportResponse(
        csv_data=to_csv(columns, items, header=header), filename=name, row_count=len(items)
    )
