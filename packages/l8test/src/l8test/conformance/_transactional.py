# SPDX-License-Identifier: Apache-2.0
"""Conformance of services that take part in transactions: what an engine relies on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action
from l8types.errors import L8Error
from l8types.protocols.net import VNic
from l8types.protocols.services import Call, TransactionalService
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Staged

__all__ = ["Instance", "InstanceOpener", "TransactionalServiceConformance"]

TESTS = ServiceKey("Tests", 1)


@dataclass(frozen=True)
class Instance:
    """One instance of the service under test, active and empty, but for what it begins with.

    Attributes:
        service: The instance.
        vnic: The interface of its node.
        item: Makes an item from a text, by which it is known, and a number, which it keeps.
        number: Reads the number of an item.
        refused: An item that the service does not take, ``None`` when it takes all.
    """

    service: TransactionalService
    vnic: VNic
    item: Callable[[str, int], object]
    number: Callable[[object], int]
    refused: object | None = None

    async def stage(self, action: Action, *items: object) -> Staged:
        """Stage a write."""
        elements = self.vnic.resources.elements.of(*items)
        return await self.service.stage(elements, Call(self.vnic, action, TESTS))

    async def write(self, action: Action, *items: object) -> Sequence[tuple[str, object]]:
        """Stage a write and make it visible; its changes."""
        changes = (await self.stage(action, *items)).changes
        self.service.apply(changes)
        return changes

    async def read(self, *examples: object) -> Elements:
        """Read items by example."""
        elements = self.vnic.resources.elements.of(*examples)
        return await self.service.get(elements, Call(self.vnic, Action.GET, TESTS))

    def numbers(self) -> dict[str, int]:
        """Numbers of the visible items, by key."""
        return {key: self.number(item) for key, item in self.service.content()}


InstanceOpener = Callable[[], AbstractAsyncContextManager[Instance]]
"""Opens one instance."""


class TransactionalServiceConformance:
    """What every ``TransactionalService`` promises.

    Fixture:
        open_instance: An ``InstanceOpener``; instances know nothing of each other.
    """

    @asynccontextmanager
    async def filled(self, open_instance: InstanceOpener) -> AsyncIterator[Instance]:
        """An instance with the items ``a`` (1) and ``b`` (2)."""
        async with open_instance() as one:
            await one.write(Action.POST, one.item("a", 1), one.item("b", 2))
            yield one

    async def test_unseen(self, open_instance: InstanceOpener) -> None:
        """What is staged is seen by no reader until it is applied."""
        async with self.filled(open_instance) as one:
            before = one.numbers()
            staged = await one.stage(Action.PUT, one.item("a", 7))
            assert one.numbers() == before
            [seen] = (await one.read(one.item("a", 0))).values
            assert one.number(seen) == 1
            one.service.apply(staged.changes)
            [seen] = (await one.read(one.item("a", 0))).values
            assert one.number(seen) == 7

    async def test_answer(self, open_instance: InstanceOpener) -> None:
        """A write tells the keys that it changes, each with the item that it will have."""
        async with self.filled(open_instance) as one:
            staged = await one.stage(Action.PUT, one.item("b", 5), one.item("c", 6))
            assert not staged.answer.error
            changed = {key: one.number(item) for key, item in staged.changes}
            assert sorted(changed.values()) == [5, 6]
            one.service.apply(staged.changes)
            assert {key: one.numbers()[key] for key in changed} == changed

    async def test_delete(self, open_instance: InstanceOpener) -> None:
        """A removal is a change to nothing; the item is there until it is applied."""
        async with self.filled(open_instance) as one:
            staged = await one.stage(Action.DELETE, one.item("a", 0))
            [(key, item)] = staged.changes
            assert item is None
            assert key in one.numbers()
            one.service.apply(staged.changes)
            assert key not in one.numbers()

    async def test_on_top(self, open_instance: InstanceOpener) -> None:
        """A write is worked out on top of those that were staged before it."""
        async with self.filled(open_instance) as one:
            first = await one.stage(Action.POST, one.item("c", 3))
            second = await one.stage(Action.DELETE, one.item("c", 0))
            third = await one.stage(Action.POST, one.item("c", 4))
            assert [item is None for _, item in second.changes] == [True]
            for staged in (first, second, third):
                one.service.apply(staged.changes)
            assert sorted(one.numbers().values()) == [1, 2, 4]

    async def test_unstage(self, open_instance: InstanceOpener) -> None:
        """What is dropped leaves no trace, also not in what is staged afterwards."""
        async with self.filled(open_instance) as one:
            await one.stage(Action.DELETE, one.item("a", 0))
            await one.stage(Action.POST, one.item("c", 3))
            one.service.unstage()
            again = await one.stage(Action.DELETE, one.item("a", 0))
            assert [item for _, item in again.changes] == [None]
            one.service.unstage()
            changes = await one.write(Action.PUT, one.item("a", 9))
            assert len(changes) == 1
            assert sorted(one.numbers().values()) == [2, 9]

    async def test_refused(self, open_instance: InstanceOpener) -> None:
        """A write that is refused leaves nothing staged, not even its good items."""
        async with self.filled(open_instance) as one:
            if one.refused is None:
                pytest.skip("the service takes everything")
            kept = await one.stage(Action.POST, one.item("c", 3))
            with pytest.raises(L8Error):
                await one.stage(Action.POST, one.item("a", 8), one.refused)
            after = await one.stage(Action.PUT, one.item("b", 4))
            for staged in (kept, after):
                one.service.apply(staged.changes)
            assert sorted(one.numbers().values()) == [1, 3, 4]

    async def test_same_everywhere(self, open_instance: InstanceOpener) -> None:
        """All instances make the same changes of the same writes."""
        async with self.filled(open_instance) as one, self.filled(open_instance) as other:
            for action, name, number in (
                (Action.PUT, "a", 3),
                (Action.POST, "c", 4),
                (Action.DELETE, "b", 0),
                (Action.POST, "b", 5),
            ):
                told = await one.write(action, one.item(name, number))
                assert await other.write(action, other.item(name, number)) == told
            assert one.numbers() == other.numbers()

    async def test_copy(self, open_instance: InstanceOpener) -> None:
        """An instance becomes equal by applying the content of another one."""
        async with self.filled(open_instance) as one, open_instance() as other:
            other.service.apply(list(one.service.content()))
            assert other.numbers() == one.numbers()
            await other.write(Action.PUT, other.item("a", 6))
            assert sorted(one.numbers().values()) == [1, 2]

    async def test_beginning(self, open_instance: InstanceOpener) -> None:
        """What an entirely new service begins with is told, and is not there by itself."""
        async with open_instance() as one:
            begins = list(await one.service.initial())
            assert one.numbers() == {}
            one.service.apply(begins)
            assert one.numbers() == {key: one.number(item) for key, item in begins}
            one.service.leading()
            one.service.applied([key for key, _ in begins])
            assert one.numbers() == {key: one.number(item) for key, item in begins}
