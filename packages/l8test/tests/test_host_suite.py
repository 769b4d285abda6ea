# SPDX-License-Identifier: Apache-2.0
"""The suite about switches that offer services passes one that does it right, catches mutants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from l8test.conformance import SwitchInterfaceConformance

from .fake_host import FakeFace, FakeHost, FakeHosts
from .fake_network import FakeNetwork, FakeVNic
from .harness import Fixtures, failures
from .test_runtime_suites import mutant

if TYPE_CHECKING:
    from l8types.values import ServiceKey


def faces(**members: Any) -> Fixtures:
    """Fixtures with switches whose interfaces differ in these members."""
    return hosts(face=mutant(FakeFace, **members))


def hosts(**members: Any) -> Fixtures:
    """Fixtures with switches that differ in these members."""
    return {"hosts": lambda: FakeHosts(mutant(FakeHost, **members))}


def beside(self: FakeHost) -> FakeFace:
    """An interface that is a node of its own."""
    face = INTERFACE(self)
    face.uuid = f"{self.uuid}-services"
    return face


def at_any_time(self: FakeHost) -> FakeFace:
    """An interface of a switch that may be gone."""
    return self.face(self)


def alone(self: FakeHost) -> FakeFace:
    """An interface that sees the switch and nobody else."""
    face = INTERFACE(self)
    face.network = face.directory.network = FakeNetwork()
    return face


INTERFACE = FakeHost.interface


async def to_itself(self: FakeFace, service: ServiceKey, *, model: str = "") -> None:
    """An announcement that nobody hears."""


async def for_good(self: FakeFace, service: ServiceKey) -> None:
    """A withdrawal that nobody hears."""


async def stay(self: FakeFace, *_: object) -> None:
    """An end after which the services are still offered."""
    self.running = False


async def take_along(self: FakeFace, *_: object) -> None:
    """An end that is that of the switch, too."""
    await LEAVE(self)
    self.host.running = False


LEAVE = FakeFace.__aexit__


def twice(self: FakeVNic, target: Any, key: ServiceKey) -> list[str]:
    """Receivers, of which the sender's switch is told once more."""
    found = TARGETS(self, target, key)
    return found + [uuid for uuid in found if uuid.startswith("switch-")]


TARGETS = FakeVNic.targets


async def asked_as_nobody(self: FakeFace, *arguments: Any, **more: Any) -> Any:
    """A request that does not say who asks."""
    self.uuid, own = "", self.uuid
    try:
        return await FakeVNic.request(self, *arguments, **more)
    finally:
        self.uuid = own


async def known_only(self: FakeFace) -> FakeFace:
    """An interface of which linked switches tell their nodes, without a way to it."""
    await ENTER(self)
    if any(switch.links for switch in self.host.switches.values()):
        self.network.nodes.pop(self.uuid)
    return self


ENTER = FakeFace.__aenter__


async def no_link(self: FakeHost, host: str, port: int) -> None:
    """A link that is never made."""


SOUND: list[tuple[type, Fixtures]] = [(SwitchInterfaceConformance, hosts())]

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (SwitchInterfaceConformance, hosts(interface=beside), "test_identity"),
    (SwitchInterfaceConformance, faces(is_switch=False), "test_identity"),
    (SwitchInterfaceConformance, faces(announce=to_itself), "test_offer"),
    (SwitchInterfaceConformance, faces(withdraw=for_good), "test_withdraw"),
    (SwitchInterfaceConformance, hosts(interface=alone), "test_ask"),
    (SwitchInterfaceConformance, faces(request=asked_as_nobody), "test_ask"),
    (SwitchInterfaceConformance, faces(announce=to_itself), "test_to_all"),
    (SwitchInterfaceConformance, faces(__aexit__=stay), "test_leave"),
    (SwitchInterfaceConformance, faces(__aexit__=take_along), "test_leave"),
    (SwitchInterfaceConformance, hosts(connect=no_link), "test_links"),
    (SwitchInterfaceConformance, faces(__aenter__=known_only), "test_links"),
    (SwitchInterfaceConformance, hosts(interface=at_any_time), "test_switch_that_does_not_run"),
]


@pytest.mark.parametrize(("suite", "fixtures"), SOUND)
def test_sound(suite: type, fixtures: Fixtures) -> None:
    """An implementation that keeps its promises passes."""
    assert failures(suite, fixtures) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """An implementation that breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)


def test_a_switch_that_is_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network in which the switch gets what is for all as a node and as itself is caught."""
    monkeypatch.setattr(FakeVNic, "targets", twice)
    assert failures(SwitchInterfaceConformance, hosts(), only="test_to_all") == {"test_to_all"}
