# SPDX-License-Identifier: Apache-2.0
"""The smallest switch that offers services itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from l8types.errors import ClosedError

from .fake_network import FakeVNic
from .fake_parts import FakeExchange, FakeSwitch

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


class FakeFace(FakeVNic):
    """The interface of a switch: a node with the id of the switch."""

    is_switch = True

    def __init__(self, host: FakeHost) -> None:
        super().__init__(host.network, host.uuid, host.services)
        self.host = host

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.host.own[self.uuid] = self
        return self

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        self.host.leave(self.uuid)


class FakeHost(FakeSwitch):
    """A switch with an interface."""

    face: type[FakeFace] = FakeFace
    services: Any = None

    def interface(self) -> FakeFace:
        if not self.running:
            raise ClosedError("the switch is not running")
        return self.face(self)


class FakeHosts(FakeExchange):
    """Makes such switches."""

    def host(self, inbox: Any) -> AbstractAsyncContextManager[Any]:
        """A switch whose services are the inbox."""
        switch: Any = self.switch()
        switch.services = inbox
        return switch  # type: ignore[no-any-return]
