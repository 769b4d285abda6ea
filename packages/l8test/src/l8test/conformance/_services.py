# SPDX-License-Identifier: Apache-2.0
"""Conformance of service managers: the life of services, and the way of a message to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from l8test.services import CountingService, counting_sla
from l8test.wait import until
from l8types.enums import Action
from l8types.errors import ConflictError, L8Error, NotFoundError, RequestTimeoutError
from l8types.values import Message, ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.sla import ServiceLevelAgreement

__all__ = ["ActivationConformance", "DispatcherConformance", "NodeOpener"]

NodeOpener = Callable[[], AbstractAsyncContextManager["VNic"]]
"""Opens a node: a connected interface whose ``resources.services`` is the manager under test."""

TESTS = ServiceKey("Tests")
VERBS = (Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET)


class FragileService(CountingService):
    """A service that does not start."""

    @override
    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        await super().activate(sla, vnic)
        raise ConflictError("the data is in use")


class CrashingService(CountingService):
    """A service with a programming error in one verb."""

    @override
    async def put(self, elements: Elements, call: Call) -> Elements:
        raise ZeroDivisionError("a fault of the service's author")


class HangingService(CountingService):
    """A service that waits for ever in one verb."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = 0

    @override
    async def patch(self, elements: Elements, call: Call) -> Elements:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return elements


