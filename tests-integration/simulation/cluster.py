# SPDX-License-Identifier: Apache-2.0
"""A whole network of the real code in one simulated world: switches, nodes, services, traffic."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from unittest.mock import patch

from l8test.services import CountingService, counting_sla
from l8test.sim import FaultKind, Host, Schedule, World
from l8types.constants import Plugin
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import L8Error, UnavailableError
from l8types.settings import NodeSettings
from l8types.values import ServiceKey
from l8utils import NodeResources, PluginCatalog
from layer8_net._usage import Usage

from .observer import Observer, Sent

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import Switch, VNic
    from l8types.protocols.services import Call

PORT: Final = 10_005
SERVICE: Final = ServiceKey("Tests")
KEEP_ALIVE: Final = 2.0
TIMEOUT: Final = 5.0
CONVERGENCE: Final = 15.0
"""Seconds after the last fault until everything agrees again."""
PACE: Final = 1.5
"""Mean of the seconds between two messages of a node."""
QUIET: Final = 6.0
"""Seconds of traffic at the end, in which nothing is wrong and nothing may fail."""


def _catalog() -> PluginCatalog:
    """The installed implementations, looked up once for all nodes of all worlds."""
    found: dict[str, dict[str, Any]] = {}
    for plugin in Plugin:
        points = entry_points(group=str(plugin))
        found[str(plugin)] = {point.name: point.load() for point in points}
    return PluginCatalog(found, installed=False)


CATALOG: Final = _catalog()


class Recorder(CountingService):
    """A service that tells the observer what it is asked.

    Args:
        observer: Keeps the books.
        node: Id of its node.
    """

    def __init__(self, observer: Observer, node: str) -> None:
        super().__init__()
        self._observer = observer
        self._node = node

    def _echo(self, verb: Action, elements: Elements, call: Call) -> Elements:
        number = int(cast("int", elements.values[0]))
        self._observer.handle(number, self._node)
        if verb is Action.PUT:
            self._observer.in_order(number, self._node)
        return elements


@dataclass
class Network:
    """Switches and nodes of one world.

    Args:
        world: Where they are.
        switches: Number of switches, linked with each other.
        nodes: Number of nodes, spread over the switches.
    """

    world: World
    switches: int
    nodes: int
    observer: Observer = field(default_factory=Observer)
    quiet: bool = False
    service: ServiceKey = SERVICE
    """What all nodes offer."""
    directory: Path = Path("/dev/null/nothing")
    """Where nodes keep what they do not forget; by default they have no place for it."""
    profile: WireProfile = WireProfile.NATIVE

    def start(self) -> None:
        """Start all hosts."""
        for host in self.switch_hosts():
            host.start(self._run_switch)
        for host in self.node_hosts():
            host.start(self._run_node)

    def switch_hosts(self) -> list[Host]:
        """Hosts of switches."""
        return [self.world.host(f"switch-{number + 1}") for number in range(self.switches)]

    def node_hosts(self) -> list[Host]:
        """Hosts of nodes."""
        return [self.world.host(f"node-{number + 1}") for number in range(self.nodes)]

    # What runs on the hosts

    def _resources(self, host: Host, at: Host, peers: tuple[Host, ...] = ()) -> NodeResources:
        settings = NodeSettings(
            alias=host.name,
            host=at.name if at is not host else host.address,
            port=PORT,
            peers=tuple((peer.name, PORT) for peer in peers),
            insecure=True,
            profile=self.profile,
            keep_alive=KEEP_ALIVE,
            request_timeout=TIMEOUT,
            data_directory=self.directory / host.name,
            plugins={Plugin.SECURITY: "shallow"},
        )
        return NodeResources(settings, catalog=CATALOG, clock=host.clock)

    async def _run_switch(self, host: Host) -> None:
        host.disk.pop("member", None)
        peers = tuple(other for other in self.switch_hosts() if other is not host)
        switch = cast("Switch", self._resources(host, host, peers).create(Plugin.SWITCH))
        async with switch:
            host.disk["member"] = switch
            await asyncio.Event().wait()

    async def serve(self, host: Host, vnic: VNic) -> None:
        """What a node does while it is connected: a service that records, and traffic."""
        recorder = Recorder(self.observer, vnic.uuid)
        await vnic.resources.services.activate(counting_sla(recorder), vnic)
        await self._talk(host, vnic)

    async def _run_node(self, host: Host) -> None:
        number = int(host.name.rpartition("-")[2])
        at = self.switch_hosts()[number % self.switches]
        while True:
            host.disk.pop("member", None)
            resources = self._resources(host, at)
            try:
                async with cast("VNic", resources.create(Plugin.VNIC)) as vnic:
                    host.disk["member"] = vnic
                    await self.serve(host, vnic)
            except UnavailableError as error:
                # As whoever supervises a process that cannot start does.
                self.world.timeline.note(f"not started: {error.message}", host.name)
                await asyncio.sleep(1.0)

    async def _talk(self, host: Host, vnic: VNic) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                await asyncio.sleep(random.uniform(0.5, 1.5) * PACE)
                tasks.create_task(self._say(host, vnic), name="cluster: message")

    async def _say(self, host: Host, vnic: VNic) -> None:
        kind = random.random()
        if kind < 0.6:
            await self._ask(host, vnic)
        elif kind < 0.85:
            await self._tell(host, vnic)
        else:
            await self._tell_all(host, vnic)

    async def _ask(self, host: Host, vnic: VNic) -> None:
        anybody: list[str | MulticastMode] = [MulticastMode.ROUND_ROBIN, MulticastMode.PROXIMITY]
        target = random.choice([*anybody, self._anyone(vnic)])
        entry = self._open(host, vnic, request=TIMEOUT)
        try:
            answer = await vnic.request(
                target, SERVICE.name, SERVICE.area, Action.POST, [entry.number]
            )
        except L8Error as error:
            self.observer.end(entry, type(error).__name__)
        else:
            self.observer.reply(entry, answer.values[0])

    async def _tell(self, host: Host, vnic: VNic) -> None:
        target = self._anyone(vnic)
        entry = self._open(host, vnic)
        await self._send(vnic, target, Action.PUT, entry)

    @staticmethod
    def _anyone(vnic: VNic) -> str:
        return random.choice(vnic.directory.providers(SERVICE) or (vnic.uuid,))

    async def _tell_all(self, host: Host, vnic: VNic) -> None:
        entry = self._open(host, vnic)
        if entry.quiet:
            entry.expected = frozenset(self.members())
        await self._send(vnic, MulticastMode.ALL, Action.PATCH, entry)

    async def _send(
        self, vnic: VNic, target: str | MulticastMode, action: Action, entry: Sent
    ) -> None:
        try:
            await vnic.send(target, SERVICE.name, SERVICE.area, action, [entry.number])
        except UnavailableError as error:
            if entry.quiet:
                self.observer.problems.append(f"message {entry.number} was refused: {error}")

    def _open(self, host: Host, vnic: VNic, *, request: float = 0.0) -> Sent:
        entry = self.observer.open(vnic.uuid, self.world.now, request=request)
        entry.quiet = self.quiet
        return entry

    # What is to be seen from outside

    def members(self) -> list[str]:
        """Ids of all nodes; all of them live when this is asked."""
        return [host.disk["member"].uuid for host in self.node_hosts()]

    def running(self) -> frozenset[str]:
        """Ids of the nodes that are neither dead nor paused."""
        return frozenset(
            host.disk["member"].uuid
            for host in self.node_hosts()
            if host.alive and not host.paused and "member" in host.disk
        )

    def disagreement(self) -> str:
        """How a directory differs from what lives, "" when all agree."""
        hosts = [*self.switch_hosts(), *self.node_hosts()]
        if not all("member" in host.disk for host in hosts):
            return "not all hosts have started"
        nodes = sorted(self.members())
        everybody = sorted([*nodes, *(host.disk["member"].uuid for host in self.switch_hosts())])
        for host in hosts:
            directory = host.disk["member"].directory
            if [node.uuid for node in directory.nodes()] != everybody:
                known = ", ".join(node.alias for node in directory.nodes())
                return f"{host.name} knows {known}"
            if list(directory.providers(self.service)) != nodes:
                return f"{host.name} knows {len(directory.providers(self.service))} providers"
        return ""

    def logged_error(self) -> str:
        """First log record that calls for a person."""
        entries = self.world.timeline.entries
        return next((str(one) for one in entries if one.event.startswith("error ")), "")


@dataclass(frozen=True)
class NetworkTrial:
    """Faults for 30 s, then all has to be well again; about 60 simulated seconds in all."""

    switches: int = 3
    """How many at most; linked with each other."""
    nodes: int = 12
    """How many at most."""
    faults_for: float = 30.0
    kinds: tuple[FaultKind, ...] = tuple(FaultKind)
    profile: WireProfile = WireProfile.NATIVE

    def shape(self, seed: int) -> tuple[int, int]:
        """Number of switches and of nodes of a seed."""
        source = random.Random(f"{seed}/shape")
        return source.randint(1, self.switches), source.randint(2, self.nodes)

    def schedule(self, seed: int) -> Schedule:
        """The faults of a seed."""
        switches, nodes = self.shape(seed)
        hosts = [f"switch-{number + 1}" for number in range(switches)]
        hosts += [f"node-{number + 1}" for number in range(nodes)]
        return Schedule.random(seed, hosts, self.faults_for, kinds=self.kinds)

    async def run(self, world: World, schedule: Schedule) -> None:
        """Come up, suffer, converge, be quiet."""
        with patch.object(Usage, "sample", _nothing_used):
            await self.play(world, schedule)

    async def play(self, world: World, schedule: Schedule) -> None:
        """What happens, in a process whose use of the real machine is not told."""
        network = Network(world, *self.shape(world.seed), profile=self.profile)
        network.start()
        await self._settle(world, network)
        watch(world, network)
        world.apply(schedule)
        await world.sleep(self.faults_for)
        world.timeline.note("the last fault is over")
        # Not when all agree first: what is broken may not have been noticed by then.
        await world.sleep(CONVERGENCE)
        await self._settle(world, network, within=0)
        network.quiet = True
        await world.sleep(QUIET)
        network.quiet = False
        await world.sleep(max(TIMEOUT + 2, 60.0 - world.now))

    async def _settle(self, world: World, network: Network, within: float = CONVERGENCE) -> None:
        try:
            await world.until(lambda: not network.disagreement(), within)
        except TimeoutError:
            world.fail("the network converges", network.disagreement())
        else:
            world.timeline.note("all directories agree")


def _nothing_used(usage: Usage) -> tuple[int, float]:
    """Stands in for figures of the real machine, which are different in each run."""
    return 0, 0.0


def watch(world: World, network: Network) -> None:
    """Have the promises checked."""
    observer = network.observer
    world.invariant("at most once, in order, one end", lambda: "; ".join(observer.problems))
    world.invariant(
        "every request ends",
        lambda: "; ".join(observer.overdue(world.now, network.running())),
        every=5.0,
    )
    world.invariant("no error is logged", network.logged_error, every=5.0)
    world.invariant(
        "nothing fails in quiet times",
        lambda: "; ".join(observer.quiet_failures(world.now)),
        every=None,
    )
    world.invariant("the network stays well", network.disagreement, every=None)


NETWORK: Final = NetworkTrial()
GO: Final = NetworkTrial(profile=WireProfile.GO)
"""Nodes that speak as those of Go."""
