# SPDX-License-Identifier: Apache-2.0
"""The service manager: activation, dispatch, errors, web announcements, leadership."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from l8services import ServiceManager, create_services
from l8types.constants import WEB_SERVICE
from l8types.enums import Action, DecoratorType, WireProfile
from l8types.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PropertyError,
    RemoteError,
    UnavailableError,
)
from l8types.pb import L8WebService
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .model import Book
from .network import BOOKS, FakeNetwork, FakeNode
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHandler, Services
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


def test_entry_point_makes_a_manager() -> None:
    """The factory of the entry point gives the protocol's implementation."""
    resources = cast("Resources", object())
    services: Services = ServiceManager(resources)
    assert type(create_services(resources)) is type(services)


@pytest.mark.feature("SVC-02", "SVC-07", "SVC-08")
def test_activation_declares_the_model_and_announces_the_service() -> None:
    """Model and keys are known, and the network learns of the service with its model."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(unique_keys=("code",), non_unique_keys=("title",))
            assert a.offered == {BOOKS: "Book"}
            assert a.resources.introspector.declared == {
                (Book, DecoratorType.PRIMARY): ("isbn",),
                (Book, DecoratorType.UNIQUE): ("code",),
                (Book, DecoratorType.NON_UNIQUE): ("title",),
            }
            assert set(a.resources.registry.models) >= {"Book", "L8NotificationSet"}

    run(scenario())


@pytest.mark.feature("SVC-01", "SVC-14", "SVC-15")
def test_services_are_known_by_name_and_area() -> None:
    """Two areas of one name are two services."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            books, echoing = await a.serve(), await echo(a)
            assert dict(a.services.active()) == {BOOKS: "Book", ECHO: ""}
            assert a.services.handler(BOOKS) is books
            assert cast("object", a.services.handler(ECHO)) is echoing
            assert a.services.handler(ServiceKey("Books", 1)) is None

    run(scenario())


@pytest.mark.feature("SVC-03")
def test_same_activation_again_gives_the_handler_that_runs() -> None:
    """An equal agreement is kept already; anything else is a conflict, and what runs goes on."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            sla = ServiceLevelAgreement(
                name="Echo", area=3, handler=cast("type[ServiceHandler]", Echo)
            )
            first = await a.services.activate(sla, a.nic)
            assert await a.services.activate(replace(sla), a.nic) is first
            with pytest.raises(ConflictError):
                await a.services.activate(replace(sla, voter=False), a.nic)
            assert cast("Echo", first).life == ["activated"]
            assert (await handled(a, Action.GET, 1)).values == [1]

    run(scenario())


@pytest.mark.feature("SVC-05")
def test_each_activation_has_a_handler_of_its_own() -> None:
    """Two areas share nothing, and a service that is activated again starts from scratch."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            sla = ServiceLevelAgreement(
                name="Echo", area=3, handler=cast("type[ServiceHandler]", Echo)
            )
            first = await a.services.activate(sla, a.nic)
            other = await a.services.activate(replace(sla, area=4), a.nic)
            await a.services.deactivate(ECHO)
            again = await a.services.activate(sla, a.nic)
            assert len({id(first), id(other), id(again)}) == 3
            assert cast("Echo", again).life == ["activated"]

    run(scenario())


@pytest.mark.feature("SVC-06")
def test_handlers_are_registered_by_name() -> None:
    """An agreement may know the name only; it is looked up when the service is activated."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            kinds = a.services.handler_types
            factory = cast("type[ServiceHandler]", Echo)
            sla = ServiceLevelAgreement(name="Echo", area=3, handler=kinds.factory("echo"))
            with pytest.raises(NotFoundError, match="'echo'; there are: none"):
                await a.services.activate(sla, a.nic)
            kinds.register("echo", factory)
            kinds.register("echo", factory)
            with pytest.raises(ConflictError, match="'echo'"):
                kinds.register("echo", lambda: cast("ServiceHandler", Echo()))
            with pytest.raises(InvalidInputError, match="needs a name"):
                kinds.register("", factory)
            await a.services.activate(sla, a.nic)
            assert (await handled(a, Action.GET, 1)).values == [1]

    run(scenario())


def test_second_activation_is_a_conflict() -> None:
    """A running service is not replaced, nor one that is just starting."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            first = await echo(a)
            with pytest.raises(ConflictError, match="Echo--3 is active already"):
                await echo(a)
            assert cast("object", a.services.handler(ECHO)) is first

    run(scenario())


