# SPDX-License-Identifier: Apache-2.0
"""The services of an import: execution, fields, suggestions, templates that travel."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import pytest

from l8services import imports
from l8services._import import execute
from l8services._import.plan import ImportPlan
from l8services._utility import UtilityHandler
from l8services.imports import (
    TEMPLATES,
    ImportLimits,
    import_execution_sla,
    import_info_sla,
    import_mapping_sla,
    import_templates_sla,
    import_transfer_sla,
)
from l8types.enums import Action, DecoratorType
from l8types.errors import (
    BusyError,
    ClosedError,
    ConflictError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.pb import (
    L8ImportAIMappingRequest,
    L8ImportAIMappingResponse,
    L8ImportColumnMapping,
    L8ImportExecuteRequest,
    L8ImportExecuteResponse,
    L8ImportFieldInfo,
    L8ImportModelInfoRequest,
    L8ImportModelInfoResponse,
    L8ImportTemplate,
    L8ImportTemplateExportRequest,
    L8ImportTemplateExportResponse,
    L8ImportTemplateImportRequest,
    L8ImportTemplateImportResponse,
)
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from . import model
from .model import Book
from .network import FakeNetwork, FakeNode
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8services._import.rows import CellError, Row
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

EXEC = ServiceKey("ImprtExec")
XFER = ServiceKey("ImprtXfer")
BOOKS = L8ImportTemplate(
    template_id="books", name="Books", target_model_type="Book", target_service_name="Books"
)
SMALL = ImportLimits(batch_size=2, max_errors=3)


class Templates(UtilityHandler):
    """Keeps templates in a dictionary."""

    def __init__(self, *templates: L8ImportTemplate) -> None:
        super().__init__()
        self.kept = {template.template_id: template for template in templates}

    async def get(self, elements: Elements, call: Call) -> Elements:
        factory = self.vnic.resources.elements
        if elements.query is not None:
            return factory.of(*self.kept.values())
        found = self.kept.get(cast("L8ImportTemplate", elements.first).template_id)
        return factory.of(found) if found else factory.error(NotFoundError("no such item"))

    async def post(self, elements: Elements, call: Call) -> Elements:
        for template in cast("Sequence[L8ImportTemplate]", elements.values):
            if template.name == "refused":
                raise ConflictError("not this one")
            self.kept[template.template_id] = template
        return self.vnic.resources.elements.of()

    put = post


class Target(UtilityHandler):
    """Takes or refuses whole batches, as a transactional service does."""

    def __init__(self, refuse: set[str] | None = None) -> None:
        super().__init__()
        self.refuse = refuse or set()
        self.failure: L8Error | None = None
        self.after = 0
        self.batches: list[list[str]] = []
        self.taken: dict[str, Book] = {}
        self.gate = asyncio.Semaphore(1_000_000)

    async def post(self, elements: Elements, call: Call) -> Elements:
        books = cast("Sequence[Book]", elements.values)
        self.batches.append([book.isbn for book in books])
        await self.gate.acquire()
        if self.failure is not None and len(self.batches) > self.after:
            raise self.failure
        if any(book.isbn in self.refuse for book in books):
            raise ConflictError("a number that is taken")
        self.taken |= {book.isbn: book for book in books}
        return self.vnic.resources.elements.of()


async def importer(
    network: FakeNetwork,
    *templates: L8ImportTemplate,
    target: Target | None = None,
    limits: ImportLimits = SMALL,
) -> FakeNode:
    """A node with all services of an import, and one for books."""
    node = network.node("a")
    node.resources.register(Book)
    introspector = node.resources.introspector
    introspector.declared[L8ImportTemplate, DecoratorType.PRIMARY] = ("template_id",)
    kept = Templates(*(templates or (BOOKS,)))
    slas = [
        ServiceLevelAgreement(name=TEMPLATES.name, handler=lambda: kept, stateful=False),
        import_execution_sla(limits),
        import_info_sla(),
        import_mapping_sla(),
        import_transfer_sla(),
    ]
    if target is not None:
        introspector.declared[Book, DecoratorType.PRIMARY] = ("isbn",)
        sla = ServiceLevelAgreement(name="Books", handler=lambda: target, stateful=False)
        slas.append(sla)
    else:
        await node.serve()
    for sla in slas:
        await node.services.activate(sla, node.nic)
    return node


def request(text: str | bytes, template: str = "books", name: str = "b.csv") -> object:
    """A file to import."""
    data = base64.b64encode(text.encode() if isinstance(text, str) else text).decode()
    return L8ImportExecuteRequest(template_id=template, file_data=data, file_name=name)


async def do(
    node: FakeNode, asked: object, action: Action = Action.POST, identity: str = ""
) -> L8ImportExecuteResponse:
    """The outcome of an import."""
    answer = await node.do(action, asked, key=EXEC, identity=identity)
    return cast("L8ImportExecuteResponse", answer.first)


def counts(found: L8ImportExecuteResponse) -> tuple[int, int, int]:
    """Rows in all, imported and failed."""
    return found.total_rows, found.imported_rows, found.failed_rows


GOOD = "isbn,title,price\n1,A,1.5\n2,B,2\n3,C,3\n"
MIXED = "isbn,title,price,stock\n1,A,x,y\n2,B,2,2\n,C,3,3\n4,D,4,4\n5,E,5\n"


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


TWENTY = "isbn,price\n" + "".join(f"{n},{'x' if n in {2, 5} else n}\n" for n in range(1, 21))


async def halted(
    network: FakeNetwork, group: asyncio.TaskGroup, asked: object
) -> tuple[FakeNode, Target, asyncio.Task[L8ImportExecuteResponse]]:
    """An import whose first batch is on its way to a service that does not answer."""
    target = Target()
    target.gate = asyncio.Semaphore(0)
    node = await importer(network, target=target)
    task = group.create_task(do(node, asked))
    await until(lambda: target.batches, "the first batch")
    return node, target, task


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


@pytest.mark.feature("IMP-02")
def test_fields_of_a_model_can_be_asked() -> None:
    """Over the network, by the short name of the model."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            asked = L8ImportModelInfoRequest(model_type="Book")
            for action in (Action.POST, Action.GET):
                answer = await node.do(action, asked, key=ServiceKey("ImprtInfo"))
                found = cast("L8ImportModelInfoResponse", answer.first)
                assert [(f.field_name, f.field_type, f.is_primary_key) for f in found.fields] == [
                    ("Isbn", "string", True),
                    ("Title", "string", False),
                    ("Price", "float", False),
                    ("Stock", "int64", False),
                    ("Code", "string", False),
                ]
            asked = L8ImportModelInfoRequest(model_type="?")
            with pytest.raises(NotFoundError):
                await node.do(Action.POST, asked, key=ServiceKey("ImprtInfo"))

    run(scenario())


