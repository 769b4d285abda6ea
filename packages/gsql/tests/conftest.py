# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a factory of queries over the models of the tests, and some items."""

from __future__ import annotations

import pytest

from gsql import QueryFactory
from l8types.pb import tests_pb2

from .fakes import FakeInspector
from .models import Device, Odd, Port, State, T


@pytest.fixture
def queries() -> QueryFactory:
    """A factory that has parsed nothing yet."""
    return QueryFactory(FakeInspector(Device, T, Odd, tests_pb2.TestProto))


@pytest.fixture
def devices() -> list[Device]:
    """A router with all there is, a bare switch, and something between."""
    return [
        Device(
            "r1",
            vendor="Cisco Systems",
            cost_eur=1.5,
            count=3,
            active=True,
            state=State.UP,
            note="Hello",
            weight=2.5,
            main=Port("eth0", 10),
            ports=[Port("eth0", 1), Port("lo")],
            names=["a", "B"],
            tags={"room": "x"},
            slots={1: Port("s1", 5)},
            digest=b"\x01\xff",
        ),
        Device("s1", vendor="Juniper", cost_eur=2.0, count=4),
        Device("r10", cost_eur=-1.0, count=5, main=Port("lo"), ports=[Port("eth1", 7, "up")]),
    ]
