# SPDX-License-Identifier: Apache-2.0
"""What the tests of imports have in common: nodes with the services, targets, requests."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, cast

from l8services._utility import UtilityHandler
from l8services.imports import (
    TEMPLATES,
    ImportLimits,
    import_execution_sla,
    import_info_sla,
    import_mapping_sla,
    import_transfer_sla,
)
from l8types.enums import Action, DecoratorType
from l8types.errors import (
    ConflictError,
    L8Error,
    NotFoundError,
)
from l8types.pb import (
    L8ImportExecuteRequest,
    L8ImportExecuteResponse,
    L8ImportTemplate,
)
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .model import Book
from .virtual import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

    from .network import FakeNetwork, FakeNode


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
