# SPDX-License-Identifier: Apache-2.0
"""Figures of the calls of a service."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

from l8services._dispatch import run
from l8services._entry import ServiceEntry
from l8services._measure import Meter
from l8types.enums import Action
from l8types.errors import ConflictError
from l8types.protocols.services import Call, ServiceHandler
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .network import FakeNetwork
from .virtual import run as virtually

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources

KEY = ServiceKey("Shelf", 2)
GET = ("layer8_service_request_seconds", "Shelf", "2", "GET")


class Slow:
    """A handler that takes two seconds and fails in the way that it is told."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    async def get(self, elements: object, call: Call) -> object:
        await asyncio.sleep(2)
        if self.failure is not None:
            raise self.failure
        return elements


def test_every_call_is_measured_and_its_error_counted() -> None:
    """Good, refused, failed and cancelled calls: time for all, a counter per code of an error."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = network.node("a")
            slow = Slow()
            sla = ServiceLevelAgreement(
                name="Shelf", area=2, handler=lambda: cast("ServiceHandler", slow)
            )
            meter = Meter(KEY, cast("Resources", node.resources).metrics)
            entry = ServiceEntry(sla, sla.handler(), node.nic, "", meter)
            call = Call(vnic=node.nic, action=Action.GET, key=KEY)

            async def ask() -> None:
                resources = cast("Resources", node.resources)
                await run(entry, node.resources.elements.of("x"), call, resources)

            await ask()
            for slow.failure in (ConflictError("no"), ValueError("unexpected")):
                with contextlib.suppress(Exception):
                    await ask()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await ask()
            metrics = node.resources.metrics
            assert metrics.observed[GET] == [2.0, 2.0, 2.0, 1.0]
            _, *labels = GET
            assert metrics.counted == {
                ("layer8_service_errors_total", *labels, code): 1
                for code in ("conflict", "remote", "cancelled")
            }

    virtually(scenario())
