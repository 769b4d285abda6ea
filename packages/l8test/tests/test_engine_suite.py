# SPDX-License-Identifier: Apache-2.0
"""The suite of transaction engines passes one that keeps its promises, and catches each mutant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from l8test.conformance import TransactionEngineConformance
from l8types.enums import Action
from l8types.errors import InvalidInputError, PermissionDeniedError
from l8types.frozen import replace

from .fake_engine import FakeEngine, groups
from .harness import Fixtures, failures

if TYPE_CHECKING:
    from l8types.protocols.services import Call
    from l8types.values import Message


def all_but_last(self: FakeEngine, members: Any, staged: Any) -> None:
    """A commit that forgets the last of several members."""
    COMMIT(self, members[: max(1, len(members) - 1)], staged)


def not_removed(self: FakeEngine, members: Any, staged: Any) -> None:
    """A commit whose removals reach the leader only."""
    gone = any(item is None for _, item in staged.changes)
    COMMIT(self, members[:1] if gone else members, staged)


def doubled(self: FakeEngine, members: Any, staged: Any) -> None:
    """A commit that its seventh member makes again, as after an answer that was lost."""
    COMMIT(self, members, staged)
    self.group.count = getattr(self.group, "count", 0) + 1
    if self.group.count == 7:
        members[1].handler.apply(staged.changes)


def all_acknowledge(self: FakeEngine, members: Any, staged: Any) -> None:
    """A commit that every member takes for acknowledged by itself."""
    COMMIT(self, members, staged)
    for member in members[1:]:
        member.handler.applied([key for key, _ in staged.changes])


COMMIT = FakeEngine.commit


async def local_read(self: Any, elements: Any, call: Call) -> Any:
    """A read from what this member had when it joined, and then once more."""
    if not hasattr(self, "seen"):
        self.seen = await self.handler.get(elements, call)
    return self.seen


async def lost_undo(self: FakeEngine, elements: Any, call: Call) -> Any:
    """A write that is made by those who took it, if one of them did not."""
    taken = []
    for member in tuple(self.group.members):
        try:
            taken.append((member, await member.stage(elements, call)))
        except Exception:
            for one, staged in taken:
                one.handler.apply(staged.changes)
            raise
    COMMIT(self, [member for member, _ in taken], taken[0][1])
    return taken[0][1].answer


async def unordered(self: FakeEngine, elements: Any, call: Call) -> Any:
    """A write that each member takes when it comes to it."""
    if call.action is Action.GET:
        return await self.read(elements, call)
    ahead = self.group.members.index(self)
    staged = await self.stage(elements, call)
    self.handler.apply(staged.changes)
    for member in [*self.group.members[ahead + 1 :], *self.group.members[:ahead]]:
        staged = await member.stage(elements, call)
        member.handler.apply(staged.changes)
        await asyncio.sleep(0)
    self.group.members[0].handler.applied([key for key, _ in staged.changes])
    return staged.answer


async def anonymous(self: FakeEngine, elements: Any, call: Call) -> Any:
    """A member that asks its handler in the name of nobody, unless it was the one that is asked."""
    own = call if call.vnic is self.vnic else replace(call, identity="")
    return await STAGE(self, elements, own)


async def patient(self: FakeEngine, elements: Any, call: Call) -> Any:
    """A member that waits for its handler for ever."""
    return await self.handler.stage(elements, replace(call, vnic=self.vnic))


STAGE = FakeEngine.stage


async def unhurried(self: FakeEngine, elements: Any, call: Call) -> Any:
    """An engine that does not look at the time."""
    return await SUBMIT(self, elements, replace(call, deadline=None))


async def lonely(self: FakeEngine, elements: Any, call: Call) -> Any:
    """An engine that writes only with others, since a majority of one is none."""
    if len(self.group.members) < 2:
        raise InvalidInputError("no majority")
    return await SUBMIT(self, elements, call)


SUBMIT = FakeEngine.submit


async def trusting(self: FakeEngine, elements: Any, message: Message) -> Any:
    """An engine that listens to everybody whose message it can read."""
    if elements.first is None:
        raise InvalidInputError("no message")
    return elements


async def fragile(self: FakeEngine, elements: Any, message: Message) -> Any:
    """An engine that takes for granted that a member sends bytes."""
    if message.source == "a stranger":
        raise PermissionDeniedError("no member")
    return await HANDLE(self, elements.first.decode(), message)


HANDLE = FakeEngine.handle


async def empty_handed(self: FakeEngine) -> None:
    """A member that joins without what is there, once the group has more than it began with."""
    members = self.group.members
    if len(members) < 3:
        await JOIN(self)
        return
    self.handler.apply([("first", "first=0")])
    members.append(self)


JOIN = FakeEngine.join


async def stay(self: FakeEngine) -> None:
    """A member that leaves and is still asked by the others."""
    self.handler.hanging = True


MUTANTS: list[tuple[type, Fixtures, str]] = [
    (TransactionEngineConformance, groups(submit=lonely), "test_alone"),
    (TransactionEngineConformance, groups(commit=all_but_last), "test_write"),
    (TransactionEngineConformance, groups(commit=not_removed), "test_delete"),
    (TransactionEngineConformance, groups(read=local_read), "test_read"),
    (TransactionEngineConformance, groups(write=lost_undo), "test_refused"),
    (TransactionEngineConformance, groups(undo=lambda *_: None), "test_refused"),
    (TransactionEngineConformance, groups(submit=unordered), "test_one_order"),
    (TransactionEngineConformance, groups(commit=doubled), "test_one_order"),
    (TransactionEngineConformance, groups(commit=all_acknowledge), "test_leading"),
    (TransactionEngineConformance, groups(stage=anonymous), "test_circumstances"),
    (TransactionEngineConformance, groups(stage=patient), "test_hanging"),
    (TransactionEngineConformance, groups(submit=unhurried), "test_too_late"),
    (TransactionEngineConformance, groups(handle=trusting), "test_stranger"),
    (TransactionEngineConformance, groups(handle=fragile), "test_nonsense"),
    (TransactionEngineConformance, groups(join=empty_handed), "test_newcomer"),
    (TransactionEngineConformance, groups(aclose=stay), "test_leaving"),
]


def test_sound() -> None:
    """An engine that keeps its promises passes."""
    assert failures(TransactionEngineConformance, groups()) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """One that breaks a promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
