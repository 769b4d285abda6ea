# SPDX-License-Identifier: Apache-2.0
"""The service manager keeps what its interfaces promise."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from l8test.conformance import ActivationConformance, DispatcherConformance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8test.conformance import NodeOpener
    from l8types.protocols.net import VNic

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
