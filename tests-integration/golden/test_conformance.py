# SPDX-License-Identifier: Apache-2.0
"""Interfaces of the go profile keep what every interface promises, with any cipher."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from l8test.conformance import VNicConformance
from l8types.enums import WireProfile
from l8utils import NodeResources
from layer8 import load_settings
from layer8_net import TcpSwitch, TcpVNic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8test.conformance import Inbox, PairOpener
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Services
    from l8types.settings import NodeSettings


_PARTS = "the go profile has no answers in parts"
BEYOND = {
    "test_payloads": "a Go node ends without an entry: nothing travels as one empty entry",
    "test_cancellation": "the go profile cannot tell that nobody waits any more",
    "test_stream": _PARTS,
    "test_stream_error": _PARTS,
    "test_stream_stop": _PARTS,
}
"""What the format cannot carry, by the test that asks for it."""


@pytest.mark.feature("SEC-01", "NIC-07")
class TestVNic(VNicConformance):
    """Two nodes behind one switch, with the provider for Go nodes and with a real one."""

    @pytest.fixture(autouse=True)
    def _what_the_profile_has(self, request: pytest.FixtureRequest) -> None:
        reason = BEYOND.get(request.node.originalname)
        if reason:
            pytest.skip(reason)

    @pytest.fixture(params=["shallow", "local"])
    def security(self, request: pytest.FixtureRequest) -> str:
        """Name of the security provider."""
        return str(request.param)

    @pytest.fixture
    def open_pair(self, security: str, tmp_path: Path) -> PairOpener:
        """Opens a switch and connects two nodes."""

        def settings(alias: str, port: int = 0) -> NodeSettings:
            return load_settings(
                environment={},
                alias=alias,
                port=port,
                data_directory=tmp_path,
                request_timeout=5.0,
                profile=WireProfile.GO,
                plugins={"layer8.security": security},
            )

        @asynccontextmanager
        async def opened(first: Inbox, second: Inbox) -> AsyncIterator[tuple[VNic, VNic]]:
            async with TcpSwitch(NodeResources(settings("switch"))) as switch:
                nodes = [
                    TcpVNic(
                        NodeResources(
                            settings(alias, switch.port), services=cast("Services", inbox)
                        )
                    )
                    for alias, inbox in (("a", first), ("b", second))
                ]
                async with nodes[0] as a, nodes[1] as b:
                    yield a, b

        return opened
