# SPDX-License-Identifier: Apache-2.0
"""The live answer as a core: what readers are told leads to the answer as asked anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._live.core import LiveAnswer, LiveChange, LiveKind, check_live
from l8services._live.frames import Part, PartKind, ask_live, asks_live, parts_of, read_part
from l8services._live.frames import token_of as token_of_query
from l8types.errors import InvalidInputError

from .data import FakeElements, FakeElementsFactory, FakeQuery
from .model import Book

if TYPE_CHECKING:
    from l8types.pb import L8Query
    from l8types.protocols.data import Elements, ElementsFactory, Query

FACTORY = cast("ElementsFactory", FakeElementsFactory())


def query(text: str) -> Query:
    """A bound query."""
    return cast("Query", FakeQuery(text))


def book(key: str, stock: int, *, hidden: bool = False) -> Book:
    """A book whose title decides who sees it."""
    return Book(key, "secret" if hidden else "open", stock=stock)


def scope(item: object) -> object | None:
    """What the caller sees."""
    return None if getattr(item, "title", "") == "secret" else item


KEYS = st.sampled_from("abcdefgh")
STATES = st.one_of(
    st.none(), st.builds(lambda stock, hidden: (stock, hidden), st.integers(0, 3), st.booleans())
)
ROUNDS = st.lists(st.dictionaries(KEYS, STATES, max_size=4), max_size=12)
QUESTIONS = st.sampled_from(
    [
        "select * from Book",
        "select * from Book where stock=1",
        "select * from Book sort-by stock",
        "select * from Book sort-by stock limit 3",
        "select * from Book where title=open sort-by stock limit 2 page 1",
    ]
)


class Reader:
    """Applies what it is told, and keeps to the rules of it."""

    def __init__(self) -> None:
        self.revision: int | None = None
        self.items: dict[str, object] = {}

    def read(self, answer: LiveAnswer) -> None:
        changes = None if self.revision is None else answer.since(self.revision)
        if changes is None:
            self.items = dict(answer.snapshot())
        for change in changes or ():
            if change.kind is LiveKind.REMOVED:
                del self.items[change.key]
                continue
            assert (change.key in self.items) is (change.kind is LiveKind.CHANGED)
            assert change.item is not None
            self.items[change.key] = change.item
        self.revision = answer.revision


def asked_anew(question: Query, content: dict[str, Book]) -> dict[str, object]:
    """The answer without any history."""
    matches = [
        content[key]
        for key in sorted(content)
        if question.matches(content[key]) and scope(content[key]) is not None
    ]
    found = question.sort(matches)
    if question.limit:
        found = found[question.page * question.limit :][: question.limit]
    return {cast("Book", item).isbn: item for item in found}


@pytest.mark.feature("BAS-07")
@given(QUESTIONS, ROUNDS, st.data())
def test_replayed_changes_give_the_answer_as_asked_anew(
    text: str, rounds: list[dict[str, tuple[int, bool] | None]], data: st.DataObject
) -> None:
    """However rarely a reader reads, and whatever is forgotten, it knows the present answer.

    It is told of additions only of what it did not have, of changes and removals only of what it
    had: an item that the caller may not see is never mentioned.
    """
    question = query(text)
    answer = LiveAnswer(question, scope, history=data.draw(st.integers(1, 10)))
    content: dict[str, Book] = {}
    readers = [Reader(), Reader(), Reader()]
    for changes in rounds:
        states: dict[str, object | None] = {}
        for key, state in changes.items():
            if state is None:
                content.pop(key, None)
            else:
                content[key] = book(key, state[0], hidden=state[1])
            states[key] = answer.visible(content.get(key))
        answer.update(states)
        for reader in readers:
            if data.draw(st.booleans()):
                reader.read(answer)
                assert reader.items == asked_anew(question, content)
    for reader in readers:
        reader.read(answer)
        assert reader.items == asked_anew(question, content)


def test_what_comes_and_goes_too_often_is_told_by_a_whole_answer() -> None:
    """The past of one entry is bounded: a reader from before it begins anew, a later one not."""
    answer = LiveAnswer(query("select * from Book"))
    answer.update({"a": book("a", 1)})
    for _ in range(100):
        answer.update({"b": book("b", 1)})
        answer.update({"b": None})
    assert answer.since(1) is None
    assert answer.since(answer.revision - 2) == []
    assert answer.since(answer.revision - 1) == [LiveChange(LiveKind.REMOVED, "b")]


def test_revision_of_the_future_is_unknown() -> None:
    """A token of another answer must not be taken for an old one of this."""
    assert LiveAnswer(query("select * from Book")).since(1) is None


def test_no_difference_is_no_change() -> None:
    """An equal state tells nobody anything."""
    answer = LiveAnswer(query("select * from Book"))
    assert answer.update({"a": book("a", 1)})
    assert not answer.update({"a": book("a", 1), "b": None})
    assert answer.revision == 1


def test_redacted_item_must_match_as_it_is_shown() -> None:
    """Else the answer would tell what was redacted."""
    answer = LiveAnswer(query("select * from Book where stock=3"), lambda _: book("a", 0))
    assert answer.visible(book("a", 3)) is None


@pytest.mark.parametrize("attribute", ["aggregates", "distinct", "map_reduce"])
def test_answers_without_keys_cannot_stay_live(attribute: str) -> None:
    """The refusal says why."""
    asked = FakeQuery("select * from Book")
    setattr(asked, attribute, True)
    with pytest.raises(InvalidInputError, match="cannot stay live"):
        check_live(cast("Query", asked))


def told(*changes: LiveChange, kind: PartKind, token: str, size: int = 2) -> list[Part]:
    """Changes, there and back."""
    parts = parts_of(kind, changes, token, FACTORY, size=size)
    return [read_part(part) for part in parts]


def test_parts_carry_changes_and_one_token() -> None:
    """Removals are parts of their own, and only the last part says where to go on."""
    gone = [LiveChange(LiveKind.REMOVED, key) for key in "ab"]
    new = [LiveChange(LiveKind.ADDED, key, book(key, 1)) for key in "cde"]
    parts = told(*new, *gone, kind=PartKind.CHANGES, token="x.7")
    assert [part.kind for part in parts] == [PartKind.CHANGES, PartKind.MORE, PartKind.MORE]
    assert [change for part in parts for change in part.changes] == [*gone, *new]
    assert [part.token for part in parts] == ["", "", "x.7"]
    assert told(kind=PartKind.FIRST, token="x.0") == [Part(PartKind.FIRST, (), "x.0")]


def test_question_carries_mark_and_token() -> None:
    """Any other request is none for a live answer."""
    asked = ask_live(FACTORY.query("select * from Book").query or _none(), "x.7")
    assert asks_live(FACTORY.query(asked))
    assert token_of_query(asked) == "x.7"
    assert not asks_live(FACTORY.query("select * from Book"))
    assert not asks_live(FACTORY.of("live:"))


@pytest.mark.parametrize("broken", ["no metadata", "kind", "key", "sign"])
def test_part_that_is_none_is_refused(broken: str) -> None:
    """Whatever a provider answers, the reader gets a clear error."""
    (part,) = parts_of(PartKind.CHANGES, [LiveChange(LiveKind.ADDED, "a", 1)], "t", FACTORY, size=9)
    elements = cast("FakeElements", part)
    if broken == "no metadata":
        elements.metadata = None
    elif broken == "kind" and elements.metadata is not None:
        elements.metadata.value_count["live.kind"].counts["nonsense"] = 1
    elif broken == "key":
        elements = FakeElementsFactory().of(1)
        elements.metadata = cast("FakeElements", part).metadata
    else:
        msgspec.structs.force_setattr(elements.entries[0], "key", "?a")
    with pytest.raises(InvalidInputError, match="live"):
        read_part(cast("Elements", elements))


def _none() -> L8Query:
    raise AssertionError("no query")
