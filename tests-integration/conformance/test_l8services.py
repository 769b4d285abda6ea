# SPDX-License-Identifier: Apache-2.0
"""The service manager and its elections keep what their interfaces promise."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from l8services._election import BullyElection, ElectionRules
from l8test.conformance import ActivationConformance, DispatcherConformance, ElectionConformance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8test.conformance import ElectionMaker, NodeOpener
    from l8types.protocols.net import VNic
    from l8types.protocols.services import ElectionStrategy

    from .conftest import OpenNetwork


@pytest.fixture
def open_node(open_network: OpenNetwork) -> NodeOpener:
    """Opens a node of a network of its own."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[VNic]:
        async with open_network() as network:
            yield await network.connect("node")

    return opened


class TestActivation(ActivationConformance):
    """The life of services."""


class TestDispatcher(DispatcherConformance):
    """The way of a message to its service."""


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
