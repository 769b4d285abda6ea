# SPDX-License-Identifier: Apache-2.0
"""The ledger with its items on two of the nodes each: the same promises, and where items are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, cast

from typing_extensions import override

from l8services._replication.reading import REPLICATION
from l8test.linearizability import Operation
from l8types.enums import Action
from l8types.errors import UnavailableError

from .ledger import KEYS, LEDGER, SIDES, Ledger, LedgerTrial
from .memories import simulated_journals

if TYPE_CHECKING:
    from l8services._replication.group import ReplicatedGroup
    from l8test.sim import Schedule, World
    from l8types.protocols.net import VNic

    from .ledger import Entry

COUNT: Final = 2


@dataclass
class SpreadLedger(Ledger):
    """Two nodes hold each item; both sides of a key may be anywhere."""

    @override
    async def read(self, vnic: VNic) -> None:
        """Read everything at once, and see whether anything is halved."""
        resources, begin = vnic.resources, self.world.now
        query = resources.elements.query("select * from Entry sort-by id")
        answer = await resources.services.call(LEDGER, Action.GET, query, vnic)
        if answer.metadata is not None and REPLICATION in answer.metadata.value_count:
            # Both holders of something are away: what is not shown is not missing.
            raise UnavailableError("not everything is there")
        found = {cast("Entry", item).id: cast("Entry", item).value for item in answer.values}
        if len(found) != len(answer):
            self.observer.problems.append(f"an item is shown twice: {list(answer.values)}")
        for key in range(KEYS):
            left, right = (found.get(f"{key}-{side}") for side in SIDES)
            if left != right:
                self.observer.problems.append(f"key {key} is halved: {left} and {right}")
            self.history.append(Operation(str(key), left, begin, self.world.now, write=False))

    @override
    def differences(self) -> str:
        """Where the index differs, or an item is not where it is to be, "" for nowhere."""
        groups = cast("dict[str, ReplicatedGroup]", self.groups())
        indexes = {name: dict(group.items.index.places()) for name, group in groups.items()}
        first, expected = next(iter(indexes.items()))
        found = [f"{n} differs from {first}" for n, index in indexes.items() if index != expected]
        having = {name: dict(group.items.encoded()) for name, group in groups.items()}
        ids = {group.items.me: name for name, group in groups.items()}
        for key, place in expected.items():
            named = [ids[holder] for holder in place.holders if holder in ids]
            if len(named) != min(COUNT, len(groups)):
                found.append(f"{key} is on {named}")
            if len({having[name][key] for name in named}) != 1:
                found.append(f"{key} differs between {named}")
        found += [f"{n} lacks {g.items.lacking}" for n, g in groups.items() if g.items.lacking]
        return "; ".join(found)


@dataclass(frozen=True)
class SpreadTrial(LedgerTrial):
    """Faults while all nodes write and read what is spread over them."""

    @override
    async def play(self, world: World, schedule: Schedule) -> None:
        """As with items on all nodes."""
        with simulated_journals(self.timing), TemporaryDirectory() as directory:
            shape = self.shape(world.seed)
            ledger = SpreadLedger(world, *shape, directory=Path(directory))
            ledger.options["replication_count"] = COUNT
            await self.act(world, ledger, schedule)


TRIAL: Final = SpreadTrial(switches=2, nodes=9)
