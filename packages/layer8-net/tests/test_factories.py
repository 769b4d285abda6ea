# SPDX-License-Identifier: Apache-2.0
"""How the package is found and what it shows."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

import layer8_net
from l8types.constants import Plugin
from layer8_net import TcpSwitch, TcpVNic

from .fakes import FakeResources, resources

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources


def test_entry_points() -> None:
    """The interface and the switch are found by their groups."""
    for group, made in [(Plugin.VNIC, TcpVNic), (Plugin.SWITCH, TcpSwitch)]:
        [found] = [one for one in entry_points(group=group) if one.name == "layer8-net"]
        assert isinstance(found.load()(cast("Resources", _parts())), made)


def test_exports() -> None:
    """The public names exist and are sorted."""
    assert sorted(layer8_net.__all__) == layer8_net.__all__
    assert all(hasattr(layer8_net, name) for name in layer8_net.__all__)


def test_before_the_start() -> None:
    """A new interface knows itself and nothing else."""
    vnic = layer8_net.create_vnic(cast("Resources", _parts()))
    assert not vnic.running
    assert not vnic.connected
    assert not vnic.is_switch
    assert [node.uuid for node in vnic.directory.nodes()] == [vnic.uuid]
    assert vnic.directory.uuid == vnic.uuid
    assert vnic.alias == "node"


def _parts() -> FakeResources:
    return resources()
