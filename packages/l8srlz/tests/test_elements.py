# SPDX-License-Identifier: Apache-2.0
"""Containers against the bytes of the Go containers, and their behaviour in Python."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8srlz import Elements, ElementsFactory, Int32, ObjectCodec
from l8types.errors import DecodeError, EncodeError, InvalidInputError
from l8types.pb import L8MetaData, L8Query
from l8types.values import Element, Page

from .fakes import Book, Item, registry
from .vectors import NIL, NO_ERROR, TOTAL_0, TOTAL_1, TOTAL_2, TOTAL_7, counters

if TYPE_CHECKING:
    from l8types.protocols.data import Elements as AnyElements

FACTORY = ElementsFactory(ObjectCodec(registry()))
GO = ElementsFactory(ObjectCodec(registry(), go_compatible=True))
A = "00000018 00000001 61"
B = "00000018 00000001 62"

VECTORS: list[tuple[Elements, str]] = [
    (FACTORY.of(), "00000002 0000000000000000" + TOTAL_0 + NIL),
    (FACTORY.of(None), "00000002 0000000000000001" + NIL + NIL + NO_ERROR + TOTAL_1 + NIL),
    (FACTORY.of("a"), "00000002 0000000000000001" + A + NIL + NO_ERROR + TOTAL_1 + NIL),
    (
        FACTORY.error("boom"),
        "00000002 0000000000000001" + NIL + NIL + "00000018 00000004 626f6f6d" + TOTAL_1 + NIL,
    ),
    (
        FACTORY.of("a", "b"),
        "00000002 0000000000000002"
        + (A + "00000002 0000000000000000" + NO_ERROR)
        + (B + "00000002 0000000000000001" + NO_ERROR)
        + (TOTAL_2 + NIL),
    ),
    (
        FACTORY.entries([Element(Int32(5), "k")]),
        "00000002 0000000000000001 00000005 00000005 00000018 00000001 6b"
        + (NO_ERROR + TOTAL_1 + NIL),
    ),
    (
        FACTORY.of(L8Query()),
        "00000002 0000000000000001 00000016 fffffffe 00000007 4c385175657279"
        + (NIL + NO_ERROR + TOTAL_1 + NIL),
    ),
    (
        FACTORY.page(Page(["a"], counters(7))),
        "00000002 0000000000000001" + (A + "00000002 0000000000000000" + NO_ERROR + TOTAL_7 + NIL),
    ),
    (
        FACTORY.query(L8Query(text="select * from X", rootType="X")),
        "00000002 0000000000000000"
        + TOTAL_0
        + "00000016 00000014 00000007 4c385175657279 0a0f73656c656374202a2066726f6d2058 120158",
    ),
]


@pytest.mark.feature("SRZ-26", "SRZ-27", "SRZ-31", "SRZ-33", "SRZ-34", "SRZ-39")
@pytest.mark.parametrize(("elements", "data"), VECTORS)
def test_vectors(elements: Elements, data: str) -> None:
    """Containers have the bytes of the Go containers and are the same after decoding."""
    encoded = bytes.fromhex(data)
    assert elements.encode() == encoded
    decoded = FACTORY.decode(encoded)
    assert decoded.entries == elements.entries
    assert decoded.query == elements.query
    assert GO.decode(encoded).encode() == encoded


class TestFactory:
    """How containers are made."""

    @pytest.mark.feature("SRZ-30")
    def test_accessors(self) -> None:
        """Values, keys and errors in order; first ones without looking at the length."""
        elements = FACTORY.entries(
            [Element("a", 1), Element(None, 2, "bad"), Element("c", 3, "worse")]
        )
        assert len(elements) == 3
        assert elements.values == ("a", None, "c")
        assert [entry.key for entry in elements] == [1, 2, 3]
        assert elements.first == "a"
        assert elements.error == "bad"
        assert FACTORY.of().first is None
        assert FACTORY.of().error == ""

    @pytest.mark.feature("SRZ-29")
    def test_appending(self) -> None:
        """Two containers become one with all keys and errors."""
        both = FACTORY.entries([*FACTORY.of("a"), *FACTORY.error("boom")])
        assert both.values == ("a", None)
        assert both.error == "boom"

    def test_immutable(self) -> None:
        """A container cannot be changed."""
        with pytest.raises(AttributeError):
            FACTORY.of("a").replica = 1  # type: ignore[misc]

    @pytest.mark.feature("SRZ-35")
    def test_notification_is_local(self) -> None:
        """A container knows that it came as a notification; its bytes do not."""
        elements = FACTORY.of("a", notification=True)
        assert elements.notification
        assert elements.encode() == FACTORY.of("a").encode()
        assert not FACTORY.decode(elements.encode()).notification

    @pytest.mark.feature("SRZ-36")
    def test_replica_is_local(self) -> None:
        """The replica's copy has all of the original, metadata too, and the same bytes."""
        original = FACTORY.page(Page(["a"], counters(7)))
        replica = FACTORY.replica(original, 2)
        assert replica.replica == 2
        assert replica.metadata == counters(7)
        assert replica.encode() == original.encode()
        assert original.replica is None
        assert FACTORY.decode(replica.encode()).replica is None
        assert FACTORY.replica(FACTORY.query("select * from Book"), 0).query is not None

    @pytest.mark.parametrize("number", [-1, 256])
    def test_replica_number(self, number: int) -> None:
        """The number has to fit the byte that it travels in."""
        with pytest.raises(InvalidInputError, match=r"not in 0\.\.255"):
            FACTORY.replica(FACTORY.of("a"), number)

    @pytest.mark.feature("SRZ-31")
    def test_query_text_is_sent_as_it_is(self) -> None:
        """The receiver gets the text and parses it."""
        decoded = FACTORY.decode(FACTORY.query("select * from Book").encode())
        assert decoded.query == L8Query(text="select * from Book")
        assert len(decoded) == 0

    @pytest.mark.feature("SRZ-32")
    def test_empty_query(self) -> None:
        """A query without a text is refused where it is made."""
        with pytest.raises(InvalidInputError, match="a query needs a text"):
            FACTORY.query(" ")

    @pytest.mark.feature("SRZ-32")
    def test_empty_query_of_a_peer(self) -> None:
        """Go nodes send an empty query as an item: it is told from a query and from none."""
        sent = FACTORY.of(L8Query())
        received = FACTORY.decode(sent.encode())
        assert received.query is None
        assert received.values == (L8Query(),)

    @pytest.mark.feature("SRZ-37")
    @pytest.mark.parametrize(
        ("elements", "is_filter"),
        [
            (FACTORY.of(Book("1")), True),
            (FACTORY.of(None, Book("1")), True),
            (FACTORY.of(), False),
            (FACTORY.of(None), False),
            (FACTORY.query("select * from Book"), False),
            (FACTORY.error("boom"), False),
        ],
    )
    def test_request_by_example(self, elements: Elements, is_filter: bool) -> None:
        """Items without a query are an example to search by; nothing is no example."""
        assert elements.is_filter is is_filter
        assert FACTORY.decode(elements.encode()).is_filter is is_filter

    @pytest.mark.feature("SRZ-26")
    @pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
    def test_a_byte_string_is_one_value(self, data: object) -> None:
        """Bytes are not taken apart."""
        assert FACTORY.decode(FACTORY.of(data).encode()).values == (b"abc",)

    @pytest.mark.feature("SRZ-27")
    def test_an_error_beside_values(self) -> None:
        """An error that comes with values is kept with its entry."""
        elements = FACTORY.entries([Element("test data", error="bad"), Element("second", "key")])
        received = FACTORY.decode(elements.encode())
        assert (received.error, received.values) == ("bad", ("test data", "second"))
        assert [entry.key for entry in received] == [None, "key"]

    @pytest.mark.feature("SRZ-36")
    def test_replica_of_a_container_of_somebody_else(self) -> None:
        """Any container of the protocol can be addressed to a replica."""

        class Other:
            """A container of another implementation."""

            query = None
            metadata = counters(3)
            notification = True

            def __iter__(self) -> Iterator[Element]:
                return iter((Element("a", 1),))

        replica = FACTORY.replica(cast("AnyElements", Other()), 5)
        assert (replica.values, replica.replica, replica.notification) == (("a",), 5, True)
        assert replica.metadata == counters(3)

    def test_native_models(self) -> None:
        """Containers carry dataclasses like anything else."""
        elements = FACTORY.of(Book("1", "Dune"), Book("2"))
        assert FACTORY.decode(elements.encode()).values == (Book("1", "Dune"), Book("2"))
        with pytest.raises(EncodeError, match="cannot encode entry 1: Book is no protobuf message"):
            GO.of(None, Book("1")).encode()

    @pytest.mark.feature("SRZ-28")
    def test_functions_are_refused(self) -> None:
        """A function is no value; the error names the entry."""
        with pytest.raises(EncodeError, match="cannot encode entry 1: a function has no kind"):
            FACTORY.of("a", lambda: None).encode()

    def test_key_that_cannot_be_written(self) -> None:
        """The error tells the key of an entry from its value."""
        with pytest.raises(EncodeError, match="cannot encode key of entry 0: a set"):
            FACTORY.entries([Element("a", {1})]).encode()


