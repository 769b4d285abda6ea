# SPDX-License-Identifier: Apache-2.0
"""Imports: from a file to items of a service, whatever the file and the service do."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import pytest

from l8services._import import execute
from l8services._import.plan import ImportPlan
from l8services.imports import (
    ImportLimits,
)
from l8types.enums import Action, DecoratorType
from l8types.errors import (
    BusyError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.pb import (
    L8ImportExecuteRequest,
    L8ImportExecuteResponse,
    L8ImportTemplate,
)
from l8types.values import ServiceKey

from .model import Book
from .network import FakeNetwork
from .virtual import run

if TYPE_CHECKING:
    from l8services import imports
    from l8services._import.rows import CellError, Row

from .importing import (
    BOOKS,
    EXEC,
    GOOD,
    MIXED,
    TWENTY,
    Target,
    counts,
    do,
    halted,
    importer,
    request,
)


@pytest.mark.feature("IMP-01")
def test_file_becomes_items_of_the_service() -> None:
    """Each row is an item, written in batches in the name of the caller."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            assert counts(await do(node, request(GOOD), identity="ann")) == (3, 3, 0)
            assert node.books()["2"] == Book("2", "B", 2.0)
            writes = [a for a in node.resources.security.asked if a[2].name == "Books"]
            assert writes == [("ann", Action.POST, ServiceKey("Books"))] * 2

    run(scenario())


@pytest.mark.feature("IMP-01")
def test_each_bad_row_has_its_errors_and_counts_once() -> None:
    """A row with two faults is one failed row with two errors; the others are written."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network, limits=ImportLimits())
            found = await do(node, request(MIXED))
            assert counts(found) == (5, 2, 3)
            assert [(e.row_number, e.field, e.source_value) for e in found.row_errors] == [
                (1, "Price", "x"),
                (1, "Stock", "y"),
                (3, "Isbn", ""),
                (5, "", "5,E,5"),
            ]
            assert sorted(node.books()) == ["2", "4"]

    run(scenario())


def test_errors_are_listed_up_to_a_limit_and_all_are_counted() -> None:
    """A file of a million errors does not become an answer of a million."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            found = await do(node, request("isbn,price\n" + "1,x\n" * 50))
            assert (counts(found), len(found.row_errors)) == ((50, 0, 50), 3)

    run(scenario())


@pytest.mark.feature("IMP-01")
def test_trying_writes_nothing() -> None:
    """PUT tells what a POST would do."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            found = await do(node, request(MIXED), Action.PUT)
            assert (counts(found), node.books()) == ((5, 2, 3), {})

    run(scenario())


def test_importing_again_changes_nothing_more() -> None:
    """An import that was interrupted is simply made again: keys decide."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            await do(node, request(GOOD.rpartition("3,C")[0]))
            before = dict(node.books())
            assert counts(await do(node, request(GOOD))) == (3, 3, 0)
            assert node.books() == {**before, "3": Book("3", "C", 3.0)}

    run(scenario())


@pytest.mark.feature("IMP-01")
def test_batch_that_is_refused_as_a_whole_is_halved() -> None:
    """A transactional service takes all or nothing: only the row at fault fails."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            target = Target(refuse={"3"})
            node = await importer(network, target=target, limits=ImportLimits(batch_size=4))
            text = "isbn\n" + "".join(f"{n}\n" for n in range(1, 8))
            found = await do(node, request(text))
            assert counts(found) == (7, 6, 1)
            assert [(e.row_number, e.error_message) for e in found.row_errors] == [
                (3, "conflict: a number that is taken")
            ]
            assert sorted(target.taken) == ["1", "2", "4", "5", "6", "7"]

    run(scenario())


def test_refusals_of_single_items_are_told_by_row() -> None:
    """A service that takes items one by one says of each what was wrong."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            node.resources.introspector.declared[Book, DecoratorType.UNIQUE] = ("code",)
            found = await do(node, request("isbn,code\n1,x\n2,x\n3,y\n"))
            assert counts(found) == (3, 2, 1)
            assert found.row_errors[0].row_number == 2
            assert "unique key" in found.row_errors[0].error_message

    run(scenario())


