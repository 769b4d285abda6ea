# SPDX-License-Identifier: Apache-2.0
"""Damaged frames against a live switch and a live interface, while good peers go on working."""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import TYPE_CHECKING, Final

import pytest

from l8test import until
from l8test.faults import Child, Nursery, lasting_port
from l8test.topology import Local, Opened, Place, Processes, Topology
from l8types.enums import WireProfile
from l8types.errors import DecodeError
from l8types.settings import NodeSettings
from l8utils import NodeResources
from layer8_net._core.frame import HEADER_SIZE, FrameType, decode_message
from layer8_net._core.pack import packed
from layer8_net._core.usual import Repeated
from layer8_net._link import Link

from .frames import Mutator
from .strangers import Stranger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAMES: Final = int(os.environ.get("FUZZ_FRAMES", "40000"))
"""Frames that are looked at in all tests of this file together; 100000 for the whole of it."""
SEED: Final = os.environ.get("FUZZ_SEED", "1")
GROWTH: Final = 64 * 1_048_576
"""Bytes by which a process may grow: what a few connections may have queued, not what was sent."""
BATCH: Final = 500
SHARES: Final = {"before": 0.02, "node": 0.3, "switch": 0.1, "interface": 0.58}
MODULES: Final = ("l8test.topology", "l8utils", "l8services", "l8srlz", "layer8_net", "uvloop")
GO_HEADER: Final = 128
GO_SOURCE: Final = 8
NATIVE_TYPE: Final = 5
NATIVE_SOURCE: Final = 24
MODEST: Final = {"max_frame_bytes": 1_048_576, "queue_bytes": 1_048_576}
"""A length that lies must not make anybody keep much; the defaults are for large messages."""

PROFILES = pytest.mark.parametrize("profile", list(WireProfile))
Network = Topology[Child]


async def recorded(profile: WireProfile, directory: Path) -> tuple[list[bytes], dict[Place, str]]:
    """What a small network says from its start to its end, and the ids of those who said it."""
    said: dict[bytes, None] = {}
    send = Link.send

    def tapped(link: Link, frames: list[bytes]) -> None:
        said.update(dict.fromkeys(frames))
        send(link, frames)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Link, "send", tapped)
        async with Local() as local:
            net: Topology[Opened] = Topology(
                local, directory, switches=2, nodes=2, settings={"profile": profile}
            )
            async with net:
                await net.load(pace=0.01)
                await net.node(1, 2).ask("tell", text="all")
                await net.node(2, 2).ask("ask", text="one", target=net.uuids[Place(1, 1)])
                await net.audit()
                return list(said), dict(net.uuids)