@pytest.mark.feature("SVC-04")
def test_names_are_checked_against_the_profile() -> None:
    """Long names are for the native profile only."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            go = network.node("a", NodeSettings(uuid="a" * 36, profile=WireProfile.GO))
            with pytest.raises(InvalidInputError, match="11 bytes"):
                await echo(go, name="ElevenBytes")
            await echo(go, name="TenBytes_0")
            await echo(network.node("b"), name="ElevenBytes")

    run(scenario())


def test_agreement_that_cannot_be_kept_is_refused() -> None:
    """What cannot be kept is an error of the activation, not a surprise later.

    Transactions in the go profile, handlers that cannot take part in them, unknown keys.
    """

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            go = network.node("g", NodeSettings(uuid="g" * 36, profile=WireProfile.GO))
            with pytest.raises(InvalidInputError, match="go profile"):
                await go.serve(transactional=True)
            with pytest.raises(InvalidInputError, match="no TransactionalService"):
                await echo(a, transactional=True)
            with pytest.raises(PropertyError, match="'nothing'"):
                await a.serve(primary_keys=("nothing",))
            assert a.offered == {}

    run(scenario())


def test_failing_activation_leaves_nothing() -> None:
    """A handler that fails to start is not offered, and may be activated again."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, handler = network.node("a"), Echo()
            handler.error = UnavailableError("not now")
            with pytest.raises(UnavailableError):
                await activate_handler(a, handler)
            assert (dict(a.services.active()), a.offered) == ({}, {})
            handler.error = None
            await activate_handler(a, handler)

    run(scenario())


def test_service_that_cannot_be_announced_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the network cannot be told, the handler is deactivated again."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, handler = network.node("a"), Echo()

            async def fail(service: ServiceKey, *, model: str = "") -> None:
                raise UnavailableError("no connection")

            monkeypatch.setattr(a, "announce", fail)
            with pytest.raises(UnavailableError):
                await activate_handler(a, handler)
            assert handler.life == ["activated", "deactivated"]
            assert a.services.handler(ECHO) is None

    run(scenario())


@pytest.mark.feature("SVC-13")
def test_deactivation_withdraws_waits_and_stops() -> None:
    """W-20: the network is told first, running calls end, then the handler stops."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            handler.gate = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                answer = group.create_task(handled(a, Action.GET, 1))
                await asyncio.sleep(0.1)
                stopping = group.create_task(a.services.deactivate(ECHO))
                await asyncio.sleep(0.1)
                assert (a.offered, handler.life) == ({}, ["activated"])
                handler.gate.set()
            assert answer.result().values == [1]
            assert stopping.done()
            assert handler.life == ["activated", "deactivated"]
            with pytest.raises(NotFoundError):
                await a.services.deactivate(ECHO)

    run(scenario())


def test_closing_stops_all_services(caplog: pytest.LogCaptureFixture) -> None:
    """One that fails to stop does not keep the others running."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            good, bad = await echo(a), await echo(a, area=4)
            bad.error = RuntimeError("stuck")
            await a.services.aclose()
            assert good.life == bad.life == ["activated", "deactivated"]
            assert dict(a.services.active()) == {}
            assert a.listeners == []

    run(scenario())
    assert "failed to stop" in caplog.text


@pytest.mark.feature("SVC-16")
@pytest.mark.parametrize(
    "action", [Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET]
)
def test_message_reaches_the_verb_with_its_circumstances(action: Action) -> None:
    """The handler learns who asks, from where, and until when."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            now = asyncio.get_running_loop().time()
            answer = await handled(a, action, 1, 2, identity="eve", timeout=3.0)
            assert answer.values == [1, 2]
            (call,) = handler.calls
            assert (call.action, call.key, call.identity) == (action, ECHO, "eve")
            assert (call.source, call.deadline) == ("somebody", now + 3.0)
            assert a.resources.security.asked == [("eve", action, ECHO)]

    run(scenario())


def test_message_that_asks_for_nothing_gets_nothing() -> None:
    """Only a request has an answer, also when it fails."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            empty = a.resources.elements.of()
            for action in (Action.NOTIFY, Action.POST, Action.LEADER_QUERY):
                message = a.message(action, ECHO, request=False)
                assert await a.services.handle(empty, message, a.nic) is None
            assert [call.action for call in handler.calls] == [Action.NOTIFY, Action.POST]

    run(scenario())