class TestPages:
    """Results with counters."""

    @pytest.mark.feature("SRZ-33")
    def test_round_trip(self) -> None:
        """A page comes back with its items and counters."""
        page = FACTORY.decode(
            FACTORY.page(Page([Item(myString="a")], counters(7))).encode()
        ).to_page()
        assert list(page.items) == [Item(myString="a")]
        assert page.total == 7

    @pytest.mark.feature("SRZ-34")
    def test_items_are_counted_without_counters(self) -> None:
        """A page without counters tells the number of its items."""
        assert FACTORY.page(Page(["a", "b"])).metadata == counters(2)
        assert FACTORY.of("a", "b").to_page().total == 2

    def test_encoding_does_not_change_the_container(self) -> None:
        """The counters of the wire form are not kept."""
        elements = FACTORY.of("a")
        elements.encode()
        assert elements.metadata is None

    def test_one_empty_entry_is_an_empty_page(self) -> None:
        """Go nodes answer with one empty entry when they found nothing."""
        elements = FACTORY.decode(FACTORY.of(None).encode())
        assert len(elements) == 1
        assert list(elements.to_page().items) == []
        assert elements.to_page().total == 0

    def test_empty_page_for_go(self) -> None:
        """In a Go network an empty page is written in that way, with a total of nothing."""
        elements = GO.page(Page())
        assert elements.values == (None,)
        assert elements.metadata == counters(0)
        assert GO.decode(elements.encode()).to_page().total == 0
        assert len(FACTORY.page(Page())) == 0

    def test_absent_values_are_left_out(self) -> None:
        """Entries that only tell an error are no items."""
        elements = FACTORY.entries([Element("a", 0), Element(None, 1, "bad")])
        assert list(elements.to_page().items) == ["a"]


