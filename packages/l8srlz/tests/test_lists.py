# SPDX-License-Identifier: Apache-2.0
"""Containers as list messages."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest

from l8srlz import Elements, ElementsFactory, ObjectCodec
from l8types.errors import InvalidInputError
from l8types.pb import L8MetaData
from l8types.values import Element, Page

from .fakes import Author, Book, FakeRegistry, Item, ItemList, Shelf, SubItem, SubSubItem
from .vectors import counters


@dataclass
class BookList:
    """The list of a dataclass."""

    list: list[Book] = field(default_factory=list)  # noqa: A003 - the convention
    metadata: L8MetaData | None = None


class ShelfList(msgspec.Struct):
    """The list of a struct, which does not care for counters."""

    list: list[Shelf] = []  # noqa: A003 - the convention


@dataclass
class SubItemList:
    """No list at all, whatever it is called."""

    number: int


REGISTRY = FakeRegistry(
    Item, ItemList, SubItem, SubSubItem, Book, BookList, Shelf, ShelfList, Author
)
# What is registered under the name of a list need not be one.
REGISTRY.register(SubItemList, name="TestProtoSubList")
REGISTRY.register(SubItem, name="AuthorList")
REGISTRY.register(ItemList, name="TestProtoSubSubList")
REGISTRY.register(ItemList)
REGISTRY.register(SubItem)
FACTORY = ElementsFactory(ObjectCodec(REGISTRY))


@pytest.mark.feature("SRZ-38")
def test_messages_become_their_list() -> None:
    """All messages of a page are in the list, in order, with the counters beside them."""
    items = [Item(myString="a"), Item(myString="b")]
    assert FACTORY.page(Page(items, counters(7))).to_list() == ItemList(
        list=items, metadata=counters(7)
    )


@pytest.mark.feature("SRZ-38")
def test_the_list_of_what_has_travelled() -> None:
    """What came over the wire becomes the same list; without counters the items are counted."""
    sent = FACTORY.of(Item(myString="a"), Item(myString="b"))
    found = FACTORY.decode(sent.encode()).to_list()
    assert isinstance(found, ItemList)
    assert [item.myString for item in found.list] == ["a", "b"]
    assert found.metadata == counters(2)


@pytest.mark.feature("SRZ-38")
def test_other_models_have_lists_too() -> None:
    """A dataclass or struct is listed in one of its own kind."""
    assert FACTORY.of(Book("1"), Book("2")).to_list() == BookList(
        [Book("1"), Book("2")], counters(2)
    )
    assert FACTORY.of(Shelf(1)).to_list() == ShelfList([Shelf(1)])


@pytest.mark.feature("SRZ-38")
def test_absent_values_are_left_out() -> None:
    """An entry without a value is no item, at the front or in the middle."""
    elements = FACTORY.entries([Element(), Element(Book("1"), 1), Element(None, 2, "bad")])
    found = elements.to_list()
    assert isinstance(found, BookList)
    assert found.list == [Book("1")]


@pytest.mark.feature("SRZ-38")
def test_an_empty_list() -> None:
    """Nothing found is an empty list, if it is said of what."""
    assert FACTORY.page(Page()).to_list(Item) == ItemList(metadata=counters(0))
    assert FACTORY.of(None).to_list(Book) == BookList([], counters(0))


@pytest.mark.feature("SRZ-38")
@pytest.mark.parametrize(
    ("elements", "words"),
    [
        (FACTORY.of(), "an empty container is of no type; name the model"),
        (FACTORY.of(None), "an empty container is of no type"),
        (FACTORY.of(Item(), SubItem()), "entry 1 is a TestProtoSub in a list of TestProto"),
        (FACTORY.of(Book("1"), "text"), "entry 1 is a str in a list of Book"),
        (FACTORY.of("a", "b"), r"'strList' is not registered; define it with"),
        (FACTORY.of(Author()), "TestProtoSub has no attribute 'list'; add it"),
        (FACTORY.of(SubSubItem()), "TestProtoList does not hold such items"),
        (FACTORY.of(SubItem()), "a SubItemList cannot be made of a list"),
    ],
)
def test_what_is_no_list(elements: Elements, words: str) -> None:
    """Nothing is lost silently: what cannot be listed as a whole is refused with the reason."""
    with pytest.raises(InvalidInputError, match=words):
        elements.to_list()
