# SPDX-License-Identifier: Apache-2.0
"""Conformance of what service managers tell about leaders and participants."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final

from l8test.services import CountingService
from l8test.wait import until
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.net import VNic

__all__ = ["LeadershipConformance", "NodesOpener"]

NodesOpener = Callable[[int], AbstractAsyncContextManager["Sequence[VNic]"]]
"""Opens so many connected nodes, whose ``resources.services`` are the managers under test."""

TESTS: Final = ServiceKey("Tests")
OTHER: Final = ServiceKey("Other", 2)
GROUP: Final = ServiceKey("Group")
THREE: Final = 3


def agreement(key: ServiceKey = TESTS, **options: object) -> ServiceLevelAgreement:
    """A service that does nothing but to take part."""
    return ServiceLevelAgreement(
        name=key.name,
        area=key.area,
        handler=CountingService,
        **options,  # type: ignore[arg-type]  # as given
    )


async def serve(vnic: VNic, key: ServiceKey = TESTS, **options: object) -> None:
    """Offer a service on a node."""
    await vnic.resources.services.activate(agreement(key, **options), vnic)


def known(nodes: Sequence[VNic], key: ServiceKey = TESTS) -> set[tuple[str, int]]:
    """Leaders and epochs that nodes know."""
    managers = [node.resources.services for node in nodes]
    return {(services.leader(key), services.epoch(key)) for services in managers}


async def agreed(nodes: Sequence[VNic], key: ServiceKey = TESTS, unlike: str = "") -> str:
    """Wait until nodes know one leader among them, who is not a certain one; its id."""

    def settled() -> str:
        found = known(nodes, key)
        leader, epoch = next(iter(found))
        there = len(found) == 1 and leader in {node.uuid for node in nodes} and epoch > 0
        return leader if there and leader != unlike else ""

    return str(await until(settled, 15.0, message="one leader that all know"))


class LeadershipConformance:
    """What every ``Leadership`` promises.

    Fixture:
        open_nodes: A ``NodesOpener``.
    """

    @asynccontextmanager
    async def serving(
        self, open_nodes: NodesOpener, count: int = THREE, **options: object
    ) -> AsyncIterator[list[VNic]]:
        """Nodes that all offer the service and know its leader."""
        async with open_nodes(count) as nodes:
            for node in nodes:
                await serve(node, TESTS, **options)
            await agreed(nodes)
            yield list(nodes)
            for node in nodes:
                await node.resources.services.aclose()

    async def test_one_leader(self, open_nodes: NodesOpener) -> None:
        """All participants know one leader, in one epoch above zero, and can say why."""
        async with self.serving(open_nodes) as nodes:
            [(leader, epoch)] = known(nodes)
            assert leader in {node.uuid for node in nodes}
            assert epoch > 0
            for node in nodes:
                assert node.resources.services.why(TESTS)
                assert "\n" not in node.resources.services.why(TESTS)

    async def test_unknown_service(self, open_nodes: NodesOpener) -> None:
        """Nobody leads a service that nobody offers, or that has no state."""
        async with open_nodes(1) as nodes:
            await serve(nodes[0], stateful=False)
            for key in (TESTS, OTHER):
                services = nodes[0].resources.services
                assert (services.leader(key), services.epoch(key)) == ("", 0)
            assert nodes[0].resources.services.participants(OTHER) == ()
            await nodes[0].resources.services.aclose()

    async def test_participants(self, open_nodes: NodesOpener) -> None:
        """They are told in the order of their ids, and those who left are not among them."""
        async with self.serving(open_nodes) as nodes:
            expected = tuple(sorted(node.uuid for node in nodes))
            for node in nodes:
                services = node.resources.services
                await until(lambda s=services: s.participants(TESTS) == expected)  # type: ignore[misc]
            await nodes[2].resources.services.deactivate(TESTS)
            expected = tuple(uuid for uuid in expected if uuid != nodes[2].uuid)
            for node in nodes[:2]:
                services = node.resources.services
                await until(lambda s=services: s.participants(TESTS) == expected)  # type: ignore[misc]

    async def test_leader_leaves(self, open_nodes: NodesOpener) -> None:
        """The others have another leader, in a greater epoch."""
        async with self.serving(open_nodes) as nodes:
            [(first, epoch)] = known(nodes)
            leader = next(node for node in nodes if node.uuid == first)
            others = [node for node in nodes if node is not leader]
            await leader.resources.services.deactivate(TESTS)
            await agreed(others, unlike=first)
            assert next(iter(known(others)))[1] > epoch

    async def test_voters_only(self, open_nodes: NodesOpener) -> None:
        """An instance that does not vote never leads, and knows who does."""
        async with open_nodes(2) as nodes:
            await serve(nodes[0], voter=False)
            await serve(nodes[1])
            assert await agreed(nodes) == nodes[1].uuid
            assert await nodes[1].resources.services.hand_over(TESTS) == nodes[1].uuid
            for node in nodes:
                await node.resources.services.aclose()

    async def test_hand_over(self, open_nodes: NodesOpener) -> None:
        """Another participant leads afterwards, whom all know, in a greater epoch."""
        async with self.serving(open_nodes) as nodes:
            [(first, epoch)] = known(nodes)
            leader = next(node for node in nodes if node.uuid == first)
            second = await leader.resources.services.hand_over(TESTS)
            assert second != first
            assert await agreed(nodes, unlike=first) == second
            assert next(iter(known(nodes)))[1] > epoch

    async def test_hand_over_of_others(self, open_nodes: NodesOpener) -> None:
        """Who does not lead has nothing to hand over: it says who does."""
        async with self.serving(open_nodes) as nodes:
            [(first, epoch)] = known(nodes)
            other = next(node for node in nodes if node.uuid != first)
            assert await other.resources.services.hand_over(TESTS) == first
            assert known(nodes) == {(first, epoch)}

    async def test_watch(self, open_nodes: NodesOpener) -> None:
        """Who watches is told of each leader with its epoch, until the watch is closed."""
        async with self.serving(open_nodes) as nodes:
            told: list[tuple[ServiceKey, str, int]] = []
            closed: list[object] = []
            [(first, _)] = known(nodes)
            watcher = next(node for node in nodes if node.uuid != first).resources.services
            watcher.watch_leader(lambda *_: closed.append(1)).close()
            subscription = watcher.watch_leader(lambda *what: told.append(what))
            leader = next(node for node in nodes if node.uuid == first)
            second = await leader.resources.services.hand_over(TESTS)
            await until(lambda: any(name == second for _, name, _ in told))
            assert told[-1] == (TESTS, second, watcher.epoch(TESTS))
            assert closed == []
            subscription.close()

    async def test_group(self, open_nodes: NodesOpener) -> None:
        """Services of a group have one leader, also under the name of the group."""
        async with open_nodes(2) as nodes:
            for node in nodes:
                await serve(node, TESTS, group=GROUP.name)
            await serve(nodes[1], OTHER, group=GROUP.name)
            leader = await agreed(nodes)
            for key in (TESTS, GROUP):
                assert await agreed(nodes, key) == leader
            assert nodes[1].resources.services.leader(OTHER) == leader
            services = nodes[0].resources.services
            await until(lambda: len(services.participants(GROUP)) == 2)
            await until(lambda: services.participants(OTHER) == (nodes[1].uuid,))
            for node in nodes:
                await node.resources.services.aclose()

    async def test_placement(self, open_nodes: NodesOpener) -> None:
        """Each participant gets its turn equally often, and no two of one turn are the same."""
        async with self.serving(open_nodes) as nodes:
            services = nodes[0].resources.services
            await until(lambda: len(services.participants(TESTS)) == THREE)
            turns = [services.placement(TESTS, 2) for _ in range(3 * THREE)]
            assert all(len(set(turn)) == 2 for turn in turns)
            times = Counter(uuid for turn in turns for uuid in turn)
            assert set(times) == {node.uuid for node in nodes}
            assert set(times.values()) == {6}
            assert len(services.placement(TESTS, THREE + 2)) == THREE
