# SPDX-License-Identifier: Apache-2.0
"""What the tests of the service manager have in common: a service that echoes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from l8types.pb import L8WebService
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .network import BOOKS, FakeNode

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from l8types.enums import Action
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ServiceHandler
    from l8types.protocols.web import WebEndpoint

    from .data import FakeElements


ECHO = ServiceKey("Echo", 3)


class Echo:
    """Answers what it was asked, or fails as it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.calls: list[Call] = []
        self.life: list[str] = []

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        self.life.append("activated")
        if self.error is not None:
            raise self.error

    async def deactivate(self) -> None:
        self.life.append("deactivated")
        if self.error is not None:
            raise self.error

    async def post(self, elements: FakeElements, call: Call) -> FakeElements:
        self.calls.append(call)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return elements

    put = patch = delete = get = post

    async def notify(self, elements: FakeElements, call: Call) -> None:
        await self.post(elements, call)

    async def failed(self, elements: FakeElements, call: Call) -> None:
        self.life.append("failed")
        if self.error is not None:
            raise self.error


class BooksOnTheWeb:
    """A web description."""

    key = BOOKS
    endpoints: Sequence[WebEndpoint] = ()

    def to_wire(self) -> L8WebService:
        return L8WebService(service_name="Books")


async def echo(node: FakeNode, **options: object) -> Echo:
    """Activate an echo."""
    handler = Echo()
    await activate_handler(node, handler, **options)
    return handler


async def activate_handler(node: FakeNode, handler: Echo, **options: object) -> None:
    """Activate this handler."""
    arguments: dict[str, object] = {"name": "Echo", "area": 3, **options}
    sla = ServiceLevelAgreement(handler=lambda: cast("ServiceHandler", handler), **arguments)  # type: ignore[arg-type]
    await node.services.activate(sla, node.nic)


async def handled(node: FakeNode, action: Action, *values: object, **parts: object) -> FakeElements:
    """Let a request come in from the network."""
    message = node.message(action, ECHO, source="somebody", **parts)
    answer = await node.services.handle(node.resources.elements.of(*values), message, node.nic)
    assert answer is not None
    return cast("FakeElements", answer)
