# SPDX-License-Identifier: Apache-2.0
"""Which implementation of a protocol a collector uses."""

from __future__ import annotations

import pytest

from collect._sessions import session_factory
from l8types.errors import ConfigurationError, NotFoundError
from l8types.settings import NodeSettings

from .fakes import FakeResources


def made(resources: FakeResources, protocol: str) -> object:
    """What the sessions of a protocol are made by."""
    return session_factory(resources.real, protocol)


def test_the_one_that_is_named_like_the_protocol() -> None:
    """Nothing has to be configured then."""
    resources = FakeResources()
    resources.plugins = {("layer8.collector", "snmp"): list, ("layer8.collector", "quick"): dict}
    assert made(resources, "snmp") is list


def test_the_settings_choose_for_a_protocol() -> None:
    """Others stay as they are; what cannot be found or makes nothing is told by its own name."""
    resources = FakeResources()
    resources.plugins = {("layer8.collector", "snmp"): list, ("layer8.collector", "quick"): dict}
    resources.settings = NodeSettings(plugins={"layer8.collector.snmp": "quick"})
    assert made(resources, "snmp") is dict
    with pytest.raises(NotFoundError, match="'ssh'"):
        session_factory(resources.real, "ssh")
    resources.plugins["layer8.collector", "quick"] = 5
    with pytest.raises(ConfigurationError, match="'quick' makes a int"):
        session_factory(resources.real, "snmp")