def test_service_that_is_gone_from_the_start_is_the_error() -> None:
    """Nothing was written, so the import as a whole failed."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            target = Target()
            target.failure = UnavailableError("no leader")
            node = await importer(network, target=target)
            with pytest.raises(UnavailableError, match="no leader"):
                await do(node, request(GOOD))
            node.resources.security.denied.add(("eve", Action.POST))
            with pytest.raises(PermissionDeniedError):
                await do(node, request(GOOD), identity="eve")

    run(scenario())


def test_service_that_goes_meanwhile_ends_the_import() -> None:
    """What was written counts, what is not known is told by row, and no more is tried."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            target = Target()
            target.failure, target.after = UnavailableError("no leader"), 1
            node = await importer(network, target=target)
            found = await do(node, request("isbn\n" + "".join(f"{n}\n" for n in range(9))))
            assert counts(found) == (4, 2, 2)
            assert "not known to be written" in found.row_errors[0].error_message
            assert [e.row_number for e in found.row_errors] == [3, 4]
            assert len(target.batches) == 2
            target.failure, target.after = PermissionDeniedError("no longer"), 3
            found = await do(node, request("isbn\n5\n6\n7\n8\n"))
            assert counts(found) == (4, 2, 2)
            assert "permits no more" in found.row_errors[0].error_message

    run(scenario())


@pytest.mark.feature("IMP-01")
def test_progress_can_be_followed_and_asked_for() -> None:
    """Each part has the figures so far, and the errors that are new; the last is the outcome."""

    async def scenario() -> None:
        async with FakeNetwork() as network, asyncio.TaskGroup() as group:
            asked = request(TWENTY)
            node, target, task = await halted(network, group, asked)
            async with aclosing(node.stream(node.uuid, EXEC.name, 0, Action.GET, asked)) as stream:
                parts = [cast("L8ImportExecuteResponse", (await anext(stream)).first)]
                assert counts(parts[0]) == (2, 0, 1)
                assert counts(await do(node, asked, Action.GET)) == (2, 0, 1)
                with pytest.raises(BusyError, match="is being imported"):
                    await do(node, asked)
                with pytest.raises(NotFoundError, match=r"no import of file 'b\.csv'"):
                    await do(node, asked, Action.GET, identity="somebody else")
                target.gate.release()
                parts.append(cast("L8ImportExecuteResponse", (await anext(stream)).first))
                assert parts[1].imported_rows == 1
                for _ in range(20):
                    target.gate.release()
                parts += [cast("L8ImportExecuteResponse", part.first) async for part in stream]
            assert len(parts) > 2
            assert [e.row_number for part in parts for e in part.row_errors] == [2, 5]
            assert counts(parts[-1]) == counts(await task) == (20, 18, 2)
            assert counts(await do(node, asked, Action.GET)) == (20, 18, 2)

    run(scenario())


def test_import_can_be_cancelled() -> None:
    """What was written stays, the next batch is not; the import can be made again."""

    async def scenario() -> None:
        async with FakeNetwork() as network, asyncio.TaskGroup() as group:
            asked = request(TWENTY)
            node, target, task = await halted(network, group, asked)
            await do(node, asked, Action.DELETE)
            target.gate.release()
            ended = await task
            assert counts(ended) == (2, 1, 1)
            assert "cancelled after this row" in ended.row_errors[-1].error_message
            assert list(target.taken) == ["1"]
            target.gate = asyncio.Semaphore(100)
            assert counts(await do(node, asked)) == (20, 18, 2)

    run(scenario())


def test_caller_that_goes_away_ends_the_import() -> None:
    """Its figures can still be asked for, and the file imported again."""

    async def scenario() -> None:
        async with FakeNetwork() as network, asyncio.TaskGroup() as group:
            asked = request(TWENTY)
            node, target, task = await halted(network, group, asked)
            task.cancel()
            await asyncio.wait([task])
            assert counts(await do(node, asked, Action.GET)) == (2, 0, 1)
            target.gate = asyncio.Semaphore(100)
            assert counts(await do(node, asked)) == (20, 18, 2)

    run(scenario())


