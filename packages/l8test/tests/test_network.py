# SPDX-License-Identifier: Apache-2.0
"""Networks for the tests of services, with parts that need no sockets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from l8test.models import SAMPLES
from l8test.network import CountedServices, MessageCounter, Network, NodeLog, node_resources
from l8test.services import CountingService, counting_sla
from l8types.constants import Plugin
from l8types.enums import Action
from l8types.errors import ConfigurationError
from l8types.values import ServiceKey

from .fake_node import FakeNodeResources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TESTS = ServiceKey("Tests")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Network]:
    """Maker of networks of the fake parts, which are found by name although they are a test's."""
    monkeypatch.setattr(
        "l8test.network._node.resolve_name", {"fake:Parts": FakeNodeResources}.__getitem__
    )
    return lambda **options: Network(tmp_path, resources="fake:Parts", **options)


@pytest.mark.feature("TST-02")
def test_parts_know_the_samples(
    network: Callable[..., Network], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Security is the permissive one unless the settings name another."""
    resources: Any = node_resources("fake:Parts", tmp_path, clock="mine")
    assert resources.models == [sample.model for sample in SAMPLES]
    assert resources.settings.plugins == {Plugin.SECURITY: "shallow"}
    assert resources.settings.data_directory == tmp_path
    assert resources.clock == "mine"
    settings = {"plugins": {Plugin.SECURITY: "local"}, "alias": "a"}
    named: Any = node_resources("fake:Parts", tmp_path, settings=settings)
    assert (named.settings.plugins[Plugin.SECURITY], named.settings.alias) == ("local", "a")


async def test_the_shape(network: Callable[..., Network]) -> None:
    """Members have names that tell where they are; who is not there is named with who is."""
    async with network(switches=2, nodes=2) as net:
        names = [node.alias for node in net.nodes.values()]
        assert names == [f"switch-{s}-node-{n}" for s in (1, 2) for n in (1, 2)]
        assert net.node(2, 1).uuid in {one.uuid for one in net.switch(1).directory.nodes()}
        assert len(net.switch(2).directory.nodes()) == 6
        with pytest.raises(LookupError, match=r"no node switch-3-node-1 .*switch-1-node-1, "):
            net.node(3, 1)
    assert net.nodes == {}
    with pytest.raises(ValueError, match="0 switches with 2 nodes"):
        network(switches=0, nodes=2)


async def test_a_member_that_cannot_start(network: Callable[..., Network]) -> None:
    """Its error is the one that the test sees."""
    with pytest.raises(ConfigurationError, match="no ninth node"):
        async with network(nodes=9):
            pass


async def test_what_the_block_raises_stays_as_it_is(network: Callable[..., Network]) -> None:
    """It is not wrapped in a group, whatever tasks there are."""
    with pytest.raises(AssertionError, match="mine"):
        async with network(nodes=1):
            raise AssertionError("mine")


@pytest.mark.feature("TST-17", "TST-27")
async def test_reset(network: Callable[..., Network]) -> None:
    """Handlers, messages and the log begin anew."""
    async with network(nodes=2) as net:
        first, second = net.nodes.values()
        handlers: list[Any] = await net.activate(counting_sla())
        await first.vnic.request(second.uuid, "Tests", 0, Action.POST, ["a"])
        assert [one.counts[Action.POST] for one in handlers] == [0, 1]
        assert net.messages.total(node=second.alias, action=Action.POST) == 1
        assert net.messages.total(node=first.alias) == 0
        assert net.log.of(first.alias) == [f"{first.alias} comes"]
        net.reset()
        assert handlers[1].counts == {}
        assert net.messages.total() == 0
        assert net.log.records == []


@pytest.mark.feature("TST-18", "TST-19")
async def test_coming_back(network: Callable[..., Network]) -> None:
    """A node has a new id and its services again; a service is offered by the same agreement."""
    async with network(nodes=2) as net:
        await net.activate(counting_sla(), on=[net.node(1, 2)])
        before = net.node(1, 2)
        after = await net.renew(before)
        assert (after.alias, after.uuid != before.uuid) == (before.alias, True)
        assert net.node(1, 1).vnic.directory.providers(TESTS) == (after.uuid,)
        first = after.handler(TESTS)
        again = await after.reactivate(TESTS)
        assert isinstance(first, CountingService)
        assert (first.deactivations, after.handler(TESTS)) == (1, again)
        await after.deactivate(TESTS)
        assert net.handlers(TESTS) == []
        assert await after.reactivate(TESTS) in net.handlers(TESTS)
        with pytest.raises(LookupError, match="switch-1-node-1 does not serve Tests"):
            net.node(1, 1).handler(TESTS)
        with pytest.raises(LookupError, match="switch-1-node-1 never served Tests"):
            await net.node(1, 1).reactivate(TESTS)
        await net.stop(after)
        assert net.node(1, 1).vnic.directory.providers(TESTS) == ()


async def test_disagreement_is_told(network: Callable[..., Network]) -> None:
    """Who sees what; a service that somebody offers without serving it is no agreement."""
    async with network(nodes=2) as net:
        first, second = net.nodes.values()
        await first.activate(counting_sla())
        await second.vnic.announce(TESTS)
        with pytest.raises(TimeoutError, match=r"no agreement within 0\.0 s: .* sees Tests"):
            await net.converged(0.0)
        await second.vnic.withdraw(TESTS)
        await net.converged(0.0)


@pytest.mark.feature("TST-03", "TST-20")
def test_the_log_leaves_loggers_as_they_were() -> None:
    """One level for all nodes while it is entered; lines without a node are the test's own."""
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    with NodeLog(logging.ERROR) as log:
        logging.getLogger("some").info("not kept")
        log.set_level(logging.DEBUG)
        logging.getLogger("some").debug("kept")
        logging.getLogger("some").error("kept too")
    assert log.of("") == ["kept", "kept too"]
    assert log.of("", logging.ERROR) == ["kept too"]
    assert log.of("somebody") == []
    assert (root.level, list(root.handlers)) == before


def test_services_pass_on_what_is_not_counted() -> None:
    """Before the manager is there, that is said."""
    services = CountedServices(MessageCounter(), "a")
    with pytest.raises(AttributeError, match="not there yet"):
        services.as_services().active()
