# SPDX-License-Identifier: Apache-2.0
"""Answers that come too late, and leaders that change while a write is on its way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from l8types.errors import InvalidInputError, UnavailableError

from .groups import GroupNet
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .groups import Member

SLOW = 5.0
"""Seconds for one write of a disk: more than a member may take for a batch."""


def visible(member: Member) -> list[tuple[str, object]]:
    """What a member makes visible from now on, in order."""
    seen: list[tuple[str, object]] = []
    apply = member.handler.apply

    def noted(changes: Sequence[tuple[str, object]]) -> None:
        seen.extend(changes)
        apply(changes)

    member.handler.apply = noted  # type: ignore[method-assign]
    return seen


def test_member_that_answers_too_late_does_not_keep_a_write_that_was_refused() -> None:
    """W-39: it learns that the write was rolled back, whenever its own answer comes."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            await net["a"].write(("x", "old"))
            net["a"].handler.dislikes = lambda _, value: value == "bad"
            seen = visible(net["b"])
            net["b"].journal._pause = lambda: SLOW
            with pytest.raises(InvalidInputError):
                await net["c"].write(("x", "bad"))
            net["b"].journal._pause = net.disk_pause
            await asyncio.sleep(2 * SLOW)
            await net["c"].write(("y", 1))
            await net.settle()
            assert ("x", "bad") not in seen
            for member in net.members:
                assert member.handler.values == {"x": "old", "y": 1}
                assert member.group.desk.member.pending is None
                assert not member.handler.staged

    run(scenario())


def test_member_that_answers_too_late_gets_what_it_missed() -> None:
    """W-39: the others go on without it; it comes back with a copy, and equal to them."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            net["b"].journal._pause = lambda: SLOW
            await net["a"].write(("x", 1))
            await net["a"].write(("x", 2), ("y", 1))
            net["b"].journal._pause = net.disk_pause
            await until(lambda: net["b"].group.current, "it is a member again")
            await net["b"].write(("z", 1))
            await net.settle()
            assert all(m.handler.values == {"x": 2, "y": 1, "z": 1} for m in net.members)

    run(scenario())


def test_write_meets_a_change_of_leaders() -> None:
    """W-29: it is sent again under its id, to whoever leads then, and happens once."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            seen = [visible(member) for member in net.members]
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(net["a"].write((f"k{number}", number)))
                    if number == 10:
                        # All believe in another leader before those writes have an outcome.
                        net.partition("c", "ab")
                await until(lambda: net["b"].group.leading, "another leader")
                net.partition()
            await net.settle()
            expected = {f"k{number}": number for number in range(20)}
            assert all(m.handler.values == expected for m in net.members)
            for told in seen[:2]:
                assert sorted(told) == sorted(expected.items())

    run(scenario())


def test_write_at_a_node_that_does_not_lead_any_more() -> None:
    """W-29: the leader that lost its office points to its successor, and nobody is told of it."""

    async def scenario() -> None:
        async with GroupNet(*"abcd") as net:
            net["d"].kill()
            await net.settle()
            assert net["c"].group.leading
            await net["d"].start()
            await until(lambda: net["d"].group.leading, "the greatest id leads")
            await net["c"].write(("x", 1))
            await net["a"].write(("y", 1))
            await net.settle()
            assert all(m.handler.values == {"x": 1, "y": 1} for m in net.members)

    run(scenario())


def test_member_whose_disk_is_full_loses_nothing() -> None:
    """Callers hear of a write that it was made or why not; with room again the member is equal."""

    async def scenario() -> None:
        async with GroupNet(*"abc") as net:
            await net.settle()
            await net["b"].write(("x", "old"))
            net["a"].disk.full = True
            made: dict[str, object] = {"x": "old"}
            for number in range(10):
                try:
                    await net["c"].write((f"k{number}", number))
                except UnavailableError as error:
                    assert "no space left" in error.message  # noqa: PT017 - one of two good ends
                else:
                    made[f"k{number}"] = number
            assert len(made) > 1
            for key, value in made.items():
                assert await net["b"].read(key) == value
            net["a"].disk.full = False
            await net["a"].write(("last", 1))
            await net.settle()
            for member in net.members:
                assert member.handler.values == made | {"last": 1}

    run(scenario())
