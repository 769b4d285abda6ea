# SPDX-License-Identifier: Apache-2.0
"""The web gateway keeps what its interface promises."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from l8test.conformance import GatewayHost, WebServerConformance
from l8types.constants import Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8test.conformance import HostOpener
    from l8types.protocols.web import WebServerFactory

    from .conftest import OpenNetwork


@pytest.mark.feature("l8types:TYP-32")
class TestGateway(WebServerConformance):
    """The gateway of a node."""

    @pytest.fixture
    def open_host(self, open_network: OpenNetwork) -> HostOpener:
        """Opens a node of a network of its own."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[GatewayHost]:
            async with open_network() as network:
                vnic = await network.connect("web")
                factory = cast("WebServerFactory", vnic.resources.create(Plugin.WEB))
                yield GatewayHost(vnic, factory)

        return opened