class ActivationConformance:
    """What every ``Activation`` promises.

    Fixture:
        open_node: A ``NodeOpener``.
    """

    async def test_activate(self, open_node: NodeOpener) -> None:
        """An activated service runs, is found and listed."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            assert await services.activate(counting_sla(service), vnic) is service
            assert service.activations == 1
            assert services.handler(TESTS) is service
            assert services.active()[TESTS] == ""
            await services.aclose()

    async def test_announced(self, open_node: NodeOpener) -> None:
        """The network knows of a service while it is active, and no longer."""
        async with open_node() as vnic:
            services = vnic.resources.services
            await services.activate(counting_sla(), vnic)
            await until(lambda: vnic.uuid in vnic.directory.providers(TESTS))
            await services.deactivate(TESTS)
            await until(lambda: vnic.uuid not in vnic.directory.providers(TESTS))

    async def test_twice(self, open_node: NodeOpener) -> None:
        """A service that is active is not activated again; another area is another service."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            with pytest.raises(ConflictError):
                await services.activate(counting_sla(CountingService()), vnic)
            assert services.handler(TESTS) is service
            other = await services.activate(counting_sla(area=1), vnic)
            assert other is not service
            await services.aclose()

    async def test_deactivate(self, open_node: NodeOpener) -> None:
        """A deactivated service is stopped once and gone."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            await services.deactivate(TESTS)
            assert service.deactivations == 1
            assert services.handler(TESTS) is None
            assert TESTS not in services.active()
            with pytest.raises(NotFoundError):
                await services.deactivate(TESTS)

    async def test_again(self, open_node: NodeOpener) -> None:
        """A service can be activated again after it was deactivated."""
        async with open_node() as vnic:
            services = vnic.resources.services
            first = await services.activate(counting_sla(), vnic)
            await services.deactivate(TESTS)
            second = await services.activate(counting_sla(), vnic)
            assert second is not first
            await services.aclose()

    async def test_failing_start(self, open_node: NodeOpener) -> None:
        """A service that does not start is not active, and its name stays free."""
        async with open_node() as vnic:
            services = vnic.resources.services
            with pytest.raises(L8Error):
                await services.activate(counting_sla(FragileService()), vnic)
            assert services.handler(TESTS) is None
            assert vnic.uuid not in vnic.directory.providers(TESTS)
            await services.activate(counting_sla(), vnic)
            await services.aclose()

    async def test_close(self, open_node: NodeOpener) -> None:
        """Closing stops every service."""
        async with open_node() as vnic:
            services = vnic.resources.services
            handlers = [CountingService() for _ in range(3)]
            for area, service in enumerate(handlers):
                await services.activate(counting_sla(service, area=area), vnic)
            await services.aclose()
            assert [service.deactivations for service in handlers] == [1, 1, 1]
            assert services.handler(TESTS) is None


class DispatcherConformance:
    """What every ``Dispatcher`` promises.

    Fixture:
        open_node: A ``NodeOpener``.
    """

    @pytest.mark.parametrize("action", VERBS, ids=lambda action: action.name)
    async def test_call(self, open_node: NodeOpener, action: Action) -> None:
        """Each verb reaches the handler with its circumstances, and its answer comes back."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            content = vnic.resources.elements.of("a", "b")
            answer = await services.call(TESTS, action, content, vnic)
            assert list(answer.values) == ["a", "b"]
            assert service.counts == {action: 1}
            [call] = service.calls
            assert (call.vnic, call.action, call.key, call.source) == (vnic, action, TESTS, "")
            await services.aclose()

    async def test_call_of_unknown_service(self, open_node: NodeOpener) -> None:
        """A call of a service that is not active here is not found."""
        async with open_node() as vnic:
            content = vnic.resources.elements.of()
            with pytest.raises(NotFoundError):
                await vnic.resources.services.call(TESTS, Action.GET, content, vnic)

    async def test_call_that_fails(self, open_node: NodeOpener) -> None:
        """The error of a service reaches its caller as it is."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            service.failing = True
            with pytest.raises(ConflictError, match="told to fail"):
                await services.call(TESTS, Action.GET, vnic.resources.elements.of(), vnic)
            await services.aclose()

    async def test_fault_of_a_service(self, open_node: NodeOpener) -> None:
        """A fault inside a service is an error of the answer; the service stays up."""
        async with open_node() as vnic:
            services, content = vnic.resources.services, vnic.resources.elements.of()
            await services.activate(counting_sla(CrashingService()), vnic)
            with pytest.raises(L8Error):
                await services.call(TESTS, Action.PUT, content, vnic)
            await services.call(TESTS, Action.POST, content, vnic)
            await services.aclose()

    async def test_call_of_a_hanging_service(self, open_node: NodeOpener) -> None:
        """A call ends with its time, the service is told, and others are served meanwhile."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, HangingService()
            await services.activate(counting_sla(service), vnic)
            content = vnic.resources.elements.of("a")
            with pytest.raises(RequestTimeoutError):
                await services.call(TESTS, Action.PATCH, content, vnic, timeout=0.05)
            assert service.cancelled == 1
            answer = await services.call(TESTS, Action.POST, content, vnic, timeout=0.05)
            assert list(answer.values) == ["a"]
            await services.aclose()

    @staticmethod
    def message(vnic: VNic, action: Action, *, request: bool = True, name: str = "") -> Message:
        """A message of another node to the service."""
        return Message(
            source="another node",
            destination=vnic.uuid,
            service=name or TESTS.name,
            action=action,
            request=request,
        )

    async def test_request(self, open_node: NodeOpener) -> None:
        """A request is answered, and the handler learns who asked."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            message = self.message(vnic, Action.POST)
            answer = await services.handle(vnic.resources.elements.of(7), message, vnic)
            assert answer is not None
            assert answer.first == 7
            [call] = service.calls
            assert (call.source, call.message) == ("another node", message)
            await services.aclose()

    async def test_message_without_answer(self, open_node: NodeOpener) -> None:
        """A message that asks for no answer gets none, whether it fails or not."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            message = self.message(vnic, Action.POST, request=False)
            content = vnic.resources.elements.of(7)
            assert await services.handle(content, message, vnic) is None
            service.failing = True
            assert await services.handle(content, message, vnic) is None
            assert service.counts[Action.POST] == 2
            await services.aclose()

    async def test_failing_request(self, open_node: NodeOpener) -> None:
        """Errors are part of the answer, never raised."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            service.failing = True
            for name, expected in (("", ConflictError), ("Nobody", NotFoundError)):
                message = self.message(vnic, Action.GET, name=name)
                answer = await services.handle(vnic.resources.elements.of(), message, vnic)
                assert answer is not None
                with pytest.raises(expected):
                    answer.raise_for_error()
            await services.aclose()

    async def test_notification(self, open_node: NodeOpener) -> None:
        """A notification reaches the handler as such."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            message = self.message(vnic, Action.NOTIFY, request=False)
            await services.handle(vnic.resources.elements.of(), message, vnic)
            assert service.counts == {Action.NOTIFY: 1}
            await services.aclose()

    async def test_undelivered(self, open_node: NodeOpener) -> None:
        """A message that came back reaches the handler as failed, not as one of its verbs."""
        async with open_node() as vnic:
            services, service = vnic.resources.services, CountingService()
            await services.activate(counting_sla(service), vnic)
            message = Message(service=TESTS.name, action=Action.POST, failure="no such node")
            await services.handle(vnic.resources.elements.of(), message, vnic)
            assert (service.undelivered, service.counts) == (1, {})
            await services.aclose()