class Range:
    """A network of processes, and strangers with damaged frames.

    Args:
        profile: Wire profile.
        net: The network; its second node asks its first one all the time.
        directory: For recordings.
    """

    def __init__(self, profile: WireProfile, net: Network, directory: Path) -> None:
        self.net = net
        self.directory = directory
        self.profile = profile
        self.resources = NodeResources(
            NodeSettings(profile=profile, plugins={"layer8.security": "shallow"})
        )
        self.stranger = Stranger(self.resources)

    async def mutator(
        self,
        kind: str,
        names: Callable[[dict[Place, str]], dict[str, str]],
        *,
        switch: str = "",
    ) -> Mutator:
        """Frames like those of a real network, but about the members of this one.

        Args:
            kind: For what.
            names: Ids of those who were recorded to ids of this network.
            switch: That of the stranger, when all frames come from it; others are not taken.
        """
        folder = self.directory / kind
        await asyncio.to_thread(folder.mkdir)
        corpus, ids = await recorded(self.profile, folder)
        for old, new in names(ids).items():
            corpus = [frame.replace(old.encode(), new.encode()) for frame in corpus]
        size = self.stranger.profile.length_size
        seed = f"{SEED}/{self.profile}/{kind}"
        native = self.profile is WireProfile.NATIVE
        if switch:
            at = NATIVE_SOURCE if native else GO_SOURCE
            own = f"{self.stranger.uuid}{switch}".encode()
            corpus = [frame[:at] + own + frame[at + len(own) :] for frame in corpus]
        if native:
            corpus = [frame for frame in corpus if frame[NATIVE_TYPE] == FrameType.MESSAGE]
            corpus += [pack for frame in corpus if (pack := _together(frame))]
            return Mutator(seed, corpus, size, header_size=HEADER_SIZE)
        corpus = [frame for frame in corpus if len(frame) > GO_HEADER]
        guard = self.resources.security
        return Mutator(
            seed,
            [frame for frame in corpus if self._opens(frame)],
            size,
            unseal=lambda frame: (frame[:GO_HEADER], guard.decrypt(frame[GO_HEADER:])),
            seal=lambda header, content: header + guard.encrypt(content),
        )

    def _opens(self, frame: bytes) -> bool:
        """Whether it is a message; steps of the handshake are not."""
        try:
            self.resources.security.decrypt(frame[GO_HEADER:])
        except ValueError:
            return False
        except Exception as error:  # noqa: BLE001 - whatever the provider says
            return not str(error)
        return True

    @property
    def provider(self) -> str:
        """Id of the good node that serves."""
        return self.net.uuids[Place(1, 1)]

    @property
    def switch(self) -> str:
        """Id of the switch."""
        return self.net.uuids[Place(1)]

    async def babble(self, kind: str, mutator: Mutator, *, as_switch: bool = False) -> None:
        """Send frames of a kind to the switch, until it has looked at the share of this kind.

        Those that are behind one that ends its connection are lost with it, and do not count.
        """
        memory = 0
        while self.stranger.looked_at < share(kind):
            await self.stranger.babble(
                self.net.ports[0],
                mutator.frames(BATCH),
                as_switch=as_switch,
                switch="" if kind == "before" else self.switch,
            )
            # What the first ones allocate for good is no leak.
            memory = memory or await self.net.switch(1).ask("memory")
        assert await self.net.switch(1).ask("memory") < memory + GROWTH
        await self.net.converged()


def share(kind: str) -> int:
    """Frames of a kind, for one profile."""
    return int(FRAMES * SHARES[kind] / len(WireProfile))


async def shoot(profile: WireProfile, directory: Path, act: Callable[[Range], object]) -> None:
    """Open a network with a steady load, act, and see that nobody else noticed anything."""
    async with Nursery(directory, MODULES, loop="uvloop:new_event_loop") as nursery:
        net: Network = Topology(
            Processes(nursery),
            directory,
            switches=1,
            nodes=2,
            settings={"profile": profile, **MODEST},
        )
        async with net:
            # By name: a stranger may offer the service too, that is no damage.
            await net.load([Place(1, 2)], target=net.uuids[Place(1, 1)], pace=0.02, timeout=10.0)
            await act(Range(profile, net, directory))  # type: ignore[misc]
            await until(lambda: _busy(net), 10)
            books = await net.audit()
            # What strangers repeat of recorded requests is executed as often as they say it.
            own = net.uuids[Place(1, 2)]
            problems = [one for one in books.problems if "executed" not in one or own in one]
            assert (problems, books.failed) == ([], 0), books.outcomes
            assert books.sent > 10
            for place in net.living():
                assert await net.members[place].ask("troubles") == []
            assert len(net.living()) == 3


async def _busy(net: Network) -> bool:
    """Whether the steady load has been one."""
    (report,) = await net.node(1, 2).ask("loaded")
    return bool(report["ended"] > 10)


@PROFILES
async def test_before_the_handshake(tmp_path: Path, profile: WireProfile) -> None:
    """Who sends damaged handshakes to a switch disturbs nobody."""

    async def act(range_: Range) -> None:
        size = range_.stranger.profile.length_size
        mutator = Mutator(f"{SEED}/{profile}/before", range_.stranger.recorded(), size)
        await range_.babble("before", mutator)

    await shoot(profile, tmp_path, act)


