# SPDX-License-Identifier: Apache-2.0
"""The service that imports files."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import OrderedDict
from contextlib import aclosing
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

from l8services._import.limits import ImportLimits
from l8services._import.order import ImportOrder, order_of
from l8services._import.plan import ImportPlan, check_template
from l8services._import.readers import read_table
from l8services._import.rows import Table
from l8services._import.run import ImportRun
from l8services._import.stored import read_stored
from l8services._import.templates import find_template
from l8services._utility import UtilityHandler
from l8types.enums import Action
from l8types.errors import BusyError, InvalidInputError, NotFoundError
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8ImportExecuteRequest,
    L8ImportExecuteResponse,
    L8ImportTemplate,
)
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.protocols.web import WebService

__all__ = ["ImportExecution", "import_execution_sla"]

_REMEMBERED: Final = 200
"""Imports whose outcome can still be asked for."""
_AT_ONCE: Final = 16
"""Imports that are worked on at the same time."""

_RunKey = tuple[str, str, str]


class ImportExecution(UtilityHandler):
    """Imports files with templates, each in the name of its caller.

    Every verb takes an ``L8ImportExecuteRequest`` and answers an ``L8ImportExecuteResponse``:

    * POST imports. An item whose key is there already is replaced, so that the same file can be
      imported again after an interruption, whatever was written before.
    * PUT tries: everything but the writing; ``imported_rows`` are those that would be written.
    * GET tells how far the caller's import of this template and file name is, or how it ended.
      Read as a stream, it follows the import to its end, with the errors that are new.
    * DELETE cancels it; what was written stays.

    Any of them takes two further values after the request. An ``L8FileDownloadRequest`` names a
    file of a file store, whose contents are imported instead of those in the request; it may be
    larger than a message; where one message is all there is, as on the web, its ``file_data`` may
    be ``stored:`` and the id. A number is the row to begin with, to go on after an import that
    failed or was cancelled: its errors name the rows that may be missing.

    Args:
        limits: How much is taken.
        list_separator: What separates the values of a list in one cell.
    """

    def __init__(self, limits: ImportLimits | None = None, list_separator: str = ";") -> None:
        super().__init__()
        self._limits = limits or ImportLimits()
        self._separator = list_separator
        self._active: dict[_RunKey, ImportRun] = {}
        self._ended: OrderedDict[_RunKey, ImportRun] = OrderedDict()

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the messages known."""
        await super().activate(sla, vnic)
        vnic.resources.register(
            L8ImportTemplate,
            L8ImportExecuteRequest,
            L8ImportExecuteResponse,
            L8FileDownloadRequest,
            L8FileDownloadResponse,
        )

    async def deactivate(self) -> None:
        """Write no further batches."""
        for run in self._active.values():
            run.cancel()
        await super().deactivate()

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Import a file.

        Raises:
            NotFoundError: No such template, model, service or stored file.
            InvalidInputError: The template does not fit the model or the file, or the file as a
                whole cannot be read.
            BusyError: The caller imports this file already.
            L8Error: The service failed, and nothing is known to be written.
        """
        order = order_of(elements, call)
        key = _key(order, call)
        run = await self._prepared(order, call)
        if key in self._active:
            raise BusyError(f"file {key[2]!r} is being imported with template {key[1]!r} already")
        if len(self._active) >= _AT_ONCE:
            raise BusyError(f"{_AT_ONCE} imports are at work already; try again later")
        self._active[key] = run
        try:
            await run.work()
        finally:
            del self._active[key]
            self._remember(key, run)
        return call.vnic.resources.elements.of(run.figures())

    put = post

    async def stream(self, elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
        """The figures of an import of the caller, until it ends.

        Raises:
            NotFoundError: This instance knows of none.
        """
        async with aclosing(self._known(elements, call).follow()) as parts:
            async for part in parts:
                yield call.vnic.resources.elements.of(part)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """The figures of an import of the caller.

        Raises:
            NotFoundError: This instance knows of none.
        """
        run = self._known(elements, call)
        return call.vnic.resources.elements.of(run.figures())

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Cancel an import of the caller after the batch that is on its way.

        Raises:
            NotFoundError: This instance knows of none.
        """
        run = self._known(elements, call)
        run.cancel()
        return call.vnic.resources.elements.of(run.figures())

    def _known(self, elements: Elements, call: Call) -> ImportRun:
        key = _key(order_of(elements, call), call)
        run = self._active.get(key) or self._ended.get(key)
        if run is None:
            raise NotFoundError(f"no import of file {key[2]!r} with template {key[1]!r} is known")
        return run

    def _remember(self, key: _RunKey, run: ImportRun) -> None:
        self._ended[key] = run
        self._ended.move_to_end(key)
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    async def _prepared(self, order: ImportOrder, call: Call) -> ImportRun:
        template = await find_template(order.request.template_id, call)
        check_template(template)
        resources = self.vnic.resources
        info = resources.registry.info(template.target_model_type)
        plan = ImportPlan(template, info.model, resources.introspector, self._separator)
        table = await self._table(order, template.source_format, call)
        plan.bind(table.columns)
        return ImportRun(
            plan,
            table,
            ServiceKey(template.target_service_name, template.target_service_area),
            call,
            self._limits,
            dry=call.action is Action.PUT,
        )

    async def _table(self, order: ImportOrder, declared: str, call: Call) -> Table:
        data, name, limits = b"", order.request.file_name, self._limits
        if order.stored:
            data, kept = await read_stored(order.stored, call, max_bytes=limits.max_bytes)
            name = name or kept

        def read() -> Table:
            content = data if order.stored else self._content(order.request)
            return read_table(content, declared=declared, name=name, limits=limits)

        # A large file takes a while to decode, and the loop belongs to everybody.
        table = await asyncio.to_thread(read)
        wanted = dropwhile(lambda row: row.number < order.first_row, table.rows)
        return Table(table.columns, wanted)

    def _content(self, request: L8ImportExecuteRequest) -> bytes:
        # Four characters of base64 are three bytes, so that what is too large is not decoded.
        if len(request.file_data) > self._limits.max_bytes // 3 * 4 + 8:
            raise InvalidInputError(
                f"the file has about {len(request.file_data) // 4 * 3} bytes, "
                f"at most {self._limits.max_bytes} are taken"
            )
        try:
            return base64.b64decode(request.file_data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInputError(f"the data of the file is no base64: {error}") from error


def _key(order: ImportOrder, call: Call) -> _RunKey:
    return call.identity, order.request.template_id, order.name


def import_execution_sla(
    limits: ImportLimits | None = None,
    *,
    list_separator: str = ";",
    web: WebService | None = None,
) -> ServiceLevelAgreement:
    """Agreement of the import service (``ImprtExec``, area 0).

    Args:
        limits: How much is taken.
        list_separator: What separates the values of a list in one cell.
        web: How it shows on the web.
    """
    return ServiceLevelAgreement(
        name="ImprtExec",
        handler=lambda: ImportExecution(limits, list_separator),
        stateful=False,
        voter=False,
        web=web,
    )
