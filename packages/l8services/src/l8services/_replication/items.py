# SPDX-License-Identifier: Apache-2.0
"""The items of a replicated service on this node: those that this member holds, and the index.

A holder has an item when the index names it and the item is at the revision of the index. A member
that is named without having the item, since it was lost while the item was written, is *lacking*
the key: it answers nothing for it until it got the item from another holder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8services._replication.entries import (
    Transfer,
    decode_entry,
    decode_transfers,
    encode_entry,
)
from l8services._replication.index import NEVER, Index, Place, Revision, StagedIndex
from l8services._replication.placement import replica_of
from l8services._replication.writes import Parts, Write, addressed, place_write
from l8services._transactions.items import GroupItems, Work, Worked
from l8types.enums import Action
from l8types.errors import UnavailableError
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence

    from l8services._transactions.messages import Batch, Change, Command, Result
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ReplicatedService
    from l8types.values import ServiceKey

__all__ = ["MOVE", "ReplicatedItems"]

MOVE: Final = int(Action.HANDLE)
"""Action of the commands by which the leader gives keys other holders."""


class ReplicatedItems(GroupItems):
    """Stages and keeps what this member holds, and knows where everything else is.

    Args:
        key: The service.
        handler: Keeps the items.
        vnic: Handed to the handler; its node has the codec.
        time_limit: Seconds that a batch may take.
        count: How many members hold each key.
        me: Gives the id of this member; it may change when the journal is read.
    """

    def __init__(
        self,
        key: ServiceKey,
        handler: ReplicatedService,
        vnic: VNic,
        time_limit: float,
        *,
        count: int,
        me: Callable[[], str],
    ) -> None:
        super().__init__(key, handler, vnic, time_limit)
        self.index = Index(count)
        self.handler = handler
        self._my_id = me
        self._held: set[str] = set()
        self._lacking: dict[str, None] = {}
        self._above = StagedIndex(self.index)
        self._parts = Parts(handler)
        self._made: dict[str, tuple[Place | None, object]] = {}
        """By key, what the staged changes amount to: the place, and the item if it is held here."""
        self._groups: set[tuple[str, ...]] = set()
        self._members: frozenset[str] = frozenset()
        self._revision: Revision = NEVER

    @property
    def me(self) -> str:
        """Id of this member."""
        return self._my_id()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Keys that this member should hold, but whose items it does not have."""
        return tuple(self._lacking)

    # Writes

    async def stage(self, batch: Batch, *, term: int = 0, members: Sequence[str] = ()) -> Worked:
        """Work out a batch: the items that are held here, and the places of all keys."""
        self._members, self._revision = frozenset(members), (batch.number, term)
        return await super().stage(batch, term=term, members=members)

    async def _work(self, command: Command) -> Work:
        if command.action == MOVE:
            return self._move(decode_transfers(command.data))
        elements = self._resources.elements.decode(command.data)
        write = place_write(
            self.handler.keys_of(elements) if elements.query is None else None,
            Action(command.action),
            StagedIndex(self._above),
            members=self._members,
            count=self.index.count,
            revision=self._revision,
            service=self._key,
        )
        own = await self._own(write, elements, command)
        changed = []
        for key, place in write.index.changes.items():
            item = own.get(key)
            data = None if place is None else encode_entry(place, self._encode(item))
            self._made[key] = (place, item)
            changed.append(((key, data), item))
        self._groups.update(write.holders)
        self._above.take(write.index)
        answer = self._resources.elements.entries(Element(key=key) for key in write.keys)
        return answer.encode(), changed

    async def _own(self, write: Write, elements: Elements, command: Command) -> dict[str, object]:
        """Stage what is held here, the items of each replica by themselves."""
        groups = write.own(self.me)
        if not groups:
            return {}
        keys = {write.keys[position] for group in groups.values() for position in group}
        self._refuse_lacking(keys)
        entries = tuple(elements)
        factory, call = self._resources.elements, self._call(command)
        calls = [
            (
                factory.replica(factory.entries([entries[p] for p in positions]), number),
                addressed(call, number),
            )
            for number, positions in groups.items()
        ]
        return await self._parts.stage(calls, keys)

    def _refuse_lacking(self, keys: Iterable[str]) -> None:
        lacking = next((key for key in keys if key in self._lacking), None)
        if lacking is not None:
            raise UnavailableError(
                f"node {self._vnic.alias!r} waits for the item {lacking!r} of service {self._key}"
            )

    def _move(self, transfers: Iterable[Transfer]) -> Work:
        """Give keys other holders; one that was written or moved meanwhile is left as it is.

        A key that is to have no holders at all is forgotten.
        """
        changed: list[tuple[Change, object]] = []
        for transfer in transfers:
            known = self._above.get(transfer.key)
            if known is None or known.revision != transfer.revision:
                continue
            if not transfer.holders:
                self._above.put(transfer.key, None)
                self._made[transfer.key] = (None, None)
                changed.append(((transfer.key, None), None))
                continue
            holders = tuple(h for h in transfer.holders if h in self._members)
            if not holders:
                continue
            place = Place(holders, self._revision)
            data = transfer.item if self.me in holders else None
            item = self._decode(data)
            self._above.put(transfer.key, place)
            self._groups.add(holders)
            self._made[transfer.key] = (place, item)
            changed.append(((transfer.key, encode_entry(place, data)), item))
        return self._resources.elements.of().encode(), changed

    def unstage(self) -> None:
        """Drop what is staged."""
        super().unstage()
        self._above.clear()
        self._parts.clear()
        self._made = {}
        self._groups = set()

    @property
    def groups(self) -> Collection[tuple[str, ...]]:
        """The holders of the keys that are staged, each set of them once."""
        return self._groups

    def apply(self, changes: Sequence[Change]) -> None:
        """Make changes visible, here those of what is held; nothing is staged afterwards."""
        staged = self._staged[0]
        if changes and (changes is staged or list(changes) == staged):
            # Worked out here: they need not be decoded.
            self._put(self._made)
        elif changes:
            self._put({key: self._opened(data) for key, data in changes})
        self.unstage()

    def _opened(self, data: bytes | None) -> tuple[Place | None, object]:
        if data is None:
            return None, None
        place, item = decode_entry(data)
        return place, self._decode(item) if self.me in place.holders else None

    def _put(self, entries: dict[str, tuple[Place | None, object]]) -> None:
        visible: list[tuple[str, object]] = []
        for key, (place, item) in entries.items():
            self.index.put(key, place)
            mine = place is not None and self.me in place.holders
            if mine and item is not None:
                visible.append((key, item))
                self._held.add(key)
                self._lacking.pop(key, None)
                continue
            if key in self._held:
                visible.append((key, None))
                self._held.discard(key)
            if mine:
                self._lacking[key] = None
            else:
                self._lacking.pop(key, None)
        if visible:
            self._handler.apply(visible)

    # Reads

    async def read_with(
        self, command: Command, get: Callable[[Elements, Call], Awaitable[Elements]]
    ) -> Result:
        """The result of a read that is answered in some way."""

        async def answer(one: Command) -> Elements:
            return await get(self._resources.elements.decode(one.data), self._call(one))

        return await self._read(command, answer)

    async def read_replica(self, command: Command, number: int) -> Result:
        """Answer a read by key from the items that are held here, as one replica.

        A key that is nowhere is asked for as well: how it is missed, the handler says.
        """

        async def get(elements: Elements, call: Call) -> Elements:
            self._refuse_others(self.handler.keys_of(elements))
            tagged = self._resources.elements.replica(elements, number)
            return await self._handler.get(tagged, addressed(call, number))

        return await self.read_with(command, get)

    def _refuse_others(self, keys: Sequence[str]) -> None:
        self._refuse_lacking(keys)
        for key in keys:
            if key in self.index and key not in self._held:
                raise UnavailableError(
                    f"node {self._vnic.alias!r} does not hold item {key!r} of service {self._key}"
                )

    async def read_share(self, command: Command, members: Collection[str]) -> Result:
        """What this member has of the answer to a query: of the keys that it is to answer for."""

        def mine(key: str) -> bool:
            return replica_of(self.index.get(key), self.me, members) == 0

        return await self._read_those(command, mine)

    async def read_one(self, command: Command, key: str) -> Result:
        """The answer to a query that nothing but one key can match."""
        return await self._read_those(command, key.__eq__)

    def can_answer(self, key: str) -> bool:
        """Whether the item of a key is here, or nowhere."""
        return key in self._held or key not in self.index

    async def _read_those(self, command: Command, mine: Callable[[str], bool]) -> Result:
        async def share(elements: Elements, call: Call) -> Elements:
            return await self.handler.share(elements, call, mine)

        return await self.read_with(command, share)

    # Copies

    def encoded(self, reader: str = "") -> Iterator[Change]:
        """All entries, at the time of the call or later; with the items that the reader holds."""
        reader = reader or self.me
        return (self._entry(key, reader) for key, _ in self.index.places())

    def given(self, keys: Iterable[str]) -> list[Change]:
        """The entries of those of some keys whose items are held here, with the items."""
        return [self._entry(key, self.me) for key in keys if key in self._held]

    def _entry(self, key: str, reader: str) -> Change:
        place = self.index.get(key)
        if place is None:
            return key, None
        item = self.handler.item(key) if reader in place.holders and key in self._held else None
        return key, encode_entry(place, self._encode(item))

    def become(self, changes: Iterable[Change], spare: Iterable[Change] = ()) -> None:
        """Have this index and what it says that this member holds.

        What comes without its item is here already, or among what was prepared, when it is at the
        same revision; else the key is lacking.
        """
        wanted = {key: decode_entry(data) for key, data in changes if data is not None}
        prepared = {key: decode_entry(data) for key, data in spare if data is not None}
        entries: dict[str, tuple[Place | None, object]] = {
            key: (None, None) for key, _ in self.index.places() if key not in wanted
        }
        for key, (place, data) in wanted.items():
            if self.me in place.holders and data is None:
                known = self.index.get(key)
                if key in self._held and known is not None and known.revision == place.revision:
                    self.index.put(key, place)
                    continue
                data = _same(prepared.get(key), place)  # noqa: PLW2901 - the item from elsewhere
            entries[key] = (place, self._decode(data))
        self._put(entries)
        self.unstage()

    async def begin(self) -> None:
        """Have what an entirely new service begins with: on its first member, whoever comes."""
        place = Place((self.me,), NEVER)
        self._put({key: (place, item) for key, item in await self._handler.initial()})

    def fill(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Take items that were lacking, if they are at the revision that is lacking.

        Returns:
            Those that were taken.
        """
        taken: list[Change] = []
        for key, data in changes:
            place = self.index.get(key)
            if data is None or place is None or key not in self._lacking:
                continue
            item = _same(decode_entry(data), place)
            if item is not None:
                self._handler.apply([(key, self._decode(item))])
                self._held.add(key)
                del self._lacking[key]
                taken.append((key, encode_entry(place, item)))
        return tuple(taken)


def _same(entry: tuple[Place, bytes | None] | None, place: Place) -> bytes | None:
    """The item of an entry, if it is that of a place."""
    if entry is None or entry[0].revision != place.revision:
        return None
    return entry[1]
