# SPDX-License-Identifier: Apache-2.0
"""Callers who are told of changes through the gateways: no streams, any profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8services import Tuning
from l8services._live.watchers import WATCHERS, action_of
from l8types.enums import Action, NotificationType, WireProfile
from l8types.errors import InvalidInputError
from l8types.pb import L8NotificationSet, L8Query
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement

from .model import Book
from .network import FakeNetwork, FakeNode
from .virtual import run, until

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call, ServiceHandler

ALL = "select * from Book register"


class Gateway:
    """Keeps what it is told: the action, the kind, the key, the item, and to whom it goes."""

    def __init__(self) -> None:
        self.told: list[tuple[Action, str, object, tuple[str, ...]]] = []

    async def activate(self, sla: object, vnic: object) -> None: ...

    async def deactivate(self) -> None: ...

    async def post(self, elements: Elements, call: Call) -> Elements:
        for message in elements.values:
            assert isinstance(message, L8NotificationSet)
            change = call.vnic.resources.notifications.decode(message)
            assert action_of(change.type) is call.action
            people = tuple(sorted(message.aaa_ids))
            self.told.append((call.action, message.model_key, change.item, people))
        return elements

    put = patch = delete = post


async def gateway(node: FakeNode) -> Gateway:
    """A node with the service of those who pass changes on."""
    made = Gateway()
    sla = ServiceLevelAgreement(
        name=WATCHERS.name, stateful=False, handler=lambda: cast("ServiceHandler", made)
    )
    await node.services.activate(sla, node.nic)
    return made


@pytest.mark.feature("BAS-07", "NTF-04")
@pytest.mark.parametrize("profile", [WireProfile.NATIVE, WireProfile.GO])
def test_who_registers_is_told_of_the_changes_of_the_answer(profile: WireProfile) -> None:
    """Each change goes to the gateways under its action, with the whole item, to its identity."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a", NodeSettings(uuid="a" * 36, profile=profile))
            b = network.node("b", NodeSettings(uuid="b" * 36, profile=profile))
            people = await gateway(b)
            await a.serve()
            a.resources.security.hidden = {"9"}
            await a.do(Action.POST, Book("1", "Dune", stock=1))
            question = "select * from Book where stock=1 register"
            page = await a.do(Action.GET, question, identity="eve")
            assert page.values == [Book("1", "Dune", stock=1)]
            await a.do(Action.POST, Book("2", "Emma", stock=1), Book("3"), Book("9", stock=1))
            await until(lambda: len(people.told) == 1, "one comes in")
            await a.do(Action.PATCH, Book("1", "Dune II"))
            await until(lambda: len(people.told) == 2, "one changes")
            await a.do(Action.DELETE, "1")
            await until(lambda: len(people.told) == 3, "one leaves")
            assert people.told == [
                (Action.POST, "2", Book("2", "Emma", stock=1), ("eve",)),
                (Action.PATCH, "1", Book("1", "Dune II", stock=1), ("eve",)),
                (Action.DELETE, "1", None, ("eve",)),
            ]

    run(scenario())


@pytest.mark.feature("BAS-07")
def test_who_asks_no_more_is_forgotten() -> None:
    """Asking again keeps it so; after the time of the last question nothing is told."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(watch_time=5.0, live_linger=1.0)) as network:
            a = network.node("a")
            people = await gateway(network.node("b"))
            service = await a.serve()
            parts = service._parts
            assert parts is not None
            question = a.resources.elements.query(L8Query(text="select * from Book", register=True))
            await a.do(Action.GET, question, identity="eve")
            started = a.resources.clock.monotonic()
            await until(lambda: a.resources.clock.monotonic() - started > 4, "time passes")
            await a.do(Action.GET, question, identity="eve")
            assert len(parts.watchers) == 1
            await until(lambda: a.resources.clock.monotonic() - started > 7, "the first is over")
            await a.do(Action.POST, Book("1", "Dune"))
            await until(lambda: len(people.told) == 1, "it is told still")
            await until(lambda: not len(parts.watchers), "the last is over")
            await until(lambda: not len(parts.live), "the answer is dropped")
            await a.do(Action.POST, Book("2", "Emma"))
            await until(lambda: service.settled, "all is quiet")
            assert len(people.told) == 1

    run(scenario())


@pytest.mark.feature("BAS-07")
def test_nobody_is_told_without_identity_or_gateway() -> None:
    """The question is answered all the same."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            service = await a.serve()
            await a.do(Action.GET, ALL)
            parts = service._parts
            assert parts is not None
            assert len(parts.watchers) == 0
            await a.do(Action.GET, ALL, identity="eve")
            assert len(parts.watchers) == 1
            await a.do(Action.POST, Book("1"))
            await until(lambda: service.settled, "all is quiet")
            assert [sent.service for sent in network.sent] == []

    run(scenario())


@pytest.mark.feature("NTF-04")
def test_each_kind_of_notification_has_its_action() -> None:
    """POST, PUT, PATCH and DELETE; anything else tells of no change."""
    for kind in list(NotificationType)[1:]:
        assert action_of(kind).name == kind.name
    with pytest.raises(InvalidInputError, match="INVALID tells of no change"):
        action_of(NotificationType.INVALID)
