# SPDX-License-Identifier: Apache-2.0
"""Collectors and parsing rules keep what their interfaces promise."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

import pytest

from collect import RuleRegistry
from l8test.conformance import (
    CollectorConformance,
    Device,
    ParsingRuleConformance,
    RuleCase,
)
from l8types.constants import Plugin
from l8types.protocols.collection import (
    HostAddress,
    PollOperation,
    PollRequest,
    PollResult,
    RuleContext,
)
from l8types.values import Credential
from probler.sim import SimulatedFleet, profiles_named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8test.conformance import DeviceOpener
    from l8types.protocols.collection import CollectorFactory
    from l8utils import NodeResources

SYS_NAME: Final = "1.3.6.1.2.1.1.5.0"

CASES: Final = (
    ("value", PollResult({"a": " x "}), {"from": "a", "to": "name"}, {"name": "x"}),
    (
        "choice",
        PollResult({"a": "1"}),
        {"from": "a", "to": "os", "1": "up", "*": "?"},
        {"os": "up"},
    ),
    ("prefix", PollResult({"a": "1.9.7"}), {"from": "a", "to": "os", "1.9": "ios"}, {"os": "ios"}),
    (
        "speed",
        PollResult(rows={"3": {"a": 4_294_967_295, "b": 10_000}}),
        {"from": "a,b", "to": "ports<{index}>.speed"},
        {"ports<{24}3>.speed": 10_000_000_000},
    ),
    ("index", PollResult(rows={"3": {}}), {"to": "ports<{index}>.id"}, {"ports<{24}3>.id": "3"}),
    ("status", PollResult({"snmp": True}), {"to": "status", "all": "on"}, {"status": "on"}),
)
"""A rule, an answer, parameters, and what is written."""


class TestSnmp(CollectorConformance):
    """SNMP with a simulated device."""

    @pytest.fixture
    def open_device(self, bare: NodeResources) -> DeviceOpener:
        """Opens a device, and a port that takes datagrams and answers none."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Device]:
            factory = cast("CollectorFactory", bare.create(Plugin.COLLECTOR, "snmp"))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
                silent.bind(("127.0.0.1", 0))
                async with SimulatedFleet(profiles_named(["router"], 1), community="lab") as fleet:
                    [device] = fleet.devices
                    fleet.set(device.id, SYS_NAME, "core-1")
                    known = Credential(secret="lab")
                    port = silent.getsockname()[1]
                    yield Device(
                        factory=factory,
                        host=HostAddress(device.host, device.port, known),
                        silent=HostAddress("127.0.0.1", port, known, timeout=0.6),
                        request=PollRequest("name", PollOperation.GET, (f"sysName={SYS_NAME}",)),
                        expected=PollResult({"sysName": "core-1"}),
                        nonsense=PollRequest("name", PollOperation.COMMAND, (SYS_NAME,)),
                    )

        return opened


class TestBuiltInRules(ParsingRuleConformance):
    """The rules that come with the package."""

    @pytest.fixture(params=CASES, ids=lambda case: case[0])
    def rule_case(self, request: pytest.FixtureRequest) -> RuleCase:
        """One of them."""
        name, result, parameters, expected = request.param
        context = RuleContext("Box", "b1", parameters)
        return RuleCase(RuleRegistry().rule(name), result, context, expected)


def test_every_rule_is_there() -> None:
    """No built-in rule is without a case."""
    assert {name for name, *_ in CASES} == {*RuleRegistry().names()}
