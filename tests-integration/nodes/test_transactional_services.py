# SPDX-License-Identifier: Apache-2.0
"""Transactional services as callers and neighbours see them, over a real network."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8services import BaseService
from l8test.models import SAMPLES
from l8test.transactional import TransactionalCountingService, transactional_sla
from l8test.wait import until
from l8types.enums import Action, Durability, MulticastMode
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8test.network import Network

SAMPLE = SAMPLES[1]
TESTS = ServiceKey("Tests", 1)


@pytest.mark.feature("l8services:TRX-10")
async def test_a_write_that_nobody_waits_for(l8_network: Callable[..., Network]) -> None:
    """A message that asks for no answer starts a transaction: it is on all instances, or on none.

    Whoever sent it goes on at once, and is not told what became of it; the log is.
    """
    async with l8_network(nodes=3) as net:
        handlers = cast(
            "list[TransactionalCountingService]",
            await net.activate(transactional_sla(model=SAMPLE.model)),
        )
        vnic = net.node(1, 3).vnic

        async def send(number: int) -> None:
            item = SAMPLE.build(number)
            await vnic.send(MulticastMode.PROXIMITY, TESTS.name, TESTS.area, Action.POST, item)

        for number in range(5):
            await send(number)
        expected = [f"string-{number}" for number in range(5)]
        await until(lambda: [sorted(one.items) for one in handlers] == [expected] * 3)
        assert all(set(one.changed.values()) == {1} for one in handlers)
        handlers[1].failing = True
        await send(7)
        await until(lambda: any("told to fail" in r.getMessage() for r in net.log.records))
        handlers[1].failing = False
        await send(8)
        await until(lambda: all("string-8" in one.items for one in handlers))
        assert not any("string-7" in one.items for one in handlers)


@pytest.mark.feature("l8services:BAS-05")
async def test_no_notifications_among_instances(l8_network: Callable[..., Network]) -> None:
    """Instances of a transactional service make the same changes; nobody tells them of any."""
    agreement = ServiceLevelAgreement(
        name="Tests",
        area=1,
        handler=BaseService,
        model=SAMPLE.model,
        primary_keys=("MyString",),
        transactional=True,
        durability=Durability.MEMORY,
    )
    async with l8_network(nodes=2) as net:
        await net.activate(agreement)
        first, second = net.node(1, 1), net.node(1, 2)
        key = agreement.key
        for number in range(5):
            content = first.resources.elements.of(SAMPLE.build(number))
            await first.resources.services.call(key, Action.POST, content, first.vnic)
        content = second.resources.elements.of(*map(SAMPLE.build, range(5)))
        found = await second.resources.services.call(key, Action.GET, content, second.vnic)
        assert len(found.values) == 5
        assert net.messages.total(service=key, action=Action.NOTIFY) == 0
