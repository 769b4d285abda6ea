# SPDX-License-Identifier: Apache-2.0
"""The life of services: activation, deactivation, and what the network hears of them."""

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
    PropertyError,
    UnavailableError,
)
from l8types.pb import L8WebService
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .model import Book
from .network import BOOKS, FakeNetwork
from .virtual import run

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import ServiceHandler, Services


from .echoing import ECHO, BooksOnTheWeb, Echo, activate_handler, echo, handled


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
