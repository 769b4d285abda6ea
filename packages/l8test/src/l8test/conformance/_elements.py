# SPDX-License-Identifier: Apache-2.0
"""Conformance of the containers of requests and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance._base import ModelConformance
from l8types.constants import METADATA_TOTAL
from l8types.errors import DecodeError, EncodeError, L8Error, NotFoundError, PropertyError
from l8types.pb import L8MetaData
from l8types.values import Element, Page

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.data import ElementsFactory

__all__ = ["ElementsConformance"]


class ElementsConformance(ModelConformance):
    """What every ``ElementsFactory`` and its ``Elements`` promise.

    Fixture:
        elements: An ``ElementsFactory`` that knows the sample models.
    """

    def test_values(self, elements: ElementsFactory, sample: Sample) -> None:
        """A container holds its values in order."""
        values = [sample.build(index) for index in range(3)]
        container = elements.of(*values)
        assert len(container) == 3
        assert list(container.values) == values
        assert [entry.value for entry in container] == values
        assert container.first == values[0]
        assert container.error == ""

    def test_empty(self, elements: ElementsFactory) -> None:
        """A container without values is empty and without error."""
        container = elements.of()
        assert (len(container), list(container.values), container.first) == (0, [], None)
        assert (container.error, container.query, container.replica) == ("", None, None)
        assert container.notification is False

    def test_immutable(self, elements: ElementsFactory) -> None:
        """What is done later to the list that filled a container does not show in it."""
        entries = [Element("a"), Element("b")]
        container = elements.entries(entries)
        entries.clear()
        assert list(container.values) == ["a", "b"]

    def test_entries(self, elements: ElementsFactory) -> None:
        """Entries have values, keys and errors of their own, also after the way over the wire."""
        container = elements.entries([Element(1, "one"), Element(None, "two", "conflict: taken")])
        for found in (container, elements.decode(container.encode())):
            assert [entry.key for entry in found] == ["one", "two"]
            assert [entry.error for entry in found] == ["", "conflict: taken"]
            assert found.error == "conflict: taken"

    def test_error(self, elements: ElementsFactory) -> None:
        """An error keeps its class and message over the wire."""
        container = elements.decode(elements.error(NotFoundError("no book 'x'")).encode())
        with pytest.raises(NotFoundError) as caught:
            container.raise_for_error()
        assert caught.value.message == "no book 'x'"

    def test_foreign_error(self, elements: ElementsFactory) -> None:
        """Any exception and any text can be an error, raised as one of the tree."""
        for error in (RuntimeError("broken"), "it is broken"):
            with pytest.raises(L8Error, match="broken"):
                elements.decode(elements.error(error).encode()).raise_for_error()

    def test_no_error(self, elements: ElementsFactory) -> None:
        """A container without error hands itself on."""
        container = elements.of(1)
        assert container.raise_for_error() is container

    def test_first_error_counts(self, elements: ElementsFactory) -> None:
        """Of several errors the first is raised."""
        texts = ("property: first", "conflict: second")
        container = elements.entries([Element(1), *(Element(error=text) for text in texts)])
        with pytest.raises(PropertyError, match="first"):
            container.raise_for_error()

    def test_query(self, elements: ElementsFactory) -> None:
        """A query text travels as it is."""
        text = "select * from Anything where it=unknown here"
        container = elements.decode(elements.query(text).encode())
        assert container.query is not None
        assert container.query.text == text

    def test_page(self, elements: ElementsFactory) -> None:
        """Items and counters of a page arrive."""
        metadata = L8MetaData()
        metadata.key_count.counts[METADATA_TOTAL] = 42
        container = elements.decode(elements.page(Page(("a", "b"), metadata)).encode())
        page = container.to_page()
        assert (list(page.items), page.total) == (["a", "b"], 42)

    def test_replica(self, elements: ElementsFactory) -> None:
        """A replica number is local: the same content, another container, not on the wire."""
        container = elements.of("a", "b")
        third = elements.replica(container, 3)
        assert (third.replica, list(third.values)) == (3, ["a", "b"])
        assert container.replica is None
        assert elements.decode(third.encode()).replica is None

    def test_notification(self, elements: ElementsFactory) -> None:
        """Being a notification is local."""
        container = elements.of("a", notification=True)
        assert container.notification is True
        assert elements.decode(container.encode()).notification is False

    def test_wire(self, elements: ElementsFactory, sample: Sample) -> None:
        """Values arrive equal and in order, from bytes and from a view of them."""
        container = elements.of(sample.build(1), "text", 7, None, sample.build(2))
        data = container.encode()
        for found in (elements.decode(data), elements.decode(memoryview(data))):
            assert list(found.values) == list(container.values)

    def test_misfit(self, elements: ElementsFactory) -> None:
        """Bytes that are no container are refused."""
        data = elements.of("text", 1).encode()
        for broken in (data[: len(data) // 2], b"\xff" * 40):
            with pytest.raises(DecodeError):
                elements.decode(broken)

    def test_unsupported(self, elements: ElementsFactory) -> None:
        """A value that cannot be represented is refused when it is encoded at the latest."""
        with pytest.raises(EncodeError):
            elements.of(object()).encode()
