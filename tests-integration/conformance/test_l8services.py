# SPDX-License-Identifier: Apache-2.0
"""The service manager, its elections and its transactions keep what their interfaces promise."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from l8services import BaseService
from l8services._election import BullyElection, ElectionRules
from l8test.conformance import (
    ActivationConformance,
    DispatcherConformance,
    ElectionConformance,
    Instance,
    LeadershipConformance,
    Seat,
    TransactionalServiceConformance,
    TransactionEngineConformance,
)
from l8test.models import SAMPLES
from l8test.wait import until
from l8types.errors import ConflictError
from l8types.protocols.services import HookResult
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8services import ServiceManager
    from l8services._transactions.group import TransactionGroup
    from l8test.conformance import (
        ElectionMaker,
        GroupOpener,
        InstanceOpener,
        Joiner,
        NodeOpener,
        NodesOpener,
        RegisterService,
    )
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ElectionStrategy, TransactionalService

    from .conftest import OpenNetwork

SAMPLE = SAMPLES[1]


@pytest.fixture
def open_node(open_network: OpenNetwork) -> NodeOpener:
    """Opens a node of a network of its own."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[VNic]:
        async with open_network() as network:
            yield await network.connect("node")

    return opened


@pytest.mark.feature("l8types:TYP-19")
class TestActivation(ActivationConformance):
    """The life of services."""


@pytest.mark.feature("l8types:TYP-19", "l8types:TYP-20")
class TestDispatcher(DispatcherConformance):
    """The way of a message to its service."""


class TestLeadership(LeadershipConformance):
    """Who leads and who takes part, over a network."""

    @pytest.fixture
    def open_nodes(self, open_network: OpenNetwork) -> NodesOpener:
        """Nodes at one switch."""

        @asynccontextmanager
        async def opened(count: int) -> AsyncIterator[list[VNic]]:
            async with open_network() as network:
                yield [await network.connect(f"node-{number}") for number in range(count)]

        return opened


def elections(rules: ElectionRules) -> ElectionMaker:
    """Maker of elections by these rules."""

    def make(me: str, voter: bool, kept: int) -> ElectionStrategy:
        return BullyElection(me, rules, voter=voter, epoch=kept)

    return make


class TestElection(ElectionConformance):
    """Elections of the native profile."""

    @pytest.fixture
    def make_election(self) -> ElectionMaker:
        """With terms."""
        return elections(ElectionRules())


class TestGoElection(ElectionConformance):
    """Elections as nodes of the go profile have them among each other."""

    terms = False

    @pytest.fixture
    def make_election(self) -> ElectionMaker:
        """Without terms, and with take-overs."""
        return elections(ElectionRules.go())


class TestTransactions(TransactionEngineConformance):
    """The groups of a service on several nodes of a network."""

    @pytest.fixture
    def open_group(self, open_network: OpenNetwork) -> GroupOpener:
        """Nodes at one switch."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Joiner]:
            numbers = itertools.count(1)
            async with open_network() as network:

                async def join(handler: RegisterService) -> Seat:
                    vnic = await network.connect(f"node-{next(numbers)}")
                    return await serve(vnic, handler)

                yield join

        return opened


async def serve(vnic: VNic, handler: RegisterService) -> Seat:
    """Offer the handler, and take part in its transactions."""
    services = cast("ServiceManager", vnic.resources.services)
    key = ServiceKey("Tests", 1)
    agreement = ServiceLevelAgreement(
        name=key.name, area=key.area, handler=lambda: handler, transactional=True
    )
    await services.activate(agreement, vnic)
    engine = cast("TransactionGroup", services._entries[key].transactions)
    await until(lambda: engine.current, 10.0)
    return Seat(engine, vnic, partial(services.deactivate, key))


class Unlucky:
    """A hook that refuses a number."""

    async def before(self, item: object, call: Call) -> HookResult:
        if isinstance(item, SAMPLE.model) and SAMPLE.read(item, "my_int32") == 13:
            raise ConflictError("13 is not wanted")
        return HookResult()

    async def after(self, item: object, call: Call) -> HookResult:
        return HookResult()


class TestTransactionalBase(TransactionalServiceConformance):
    """The ready-made service with transactions, as the engine uses it."""

    @pytest.fixture
    def open_instance(self, open_network: OpenNetwork) -> InstanceOpener:
        """An instance on a node of its own, which no engine works with."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Instance]:
            async with open_network() as network:
                vnic, service = await network.connect("node"), BaseService()
                await service.activate(
                    ServiceLevelAgreement(
                        name="Tests",
                        area=1,
                        handler=lambda: service,
                        model=SAMPLE.model,
                        primary_keys=("MyString",),
                        transactional=True,
                        initial_items=(item("first", 0),),
                        hook=Unlucky(),
                    ),
                    vnic,
                )
                yield Instance(
                    cast("TransactionalService", service),
                    vnic,
                    item=item,
                    number=lambda one: cast("int", SAMPLE.read(one, "my_int32")),
                    refused=item("x", 13),
                )
                await service.deactivate()

        return opened


def item(name: str, number: int) -> object:
    """A sample item."""
    return SAMPLE.make(my_string=name, my_int32=number, my_int64=len(name) * 1000 + number)