class Oracle:
    """Knows everything."""

    async def suggest(
        self, fields: Sequence[L8ImportFieldInfo], columns: Sequence[str], samples: Sequence[str]
    ) -> L8ImportAIMappingResponse:
        pairs = zip(columns, fields, strict=False)
        return L8ImportAIMappingResponse(
            suggested_mappings=[
                L8ImportColumnMapping(source_column=c, target_field=f.field_name) for c, f in pairs
            ],
            explanation="I know",
        )


@pytest.mark.feature("IMP-03")
def test_mapping_is_suggested_by_names_or_by_a_provider() -> None:
    """The default compares names; another provider takes its place."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            key = ServiceKey("ImprtAI")
            asked = L8ImportAIMappingRequest(
                target_model_type="Book", source_columns=["ISBN-Code", "tittle", "?"]
            )
            answer = await node.do(Action.POST, asked, key=key)
            found = cast("L8ImportAIMappingResponse", answer.first)
            assert [(m.source_column, m.target_field) for m in found.suggested_mappings] == [
                ("ISBN-Code", "Isbn"),
                ("tittle", "Title"),
                ("?", ""),
            ]
            await node.services.deactivate(key)
            await node.services.activate(import_mapping_sla(Oracle()), node.nic)
            answer = await node.do(Action.POST, asked, key=key)
            assert cast("L8ImportAIMappingResponse", answer.first).explanation == "I know"

    run(scenario())


async def bundle(node: FakeNode, *ids: str) -> L8ImportTemplateExportResponse:
    """Templates as they travel."""
    asked = L8ImportTemplateExportRequest(template_ids=ids)
    answer = await node.do(Action.POST, asked, key=XFER)
    return cast("L8ImportTemplateExportResponse", answer.first)


async def take(
    node: FakeNode, text: str, *, overwrite: bool = False
) -> L8ImportTemplateImportResponse:
    """Take a bundle over."""
    asked = L8ImportTemplateImportRequest(import_data=text, overwrite_existing=overwrite)
    answer = await node.do(Action.PUT, asked, key=XFER)
    return cast("L8ImportTemplateImportResponse", answer.first)


@pytest.mark.feature("IMP-04")
def test_templates_travel_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names as in the messages, no zeros; what comes back is what went."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            rich = L8ImportTemplate(
                template_id="r",
                name="Reich",
                target_model_type="Book",
                target_service_name="Books",
                column_mappings=[L8ImportColumnMapping(source_column="ä", target_field="Title")],
                default_values={"price": "1"},
            )
            node = await importer(network, BOOKS, rich)
            every = await bundle(node)
            assert every.template_count == 2
            assert every.filename.startswith("import_templates_2023-11-1")
            assert json.loads(every.export_data)[0] == {
                "template_id": "books",
                "name": "Books",
                "target_model_type": "Book",
                "target_service_name": "Books",
            }
            one = await bundle(node, "r", "r")
            assert one.template_count == 1
            kept = cast("Templates", node.services.handler(TEMPLATES)).kept
            del kept["r"]
            found = await take(node, one.export_data)
            assert (found.imported_count, list(found.imported_names)) == (1, ["Reich"])
            assert kept["r"] == rich
            with pytest.raises(NotFoundError):
                await bundle(node, "?")

    monkeypatch.setitem(model.MODELS, "L8ImportTemplate", L8ImportTemplate)
    run(scenario())


@pytest.mark.feature("IMP-04")
def test_existing_templates_are_replaced_only_on_demand() -> None:
    """What is skipped is named with the reason; a bad template does not keep the others away."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            kept = cast("Templates", node.services.handler(TEMPLATES)).kept
            base = {"target_model_type": "Book", "target_service_name": "Books"}
            items = [
                {"template_id": "books", "name": "New", **base},
                {"template_id": "bad"},
                {"template_id": "no", "name": "refused", **base},
                {"template_id": "good", **base},
            ]
            found = await take(node, json.dumps(items))
            assert (found.imported_count, found.skipped_count) == (1, 3)
            assert list(found.imported_names) == ["good"]
            assert list(found.skipped_names) == [
                "New: exists already",
                "bad: template 'bad' has no target_model_type",
                "refused: not this one",
            ]
            assert kept["books"].name == "Books"
            await take(node, json.dumps(items[:1]), overwrite=True)
            assert kept["books"].name == "New"
            node.resources.security.denied.add(("", Action.POST))
            with pytest.raises(PermissionDeniedError):
                await take(node, json.dumps([{"template_id": "x", **base}]))

    run(scenario())


