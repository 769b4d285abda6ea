# SPDX-License-Identifier: Apache-2.0
"""Writes of a transaction before they are made."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._staged import StagedItems
from l8types.enums import Action, DecoratorType
from l8types.errors import ConflictError, L8Error, NotFoundError
from l8types.protocols.services import Call, HookResult
from l8types.values import ServiceKey

from .data import FakeCache, FakeElementsFactory, fake_parts
from .model import Book

if TYPE_CHECKING:
    from collections.abc import Sequence

Command = tuple[Action, list[Book]]

BOOKS = st.builds(Book, isbn=st.sampled_from("abcd"), stock=st.integers(1, 9))
COMMANDS = st.tuples(
    st.sampled_from([Action.POST, Action.PUT, Action.DELETE]), st.lists(BOOKS, max_size=3)
)


class AdoptingCache(FakeCache):
    """One that can take items as they are."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.adopted: list[object] = []

    def adopt(self, item: object) -> None:
        """Take it."""
        self.adopted.append(item)
        self.content[self.key_of(item)] = item


def made(cache_type: type[FakeCache] = FakeCache, hook: Any = None) -> StagedItems:
    """Staged items over an empty cache."""
    introspector, updater, cloner = fake_parts()
    introspector.decorate(Book, DecoratorType.PRIMARY, "isbn")
    introspector.decorate(Book, DecoratorType.UNIQUE, "code")
    resources = SimpleNamespace(
        introspector=introspector,
        updater=updater,
        cloner=cloner,
        elements=FakeElementsFactory(),
        security=SimpleNamespace(scope_item=lambda identity, item: item),
    )
    cache = cache_type(Book, introspector, updater)
    return StagedItems(cast("Any", cache), cast("Any", resources), hook)


def stage(items: StagedItems, action: Action, books: Sequence[Book]) -> list[tuple[str, object]]:
    """The changes of one command."""
    call = Call(cast("Any", None), action, ServiceKey("Books"))
    elements = cast("Any", FakeElementsFactory().of(*books))
    return list(asyncio.run(items.stage(elements, call)).changes)


def expected(state: dict[str, Book], command: Command) -> dict[str, Book] | None:
    """The state after a command, ``None`` when it is refused."""
    action, books = command
    after = dict(state)
    for book in books:
        if action is not Action.DELETE:
            after[book.isbn] = book
        elif after.pop(book.isbn, None) is None:
            return None
    return after


@given(st.lists(COMMANDS, max_size=8), st.booleans())
def test_a_batch_is_worked_out_like_writes_one_by_one(
    commands: list[Command], committed: bool
) -> None:
    """A refused command leaves no trace; readers see nothing until the batch is applied."""
    items, state, changes = made(), dict[str, Book](), list[tuple[str, object]]()
    for command in commands:
        after = expected(state, command)
        if after is None:
            with pytest.raises(NotFoundError):
                stage(items, *command)
            continue
        news = stage(items, *command)
        assert {key for key, _ in news} == {book.isbn for book in command[1]}
        changes += news
        state = after
    assert dict(items.content()) == {}
    if committed:
        items.apply(changes)
        assert dict(items.content()) == state
    items.unstage()
    assert dict(items.content()) == (state if committed else {})
    with pytest.raises(NotFoundError):
        stage(items, Action.DELETE, [Book("never")])


def test_unique_keys_count_among_what_is_staged() -> None:
    """A unique key that is staged for one item is refused to another, and free once it is gone."""
    items = made()
    stage(items, Action.POST, [Book("a", code="x")])
    with pytest.raises(ConflictError, match="'x' belongs to item 'a'"):
        stage(items, Action.POST, [Book("b", stock=1), Book("c", code="x")])
    with pytest.raises(L8Error):
        stage(items, Action.DELETE, [Book("b")])
    stage(items, Action.DELETE, [Book("a")])
    [(key, _)] = stage(items, Action.POST, [Book("c", code="x")])
    assert key == "c"


class KeepingHook:
    """Keeps what it sees."""

    async def before(self, item: object, call: Call) -> HookResult:
        """Let it be written."""
        return HookResult()

    async def after(self, item: object, call: Call) -> None:
        """It was staged."""


@pytest.mark.parametrize("hook", [None, KeepingHook()])
def test_only_what_is_nobody_elses_is_given_away(hook: KeepingHook | None) -> None:
    """A staged item is given to the cache, unless a hook saw it; any other one is copied."""
    items = made(AdoptingCache, hook)
    cache = cast("AdoptingCache", items._cache)
    changes = stage(items, Action.POST, [Book("a", stock=1)])
    items.apply([*changes, ("b", Book("b", stock=2))])
    assert cache.adopted == ([] if hook else [Book("a", stock=1)])
    assert set(cache.content) == {"a", "b"}
    items.apply([("a", None)])
    assert set(cache.content) == {"b"}