@pytest.mark.feature("SVC-17")
def test_denied_call_does_not_reach_the_handler() -> None:
    """Authorization comes first, from the network and from this process."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            a.resources.security.denied = {("eve", Action.POST)}
            answer = await handled(a, Action.POST, 1, identity="eve")
            assert answer.error.startswith("permission-denied: 'eve' may not POST")
            with pytest.raises(PermissionDeniedError):
                await a.do(Action.POST, 1, identity="eve", key=ECHO)
            assert handler.calls == []

    run(scenario())


@pytest.mark.feature("SVC-18")
def test_answer_holds_what_the_caller_may_see() -> None:
    """The answers of any handler pass the filter of the security provider."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await echo(a)
            a.resources.security.hidden = {"1"}
            answer = await handled(a, Action.GET, Book("1"), Book("2"), identity="eve")
            assert answer.values == [Book("2")]

    run(scenario())


def test_unknown_service_is_an_error_with_its_name() -> None:
    """The code tells what is wrong, the text which service on which node."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            answer = await handled(a, Action.GET)
            assert answer.error == "not-found: service Echo--3 is not active on node 'node-a'"
            with pytest.raises(NotFoundError):
                await a.do(Action.GET, key=ECHO)

    run(scenario())


def test_error_of_a_handler_keeps_its_code() -> None:
    """What a handler raises on purpose is raised again at the caller."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            handler.error = ConflictError("taken")
            assert (await handled(a, Action.POST)).error == "conflict: taken"
            with pytest.raises(ConflictError, match="taken"):
                await a.do(Action.POST, key=ECHO)
            handler.error = None

    run(scenario())


def test_failure_of_a_handler_shows_nothing_of_its_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The caller learns that it failed, the log of the node learns why, once."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            handler.error = KeyError("secret")
            answer = await handled(a, Action.POST)
            assert answer.error.startswith("remote: service Echo--3 failed on POST")
            assert "secret" not in answer.error
            with pytest.raises(RemoteError):
                await a.do(Action.PUT, key=ECHO)
            handler.error = None
            assert (await handled(a, Action.POST, 1)).values == [1]

    run(scenario())
    assert len([record for record in caplog.records if record.exc_info]) == 2
    assert "secret" in caplog.text


def test_action_that_is_no_verb_is_refused() -> None:
    """An action of another protocol is an error, not a crash."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await echo(a)
            answer = await handled(a, Action.HANDLE)
            assert answer.error == "invalid-input: service Echo--3 has no action HANDLE"

    run(scenario())


@pytest.mark.feature("SVC-19")
def test_undelivered_message_reaches_the_failure_hook(caplog: pytest.LogCaptureFixture) -> None:
    """W-02: a message that came back is never taken for one of its receiver."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            empty = a.resources.elements.of()
            message = a.message(Action.POST, ECHO, failure="no such node", request=False)
            assert await a.services.handle(empty, message, a.nic) is None
            handler = await echo(a)
            assert await a.services.handle(empty, message, a.nic) is None
            handler.error = RuntimeError("broken hook")
            assert await a.services.handle(empty, message, a.nic) is None
            handler.error = None
            assert handler.life == ["activated", "failed", "failed"]
            assert handler.calls == []

    run(scenario())
    assert "broken hook" in caplog.text


@pytest.mark.feature("SVC-11", "SVC-12", "SVC-13")
def test_gateways_are_told_of_services_that_show_on_the_web() -> None:
    """On activation, again when a gateway asks, and when the service ends."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, gateway = network.node("a"), network.node("g")
            await echo(gateway, name=WEB_SERVICE, area=0)
            await echo(a)
            await a.serve(web=BooksOnTheWeb())
            empty = a.resources.elements.of()
            await a.services.handle(empty, a.message(Action.END_POINTS, ECHO), a.nic)
            await a.services.deactivate(BOOKS)
            told = [(sent.action, sent.payload) for sent in network.sent]
            books = L8WebService(service_name="Books")
            assert told == [(Action.POST, books), (Action.POST, books), (Action.DELETE, books)]

    run(scenario())


def test_missing_gateway_keeps_no_service_from_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """A description that cannot be sent is a warning; the gateway asks when it comes."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")

            async def fail(*_: object) -> None:
                raise UnavailableError("no connection")

            monkeypatch.setattr(a, "send", fail)
            monkeypatch.setattr(a, "withdraw", fail)
            await a.serve(web=BooksOnTheWeb())
            await a.services.deactivate(BOOKS)
            assert dict(a.services.active()) == {}

    run(scenario())
