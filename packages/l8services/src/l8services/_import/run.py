# SPDX-License-Identifier: Apache-2.0
"""One import: rows become items, items are written in batches, what fails is told by row.

Batches go through the normal way of a call, in the name of whoever asked for the import: they are
authorized, ordered and, where the service is transactional, made everywhere or nowhere. A batch
that is refused is halved until the rows at fault are found.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from l8services._import.limits import ImportLimits
from l8services._import.plan import ImportPlan
from l8services._import.rows import CellError, Table
from l8services._reach import ask
from l8types.enums import Action
from l8types.errors import (
    ConflictError,
    EncodeError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    PermissionDeniedError,
    RemoteError,
    error_class,
)
from l8types.pb import L8ImportExecuteResponse, L8ImportRowError
from l8types.protocols.services import Call
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence


__all__ = ["ImportRun"]

_REFUSALS: Final = (ConflictError, InvalidInputError, NotFoundError, RemoteError)
"""What a service says about items; all else is about the service, and the rest would fail too."""

_Numbered = tuple[int, object]


@dataclass(slots=True)
class ImportRun:
    """The work and its figures.

    Args:
        plan: What to do with a row.
        table: The rows.
        target: The service to write to.
        call: In whose name.
        limits: Size of a batch, and how many errors are listed.
        dry: Whether nothing is written: rows are read, turned into items and counted.
    """

    plan: ImportPlan
    table: Table
    target: ServiceKey
    call: Call
    limits: ImportLimits
    dry: bool = False
    total: int = 0
    imported: int = 0
    failed: int = 0
    errors: list[L8ImportRowError] = field(default_factory=list)
    ended: bool = False
    _last: int = 0
    _read_all: bool = False
    _cancelled: bool = False
    _stopped: bool = False
    _beat: asyncio.Event = field(default_factory=asyncio.Event)

    def cancel(self) -> None:
        """Write no more batches after the one that is on its way."""
        self._cancelled = True

    async def work(self) -> None:
        """Do it.

        Raises:
            PermissionDeniedError: The caller may not write to the service.
            L8Error: The service failed, and nothing is known to be written yet.
        """
        try:
            await self._work()
        finally:
            self.ended = True
            self._tell()

    async def _work(self) -> None:
        while not self._read_all:
            # In a thread: a file can hold what takes long, and the loop belongs to everybody.
            batch = await asyncio.to_thread(self._read)
            await self._write(batch)
            self._tell()
            if self._ends():
                return

    def _read(self) -> list[_Numbered]:
        """The items of the next rows; those of which none can be made are counted."""
        batch: list[_Numbered] = []
        before = self.total
        for row in islice(self.table.rows, self.limits.batch_size):
            self.total += 1
            item, problems = self.plan.item_of(row)
            if item is None:
                self._fail(row.number, problems)
            else:
                batch.append((row.number, item))
            self._last = row.number
        self._read_all = self.total - before < self.limits.batch_size
        return batch

    def figures(self) -> L8ImportExecuteResponse:
        """The figures so far, with all errors that are listed."""
        return self._response(self.errors)

    async def follow(self) -> AsyncGenerator[L8ImportExecuteResponse, None]:
        """The figures now and after each batch, with the errors that are new, until the end.

        Batches that are made while the reader is busy are told together.
        """
        told = 0
        while True:
            beat, ended = self._beat, self.ended
            news, told = self.errors[told:], len(self.errors)
            yield self._response(news)
            if ended:
                return
            await beat.wait()

    def _tell(self) -> None:
        """Wake those who follow."""
        self._beat.set()
        self._beat = asyncio.Event()

    def _response(self, errors: Sequence[L8ImportRowError]) -> L8ImportExecuteResponse:
        return L8ImportExecuteResponse(
            total_rows=self.total,
            imported_rows=self.imported,
            failed_rows=self.failed,
            row_errors=errors,
        )

    def _ends(self) -> bool:
        if self._cancelled and not self._read_all:
            self._list(self._last, CellError("the import was cancelled after this row"))
        return self._cancelled or self._stopped

    async def _write(self, batch: Sequence[_Numbered]) -> None:
        if self.dry or not batch:
            self.imported += len(batch)
            return
        try:
            await self._post(batch)
        except PermissionDeniedError:
            if not self.imported:
                raise
            self._stop(batch, "the service permits no more")
        except L8Error as error:
            if not self.imported:
                raise
            self._stop(batch, f"{error.code}: {error.message}")

    def _stop(self, batch: Sequence[_Numbered], why: str) -> None:
        """The service is gone: tell which rows may be missing, and try no more."""
        self._stopped = True
        problem = CellError(f"{why}; it is not known to be written, the rows after it are not read")
        for number, _ in batch:
            self._fail(number, [problem])

    async def _post(self, batch: Sequence[_Numbered]) -> None:
        elements = self.call.vnic.resources.elements.of(*(item for _, item in batch))
        try:
            await ask(self.call, self.target, Action.POST, elements)
        except L8Error as error:
            results = _results(error, len(batch))
            if results is not None:
                self._count(batch, results)
            elif not isinstance(error, (*_REFUSALS, EncodeError)):
                raise
            elif len(batch) == 1:
                self._fail(batch[0][0], [CellError(f"{error.code}: {error.message}")])
            else:
                middle = len(batch) // 2
                await self._post(batch[:middle])
                await self._post(batch[middle:])
        else:
            self.imported += len(batch)

    def _count(self, batch: Sequence[_Numbered], results: Sequence[str]) -> None:
        for (number, _), text in zip(batch, results, strict=True):
            if text:
                self._fail(number, [CellError(text)])
            else:
                self.imported += 1

    def _fail(self, number: int, problems: Sequence[CellError]) -> None:
        """Count a row once, however much is wrong with it."""
        self.failed += 1
        for problem in problems:
            self._list(number, problem)

    def _list(self, number: int, problem: CellError) -> None:
        if len(self.errors) >= self.limits.max_errors:
            return
        told = L8ImportRowError(
            row_number=number,
            field=_sendable(problem.field)[:200],
            error_message=_sendable(problem.message)[:1000],
            source_value=_sendable(problem.source),
        )
        self.errors.append(told)


def _results(error: L8Error, count: int) -> list[str] | None:
    """What a service that takes items one by one said of each; ``None`` when it took all or none.

    An error of its own, about the service and not about items, counts as none.
    """
    if error.answer is None:
        return None
    results = [entry.error for entry in error.answer]
    if len(results) != count:
        return None
    known = all(
        issubclass(error_class(text.partition(":")[0]), (*_REFUSALS, PermissionDeniedError))
        for text in results
        if text
    )
    # One entry for one item may as well be the refusal as a whole.
    return (
        results if known and (count > 1 or not isinstance(error, PermissionDeniedError)) else None
    )


def _sendable(text: str) -> str:
    """A text that a message can carry: no halves of surrogate pairs, as JSON may have."""
    return text.encode("utf-8", "replace").decode("utf-8")