@pytest.mark.feature("IMP-04")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "no array of templates"),
        ("[1]", "template 1 of the bundle is no object"),
        ('[{"templateid": 1}]', "template 1 of the bundle does not fit"),
        ('[{"template_id": "a", "target_service_area": "x"}]', "does not fit"),
        ("[{}]", "has no template_id"),
        ('[{"template_id": "a"}, {"template_id": "a"}]', "has template 'a' twice"),
    ],
)
def test_what_is_no_bundle_is_refused_as_a_whole(text: str, reason: str) -> None:
    """Nothing of it is taken over."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            with pytest.raises(InvalidInputError, match=reason):
                await take(node, text)

    run(scenario())


@pytest.mark.feature("IMP-05")
def test_template_that_cannot_work_is_not_kept() -> None:
    """The service of the templates checks what is written."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            await node.services.deactivate(TEMPLATES)
            sla = import_templates_sla()
            assert (sla.key, sla.primary_keys) == (TEMPLATES, ("template_id",))
            assert sla.hook is not None
            call = cast("Call", type("", (), {"action": Action.POST}))
            with pytest.raises(InvalidInputError, match="no target_model_type"):
                await sla.hook.before(L8ImportTemplate(template_id="t"), call)
            assert (await sla.hook.before(BOOKS, call)).proceed
            assert (await sla.hook.after(BOOKS, call)).proceed

    run(scenario())


def test_services_are_where_the_others_look_for_them() -> None:
    """Names and areas are part of the contract; what is not active says so."""
    slas = [
        import_execution_sla(), import_info_sla(), import_mapping_sla(), import_transfer_sla(),
    ]  # fmt: skip
    names = [(sla.name, sla.area) for sla in slas]
    assert names == [("ImprtExec", 0), ("ImprtInfo", 0), ("ImprtAI", 0), ("ImprtXfer", 0)]
    with pytest.raises(ClosedError):
        _ = imports.ImportExecution().vnic