class TestDecoding:
    """What is accepted and refused on input."""

    def test_missing_tail(self) -> None:
        """Older nodes write no metadata or no query."""
        data = bytes.fromhex("00000002 0000000000000001" + A + NIL + NO_ERROR)
        assert FACTORY.decode(data) == FACTORY.of("a")
        data += bytes.fromhex(TOTAL_7)
        assert FACTORY.decode(data).metadata == counters(7)

    def test_other_tail(self, caplog: pytest.LogCaptureFixture) -> None:
        """Other values in the place of metadata and query are ignored, which is logged."""
        caplog.set_level("DEBUG")
        head = bytes.fromhex("00000002 0000000000000000")
        assert FACTORY.decode(head + bytes.fromhex(A + B) + b"garbage") == FACTORY.of()
        assert "a str instead of L8MetaData was ignored" in caplog.text

    @pytest.mark.feature("SRZ-44")
    def test_a_container_of_the_java_port(self) -> None:
        """It counts in 32 bits, which no other node can read: refused with the place."""
        data = bytes.fromhex("00000005 00000001" + A + NIL + NO_ERROR)
        with pytest.raises(DecodeError, match="no count of entries at byte 0") as caught:
            FACTORY.decode(data)
        assert caught.value.offset == 0

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ("", "no count of entries at byte 0"),
            ("00000005 00000000", "no count of entries"),
            ("00000002 7fffffffffffffff", "9223372036854775807 entries where 0 bytes are left"),
            ("00000002 ffffffffffffffff", "-1 entries where 0 bytes are left"),
            ("00000002 0000000000000001" + NIL + NIL, "1 entries where 16 bytes are left"),
            ("00000002 0000000000000001" + A + NIL + NIL, "a NoneType instead of an error text"),
            ("00000002 0000000000000000 000000", "the data end inside a value"),
        ],
    )
    def test_malformed(self, data: str, words: str) -> None:
        """Bytes that are no container are an error that tells the place."""
        with pytest.raises(DecodeError, match=words):
            FACTORY.decode(bytes.fromhex(data))


@pytest.mark.feature("SRZ-39")
@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Element,
            value=st.none() | st.text() | st.integers(-(2**63), 2**63 - 1),
            key=st.none() | st.text() | st.booleans(),
            error=st.text(),
        )
    ),
    st.none() | st.builds(L8Query, text=st.text(), limit=st.integers(0, 100)),
    st.none() | st.integers(0, 1000).map(counters) | st.just(L8MetaData()),
)
def test_round_trip(
    entries: list[Element], query: L8Query | None, metadata: L8MetaData | None
) -> None:
    """Entries, query and metadata of any container come back, and encode to the same bytes."""
    elements = Elements(ObjectCodec(registry()), tuple(entries), query, metadata)
    decoded = FACTORY.decode(elements.encode())
    assert decoded.entries == elements.entries
    assert decoded.query == query
    assert decoded.metadata == (counters(len(entries)) if metadata is None else metadata)
    assert decoded.encode() == elements.encode()


@settings(deadline=None)
@given(
    st.none() | st.binary() | st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans(),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=3),
    st.integers(0, 200),
)
def test_usual_containers_are_read_like_all(
    value: object, changes: list[tuple[int, int]], cut: int
) -> None:
    """The quick reading of one value gives what the reading of any container gives.

    Also for damaged containers: the same values, or the same error.
    """
    data = bytearray(FACTORY.of(value).encode())
    for place, byte in changes:
        data[place % len(data)] = byte
    damaged = bytes(data[: len(data) - cut] if cut < len(data) // 2 else data)
    # A view is read the long way.
    assert _read(damaged) == _read(memoryview(damaged))


def _read(data: bytes | memoryview) -> object:
    """The container, or the error of reading it."""
    try:
        return FACTORY.decode(data)
    except DecodeError as error:
        return str(error), error.offset
