# SPDX-License-Identifier: Apache-2.0
"""What one member does with the batches and copies of a replicated service."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._replication.entries import (
    Transfer,
    decode_entry,
    decode_transfers,
    encode_entry,
    encode_transfers,
)
from l8services._replication.index import Place
from l8services._replication.items import MOVE, ReplicatedItems
from l8services._transactions.messages import Batch, Command
from l8types.enums import Action
from l8types.errors import DecodeError

from .groups import KEY, PickleCodec, PickledFactory, SpreadValues

if TYPE_CHECKING:
    from l8services._transactions.messages import Change, Result
    from l8types.protocols.net import VNic

MEMBERS = ("a", "b", "c")


class Alone:
    """One member, without the others."""

    def __init__(self, me: str = "a", count: int = 2) -> None:
        resources = SimpleNamespace(elements=PickledFactory(), codec=PickleCodec())
        vnic = cast("VNic", SimpleNamespace(alias=me, resources=resources))
        self.values = SpreadValues(me)
        self.items = ReplicatedItems(KEY, self.values, vnic, 1.0, count=count, me=lambda: me)
        self.number = 0

    async def batch(self, *commands: Command) -> tuple[list[Result], list[Change]]:
        """Prepare a batch and apply it."""
        self.number += 1
        worked = await self.items.stage(Batch(self.number, commands), term=1, members=MEMBERS)
        self.items.apply(tuple(worked[1]))
        return worked

    def place(self, key: str) -> Place:
        """Where a key is."""
        found = self.items.index.get(key)
        assert found is not None
        return found


def put(*changes: tuple[str, object]) -> Command:
    """A write."""
    return Command("w", Action.PUT, "", PickledFactory().of(*changes).encode())


def move(key: str, place: Place, *holders: str, item: object = "moved") -> Command:
    """A command that gives a key other holders."""
    transfer = Transfer(key, place.revision, holders, PickleCodec().encode(item))
    return Command("m", MOVE, "", encode_transfers([transfer]))


async def test_a_move_brings_the_item() -> None:
    """A new holder has the item, one that holds it no longer has not."""
    for me, value in (("a", None), ("b", "moved"), ("c", "moved")):
        one = Alone(me)
        await one.batch(put(("x", 1)))
        await one.batch(move("x", one.place("x"), "b", "c"))
        assert one.place("x") == Place(("b", "c"), (2, 1))
        assert one.values.values.get("x") == value


async def test_a_move_of_what_was_written_meanwhile() -> None:
    """What was written or deleted after its item was read for a move is not moved."""
    one = Alone("c")
    await one.batch(put(("x", 1), ("y", 1)))
    before = {key: one.place(key) for key in "xy"}
    await one.batch(put(("x", 2)))
    await one.batch(Command("d", Action.DELETE, "", PickledFactory().of(("y", None)).encode()))
    after = one.place("x")
    await one.batch(move("x", before["x"], "b", "c"), move("y", before["y"], "b", "c"))
    assert one.place("x") == after
    assert "y" not in one.items.index
    assert not {"x", "y"} & {key for key, value in one.values.values.items() if value == "moved"}


async def test_a_part_that_is_refused() -> None:
    """Of a write that is refused in its second part nothing is left, and all before it is."""
    one = Alone("a", count=3)
    # After this the first key has a as its second replica, the others as the first.
    await one.batch(put(("x", 1), ("y", 1), ("z", 1)))
    await one.batch(move("x", one.place("x"), "b", "a", "c"))
    seen: list[dict[str, object]] = []

    def dislikes(_: str, value: object) -> bool:
        seen.append(dict(one.values.staged))
        return value == "bad"

    one.values.dislikes = dislikes
    results, changes = await one.batch(
        put(("z", "good")), put(("x", 2), ("y", "bad")), put(("x", "new"))
    )
    assert [bool(result.error) for result in results] == [False, True, False]
    assert seen[-1] == {"z": "good"}
    assert [key for key, _ in changes] == ["z", "x"]
    assert one.values.values == {"x": "new", "y": 1, "z": "good"}
    assert not one.values.staged


async def test_coverage() -> None:
    """A batch is lost with all holders of one of its keys, whoever else has prepared it."""
    one = Alone("a", count=1)
    await one.items.stage(Batch(1, (put(("x", 1)), put(("y", 1)))), term=1, members=MEMBERS)
    assert one.items.covers("ab")
    assert not one.items.covers("bc")
    assert not one.items.covers("ac")
    one.items.unstage()
    assert one.items.covers("c")


async def test_copies_without_the_item() -> None:
    """Whoever copies from one who does not hold an item keeps his own of that revision only."""
    holder, other = Alone("a"), Alone("c")
    for one in (holder, other):
        await one.batch(put(("x", 1)))
    holder.items.become(list(other.items.encoded("a")))
    assert holder.values.values == {"x": 1}
    await other.batch(put(("x", 2)))
    holder.items.become(list(other.items.encoded("a")))
    assert holder.values.values == {}
    assert holder.items.lacking == ("x",)
    result = await holder.items.read_replica(
        Command("r", Action.GET, "", PickledFactory().of("x").encode()), 0
    )
    assert result.error.startswith("unavailable")
    old = ("x", encode_entry(Place(("a", "b"), (1, 1)), PickleCodec().encode(1)))
    new = ("x", encode_entry(Place(("a", "b"), (2, 1)), PickleCodec().encode(2)))
    assert holder.items.fill([old]) == ()
    assert holder.items.fill([new, ("z", None)]) == (new,)
    assert holder.values.values == {"x": 2}
    assert not holder.items.lacking


@given(
    st.lists(st.text(max_size=5), max_size=3),
    st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)),
    st.none() | st.binary(max_size=9),
)
def test_entries(holders: list[str], revision: tuple[int, int], item: bytes | None) -> None:
    """An entry comes back as it was; nothing is not the same as an empty item."""
    place = Place(tuple(holders), revision)
    assert decode_entry(encode_entry(place, item)) == (place, item)
    transfer = Transfer("key", revision, tuple(holders), item or b"")
    assert decode_transfers(encode_transfers([transfer])) == (transfer,)


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    """Bytes are an entry and transfers, or an error of the decoder."""
    for decoder in (decode_entry, decode_transfers):
        with contextlib.suppress(DecodeError):
            decoder(data)
    with pytest.raises(DecodeError):
        decode_entry(b"\xc1")