def test_number_of_imports_at_once_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused, and outcomes are remembered up to a number."""

    async def scenario() -> None:
        async with FakeNetwork() as network, asyncio.TaskGroup() as group:
            node, target, task = await halted(network, group, request(GOOD))
            with pytest.raises(BusyError, match="1 imports are at work"):
                await do(node, request(GOOD, name="other.csv"))
            target.gate = asyncio.Semaphore(100)
            task.cancel()
            await asyncio.wait([task])
            await do(node, request(GOOD, name="other.csv"))
            with pytest.raises(NotFoundError):
                await do(node, request(GOOD), Action.GET)

    monkeypatch.setattr(execute, "_AT_ONCE", 1)
    monkeypatch.setattr(execute, "_REMEMBERED", 1)
    run(scenario())


def test_deactivation_ends_what_is_at_work() -> None:
    """The batch on its way is finished, no other begins."""

    async def scenario() -> None:
        async with FakeNetwork() as network, asyncio.TaskGroup() as group:
            node, target, task = await halted(network, group, request(TWENTY))
            handler = cast("imports.ImportExecution", node.services.handler(EXEC))
            await handler.deactivate()
            for _ in range(20):
                target.gate.release()
            assert counts(await task)[0] == 2
            assert len(target.batches) == 1

    run(scenario())


XML_BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x><r><c>&b;</c></r></x>"
POISON = {
    "binary": bytes(range(256)) * 50,
    "zeros": b"isbn,title\n\0\0\0,x\n",
    "bomb": XML_BOMB.encode(),
    "deep": b'[{"isbn": ' + b"[" * 50_000,
    "truncated": b'[{"isbn": "1"}, {"isbn": "2',
    "ragged": b"isbn,title\n1\n1,2,3\n",
    "long": b'isbn,title\n1,"' + b"x" * 300_000,
    "formula": b"isbn,title,price\n1,=1+1,=2\n",
    "empty": b"",
    "surrogate": b'[{"isbn": "1", "price": "\\ud800"}]',
}


@pytest.mark.feature("IMP-01")
@pytest.mark.parametrize("kind", POISON)
def test_poisoned_file_does_no_harm(kind: str) -> None:
    """It gives errors of rows or one error, and the next file is imported as if nothing was."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            try:
                found = await do(node, request(POISON[kind], name="x"))
            except InvalidInputError as error:
                assert error.message  # noqa: PT017 - one of two good ends
            else:
                assert found.failed_rows
                assert found.SerializeToString()
            assert counts(await do(node, request(GOOD))) == (3, 3, 0)

    run(scenario())


def test_files_are_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a file takes to be read, the node goes on serving."""
    threads: set[int] = set()
    real = ImportPlan.item_of

    def item_of(self: ImportPlan, row: Row) -> tuple[object | None, list[CellError]]:
        threads.add(threading.get_ident())
        return real(self, row)

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            assert counts(await do(node, request(GOOD))) == (3, 3, 0)

    monkeypatch.setattr(ImportPlan, "item_of", item_of)
    asyncio.run(scenario())
    assert threads
    assert threading.get_ident() not in threads


def test_formula_is_a_text() -> None:
    """It is kept as it is; an export escapes it."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            await do(node, request("isbn,title\n1,=1+1\n"))
            assert cast("Book", node.books()["1"]).title == "=1+1"

    run(scenario())


def test_bad_requests_are_told() -> None:
    """No or an unknown template or model, data that is none, a file above the limit."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            other = L8ImportTemplate(
                template_id="n", target_model_type="Nothing", target_service_name="Books"
            )
            node = await importer(network, BOOKS, other, limits=ImportLimits(max_bytes=20))
            with pytest.raises(InvalidInputError, match="names no template"):
                await do(node, request(GOOD, template=""))
            with pytest.raises(NotFoundError):
                await do(node, request(GOOD, template="?"))
            with pytest.raises(NotFoundError, match="'Nothing'"):
                await do(node, request(GOOD, template="n"))
            bad = L8ImportExecuteRequest(template_id="books", file_data="?")
            with pytest.raises(InvalidInputError, match="no base64"):
                await do(node, bad)
            with pytest.raises(InvalidInputError, match="at most 20 are taken"):
                await do(node, request("x" * 60))
            with pytest.raises(InvalidInputError, match="takes one L8ImportExecuteRequest"):
                await do(node, Book("1"))

    run(scenario())
