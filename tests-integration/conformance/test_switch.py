# SPDX-License-Identifier: Apache-2.0
"""The switch keeps what its interface promises, in both wire profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from l8test.conformance import SwitchConformance, SwitchInterfaceConformance
from l8types.constants import Plugin
from l8types.enums import WireProfile
from l8utils import NodeResources

from .conftest import declare

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from l8test.conformance import Exchange, HostExchange, Inbox
    from l8types.protocols.net import Switch, VNic
    from l8types.protocols.services import Services
    from l8types.settings import NodeSettings

    from .conftest import Settings


class Networks:
    """Switches and nodes as entry points make them."""

    def __init__(self, settings: Settings, profile: WireProfile) -> None:
        self._settings = settings
        self._profile = profile

    def _make(self, alias: str, port: int) -> NodeSettings:
        # The go profile needs a provider that Go nodes have, too.
        plugins = {"layer8.security": "shallow"}
        return replace(
            self._settings(alias, port), profile=self._profile, plugins=plugins, keep_alive=0.5
        )

    def switch(self, port: int = 0) -> AbstractAsyncContextManager[Switch]:
        """A switch."""
        return cast("Switch", NodeResources(self._make("switch", port)).create(Plugin.SWITCH))

    def host(self, inbox: Inbox) -> AbstractAsyncContextManager[Switch]:
        """A switch that offers services itself."""
        parts = NodeResources(self._make("host", 0), services=cast("Services", inbox))
        return cast("Switch", declare(parts).create(Plugin.SWITCH))

    def node(self, switch: Switch, inbox: Inbox) -> AbstractAsyncContextManager[VNic]:
        """A node."""
        parts = NodeResources(self._make("node", switch.port), services=cast("Services", inbox))
        return cast("VNic", declare(parts).create(Plugin.VNIC))


@pytest.mark.feature("layer8-net:NET-10", "layer8-net:NET-22", "l8test:TST-26")
class TestSwitch(SwitchConformance):
    """Switches over real sockets."""

    @pytest.fixture(params=WireProfile, ids=lambda profile: profile.value)
    def exchange(self, settings: Settings, request: pytest.FixtureRequest) -> Exchange:
        """Networks of one profile."""
        return Networks(settings, request.param)


@pytest.mark.feature("layer8-net:NET-12")
class TestSwitchInterface(SwitchInterfaceConformance):
    """Switches that offer services; in the go profile there are none."""

    @pytest.fixture
    def hosts(self, settings: Settings) -> HostExchange:
        """Networks of the native profile."""
        return Networks(settings, WireProfile.NATIVE)
