# SPDX-License-Identifier: Apache-2.0
"""Builds the network, finds its members by place, and says when all of them agree."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Self, TypeVar, cast

from l8test.faults._ports import lasting_port
from l8test.topology._audit import Audit, audit
from l8test.wait import budget
from l8types.errors import L8Error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from l8test.faults._control import Json
    from l8test.topology._openers import Opened, Opener

__all__ = ["Place", "Topology"]

T = TypeVar("T", bound="Opened")

_PAUSE: Final = 0.1
_CONVERGENCE: Final = 15.0
_LOOK: Final = 3.0


class Place(NamedTuple):
    """Where a member is; both numbers count from 1."""

    switch: int
    node: int = 0
    """0 is the switch itself."""

    @property
    def name(self) -> str:
        """Alias of the member."""
        own = f"switch-{self.switch}"
        return f"{own}-node-{self.node}" if self.node else own


class Topology(Generic[T]):
    """Switches that all know each other, with nodes.

    Args:
        opener: Starts members.
        directory: For the ledger of the services, and the files of each member.
        resources: ``module:attribute`` of what makes ``Resources`` from settings.
        switches: How many.
        nodes: How many at each switch; the last one of several has no service.
        linked: Whether switches know each other from the start.
        settings: Further fields of the settings of all, as they fit into JSON.
        extension: ``module:function`` of what nodes do besides, see :class:`Member`.
        namespaces: One for each switch, in which its nodes live too.
        hosts: Address of each switch; loopback by default.

    Attributes:
        members: Who was started, by place, those that ended since included.
        uuids: Their ids.
        ports: Where each switch listens.
        dial: Where nodes and switches find a switch, if not at its own port: behind a proxy.
    """

    def __init__(
        self,
        opener: Opener,
        directory: Path,
        *,
        resources: str = "l8utils:NodeResources",
        switches: int = 3,
        nodes: int = 4,
        linked: bool = True,
        settings: Mapping[str, object] | None = None,
        extension: str = "",
        namespaces: Sequence[str] = (),
        hosts: Sequence[str] = (),
    ) -> None:
        self._opener = opener
        self._resources = resources
        self._linked = linked
        self._settings = dict(settings or {})
        self._extension = extension
        self._namespaces = namespaces
        self.shape = switches, nodes
        self._directory = directory
        self.ledger = directory / "ledger"
        self.hosts = tuple(hosts) or ("127.0.0.1",) * switches
        self.ports = [lasting_port() for _ in range(switches)]
        self.dial: dict[Place, int] = {}
        self.members: dict[Place, T] = {}
        self.uuids: dict[Place, str] = {}

    async def __aenter__(self) -> Self:
        """Start switches, then nodes, and wait until all agree.

        Raises:
            TimeoutError: They do not; tells who sees what.
        """
        switches, nodes = self.shape
        for number in range(1, switches + 1):
            await self.start(Place(number))
        async with asyncio.TaskGroup() as group:
            for number in range(1, switches + 1):
                for node in range(1, nodes + 1):
                    place = Place(number, node)
                    group.create_task(self.start(place), name=f"topology: {place.name}")
        if self._linked:
            await self.converged()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let all leave, nodes first."""
        for place in sorted(self.living(), key=lambda one: not one.node):
            await self.members[place].aclose()

    # Members

    def switch(self, number: int) -> T:
        """A switch."""
        return self.members[Place(number)]

    def node(self, switch: int, number: int) -> T:
        """A node of a switch."""
        return self.members[Place(switch, number)]

    def living(self) -> list[Place]:
        """Places of those that have not ended."""
        return sorted(place for place, member in self.members.items() if member.alive)

    def places(self) -> list[Place]:
        """All places of nodes."""
        switches, nodes = self.shape
        return [Place(s + 1, n + 1) for s in range(switches) for n in range(nodes)]

    def serves(self, place: Place) -> bool:
        """Whether a place has the service."""
        return place.node > 0 and (place.node < self.shape[1] or self.shape[1] == 1)

    async def start(self, place: Place) -> T:
        """Start a member; one that was there before comes back with a new id."""
        at = place.switch - 1
        port = self.ports[at]
        if place.node:
            port = self.dial.get(place, self.dial.get(Place(place.switch), port))
        fields = {
            "alias": place.name,
            "host": self.hosts[at],
            "port": port,
            "plugins": {"layer8.security": "shallow"},
            # Of the place, not of the member: who comes back finds what was left there.
            "data_directory": str(self._directory / place.name),
            **self._settings,
        }
        if not place.node and self._linked:
            fields["peers"] = self._peers(place.switch)
        member = await self._opener.open(
            place.name,
            namespace=self._namespaces[at] if self._namespaces else "",
            resources=self._resources,
            settings=fields,
            switch=not place.node,
            ledger=str(self.ledger) if self.serves(place) else "",
            extension=self._extension if place.node else "",
        )
        self.members[place] = cast("T", member)
        self.uuids[place] = (await member.ask("about"))["uuid"]
        return self.members[place]

    def _peers(self, switch: int) -> list[tuple[str, int]]:
        """All other switches: whoever comes back finds those that stayed, and is found by them."""
        return [
            (self.hosts[at], self.dial.get(Place(at + 1), self.ports[at]))
            for at in range(self.shape[0])
            if at != switch - 1
        ]

    # What they see

    async def converged(
        self, within: float = _CONVERGENCE, *, among: Sequence[Place] | None = None
    ) -> float:
        """Wait until members see exactly each other, all well, and the same leader.

        Args:
            within: Seconds that they have, more while the machine is overloaded.
            among: Who; all that live by default.

        Returns:
            Seconds that it took.

        Raises:
            TimeoutError: They do not; tells who sees what.
        """
        clock = asyncio.get_running_loop().time
        begin = clock()
        while problem := await self.disagreement(among):
            limit = budget(within)
            if clock() - begin > limit:
                raise TimeoutError(f"no agreement within {limit:g} s: {problem}")
            await asyncio.sleep(_PAUSE)
        return clock() - begin

    async def disagreement(self, among: Sequence[Place] | None = None) -> str:
        """Who sees something else than what lives, "" when all agree."""
        places = list(among) if among is not None else self.living()
        expected = {
            "nodes": sorted(self.uuids[place] for place in places),
            "names": sorted(place.name for place in places),
            "unwell": [],
            "providers": sorted(self.uuids[place] for place in places if self.serves(place)),
        }
        views = await self.views(places)
        for place, view in views.items():
            for what, wanted in expected.items():
                if view.get(what) != wanted:
                    return f"{place.name} sees {what} {self._named(view.get(what, view))}"
        leaders = {view["leader"] for place, view in views.items() if self.serves(place)}
        # Only who takes part in a service has a view of its leader.
        if leaders and not (len(leaders) == 1 and leaders <= {*expected["providers"]}):
            return f"leaders {self._named(sorted(leaders))}"
        return ""

    async def views(self, places: Sequence[Place]) -> dict[Place, dict[str, Any]]:
        """What members see; who does not answer sees an ``error``."""
        found: dict[Place, dict[str, Any]] = {}

        async def look(place: Place) -> None:
            try:
                found[place] = await self.members[place].ask("view", within=_LOOK)
            except (L8Error, TimeoutError) as error:
                found[place] = {"error": str(error)}

        async with asyncio.TaskGroup() as group:
            for place in places:
                group.create_task(look(place), name="topology: look")
        return found

    def _named(self, seen: object) -> str:
        names = {uuid: place.name for place, uuid in self.uuids.items()}
        if isinstance(seen, list):
            return ", ".join(names.get(one, str(one)) for one in seen) or "none"
        return str(seen)

    # Load

    async def load(self, places: Sequence[Place] | None = None, **options: Json) -> None:
        """Have nodes ask the service again and again; see :meth:`Member.load`."""
        for place in places if places is not None else self.places():
            await self.members[place].ask("load", **options)

    async def audit(self) -> Audit:
        """End the load of all that live, and compare what was asked with what was executed."""
        reports: list[dict[str, Any]] = []
        for place in self.living():
            if place.node:
                reports += await self.members[place].ask("report", within=30.0)
        return audit(self.ledger, reports)
