# SPDX-License-Identifier: Apache-2.0
"""New leaders of replicated services: what was being written when the old one was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from l8services._transactions.messages import Outcome, Pending, Promised
from l8services._transactions.takeover import inquire
from l8services._transactions.views import View
from l8types.enums import Action, Quorum
from l8types.errors import UnavailableError

from .groups import GroupNet, group_of, spread
from .test_replication import holders, settle
from .virtual import run, until

if TYPE_CHECKING:
    import asyncio

    from .groups import Member

VIEW = View("l", 3, ("a#1", "b#1", "c#1", "d#1", "e#1"))
BATCH = Pending(5, (1, "e"), ("x",), (False,), (("d#1", "e#1"),))


def promised(name: str, pending: Pending | None = BATCH, number: int = 4) -> Promised:
    """What a member of the view says."""
    return Promised(True, (2, "a"), f"{name}#1", VIEW, None, Outcome(number), pending)


THREE = {name: promised(name) for name in "abc"}


def test_no_holder_answers() -> None:
    """What all who answer have prepared is doubtful as long as a holder may have it."""
    findings = inquire(THREE, Quorum.MAJORITY)
    assert findings.quorum
    assert findings.doubtful
    assert findings.outcome == Outcome(5)
    assert inquire(THREE | {"d": strayed("d", None)}, Quorum.MAJORITY).doubtful


def test_a_holder_has_it() -> None:
    """One holder that has prepared or applied it is enough, also one that is no member any more."""
    for reply in (
        promised("d"),
        strayed("d", BATCH),
        strayed("d", None, number=5),
    ):
        findings = inquire(THREE | {"d": reply}, Quorum.MAJORITY)
        assert findings.outcome == Outcome(5)
        assert not findings.doubtful


def test_no_holder_has_it() -> None:
    """What no holder has prepared was never acknowledged: it is rolled back."""
    other = msgspec.structs.replace(BATCH, ids=("y",))
    refused = msgspec.structs.replace(BATCH, refused=(True,))
    for one in (None, other, refused):
        replies = THREE | {"d": strayed("d", one), "e": strayed("e", None)}
        findings = inquire(replies, Quorum.MAJORITY)
        assert findings.outcome == Outcome(4)
        assert not findings.doubtful


def strayed(name: str, pending: Pending | None, number: int = 4) -> Promised:
    """What a node says that was left out of the view meanwhile."""
    reply = promised(name, pending, number)
    return msgspec.structs.replace(reply, view=View("l", 2, ("a#1",)), granted=False)


async def crash(net: GroupNet) -> tuple[str, list[Member], asyncio.Task[None]]:
    """Let all holders of a key crash before they prepared a write of it, and then the leader."""
    await net.settle()
    await net["a"].write(*((f"k{n}", n) for n in range(12)))
    await net.settle()
    key = next(k for k in (f"k{n}" for n in range(12)) if not holding(net, k) & {"a", "g"})
    lost = [*holders(net, key), net["g"]]
    for member in lost[:-1]:
        member.crash_at = "prepare.begin"
    others = [member for member in net.members if member not in lost]
    write = net.group.create_task(write_late(net["a"], key))
    await until(lambda: all(m.group.desk.member.pending for m in others), "what is prepared")
    net["g"].kill()
    assert not any(member.alive for member in lost)
    return key, lost, write


def holding(net: GroupNet, key: str) -> set[str]:
    """Names of the holders."""
    return {member.name for member in holders(net, key)}


async def write_late(member: Member, key: str) -> None:
    """A write with patience."""
    await member.call(Action.PUT, (key, "new"), limit=60.0)


@pytest.mark.parametrize("seed", range(4))
def test_holders_come_back(seed: int) -> None:
    """The new leader waits for the holders; then the write is made once, and nothing is lost."""

    async def scenario() -> None:
        async with GroupNet(*"abcdefg", count=2, seed=seed) as net:
            key, lost, write = await crash(net)
            with pytest.raises(UnavailableError, match="waited for"):
                await net["a"].call(Action.PUT, ("other", 1), limit=4.0)
            for member in lost:
                await member.start()
            await write
            await settle(net, 2)
            assert await net["b"].read(key) == "new"

    run(scenario())


def test_holders_never_come_back() -> None:
    """After a while the service goes on; the item is unavailable, and all others are there."""

    async def scenario() -> None:
        async with GroupNet(*"abcdefg", count=2) as net:
            key, lost, write = await crash(net)
            await until(
                lambda: any(m.group.leading for m in net.members if m.alive), "a leader", 20
            )
            await write
            answer = await net["a"].call(Action.GET, key)
            assert answer.error.startswith("unavailable")
            gone = {member.name for member in lost}
            for number in range(12):
                if not holding(net, f"k{number}") <= gone:
                    assert await net["a"].read(f"k{number}") == number
            # Nobody comes back: the key may be forgotten and written anew.
            unavailable = group_of(net["a"]).items.index.unavailable(
                [group_of(m).items.me for m in net.members if m.alive]
            )
            await group_of(net["a"]).forget(unavailable)
            await net["a"].write((key, "anew"))
            assert await net["a"].read(key) == "anew"
            await settle(net, 2)
            assert not spread(net, 2)

    run(scenario())