@pytest.mark.feature("WIR-01")
@PROFILES
async def test_a_node_that_speaks_nonsense(tmp_path: Path, profile: WireProfile) -> None:
    """Damaged frames of a node end at most its own connection."""

    async def act(range_: Range) -> None:
        mutator = await range_.mutator(
            "node",
            lambda ids: {
                ids[Place(1, 2)]: range_.stranger.uuid,
                ids[Place(1, 1)]: range_.provider,
                ids[Place(1)]: range_.switch,
            },
            switch=range_.switch,
        )
        await range_.babble("node", mutator)

    await shoot(profile, tmp_path, act)


@PROFILES
async def test_a_switch_that_speaks_nonsense(tmp_path: Path, profile: WireProfile) -> None:
    """Damaged frames of another switch leave no ghosts, and take away nobody who is at this one.

    They name a node that is here as if it were there.
    """

    async def act(range_: Range) -> None:
        mutator = await range_.mutator(
            "switch",
            lambda ids: {
                ids[Place(2)]: range_.stranger.uuid,
                ids[Place(1)]: range_.switch,
                ids[Place(2, 1)]: range_.provider,
            },
            switch=range_.stranger.uuid,
        )
        await range_.babble("switch", mutator, as_switch=True)

    await shoot(profile, tmp_path, act)


@PROFILES
async def test_an_interface_whose_switch_speaks_nonsense(
    tmp_path: Path, profile: WireProfile
) -> None:
    """Damaged frames of its switch do not end an interface, nor does it keep what they bring."""

    async def act(range_: Range) -> None:
        victim = str(uuid.uuid4())
        mutator = await range_.mutator(
            "interface",
            lambda ids: {ids[Place(1)]: range_.stranger.uuid, ids[Place(1, 1)]: victim},
        )
        await _play(range_, victim, mutator)

    await shoot(profile, tmp_path, act)


def _together(frame: bytes) -> bytes:
    """A message three times in a pack, empty for one that travels alone."""
    try:
        message = decode_message(frame)
    except DecodeError:
        return b""
    if message.failure or message.trace or message.transaction or message.stream:
        return b""
    repeated = Repeated()
    repeated.learn((), frame, message.data)
    letters = [repeated.letter((), message.sequence + n, 0.0, message.data) for n in range(3)]
    return packed([one for one in letters if one is not None])


async def _play(range_: Range, victim: str, mutator: Mutator) -> None:
    """Let an interface in a process of its own suffer, until it has looked at its share."""
    port = lasting_port()
    settings = {"alias": "victim", "uuid": victim, "port": port, "profile": range_.profile}
    settings |= {"plugins": {"layer8.security": "shallow"}, **MODEST}
    settings["data_directory"] = str(range_.directory / "victim")
    begin, enough = asyncio.Event(), asyncio.Event()

    def more() -> list[bytes] | None:
        return None if enough.is_set() else mutator.frames(BATCH // 10)

    async with asyncio.TaskGroup() as group:
        play = range_.stranger.play_switch(port, mutator.corpus, more, begin)
        switch = group.create_task(play, name="fuzz: switch")
        opener = range_.net._opener
        member = await opener.open(
            "victim", resources="l8utils:NodeResources", settings=settings, switch=False
        )

        async def satisfied() -> bool:
            figures = await member.ask("figures", within=30.0)
            return bool(figures["rx_messages"] >= share("interface"))

        memory = await member.ask("memory", within=30.0)
        begin.set()
        await until(satisfied, 50)
        enough.set()
        await until(switch.done, 30)
    assert await member.ask("memory", within=30.0) < memory + GROWTH
    assert await member.ask("troubles") == []
    await member.aclose()
