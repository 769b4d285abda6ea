# SPDX-License-Identifier: Apache-2.0
"""The interface to the overlay network keeps what it promises."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from l8test.conformance import VNicConformance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8test.conformance import Inbox, PairOpener
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Services

    from .conftest import OpenNetwork


@pytest.mark.feature("l8types:TYP-08", "l8types:TYP-28", "l8types:TYP-29")
class TestVNic(VNicConformance):
    """Two nodes behind one switch."""

    @pytest.fixture
    def open_pair(self, open_network: OpenNetwork) -> PairOpener:
        """Opens a switch and connects two nodes."""

        @asynccontextmanager
        async def opened(first: Inbox, second: Inbox) -> AsyncIterator[tuple[VNic, VNic]]:
            async with open_network() as network:
                # An interface asks its service manager for nothing but to handle messages.
                a = await network.connect("a", services=cast("Services", first))
                b = await network.connect("b", services=cast("Services", second))
                yield a, b

        return opened
