# SPDX-License-Identifier: Apache-2.0
"""The kind for dataclasses and structs, which only our own networks know."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from l8srlz import NATIVE_MODEL, Float32, Int32, ObjectCodec
from l8types.errors import DecodeError, EncodeError

from .fakes import Author, Book, FakeRegistry, Shelf, registry
from .vectors import counters

CODEC = ObjectCodec(registry())


@dataclass
class Everything:
    """Attributes of many types."""

    when: datetime
    id: UUID
    amount: Decimal
    small: Int32
    ratio: Float32
    tags: set[str] = field(default_factory=set)
    anything: object = None


@dataclass
class OldBook:
    """The same name on the wire as a newer model with more attributes."""

    isbn: str


@dataclass
class Strict:
    """A model that refuses some values."""

    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("number below zero")


@dataclass
class Odd:
    """A model with an attribute that has no form on the wire."""

    value: complex = 1j


def test_layout() -> None:
    """Kind, length of the payload, length of the name, name, payload."""
    payload = msgspec.msgpack.encode({"name": "Herbert"})
    data = CODEC.encode(Author("Herbert"))
    assert data == (
        NATIVE_MODEL.to_bytes(4, "big")
        + len(payload).to_bytes(4, "big")
        + (6).to_bytes(4, "big")
        + b"Author"
        + payload
    )


@pytest.mark.parametrize(
    "value",
    [
        Author(),
        Book("1", "Dune", 9.5, [Author("Herbert")], counters(3)),
        Shelf(1, {"a": Book("1")}),
        [Book("1"), None, Author("x")],
        {"a": Shelf(2)},
    ],
)
def test_round_trip(value: object) -> None:
    """Models come back as they were, alone and in lists and maps, with messages in them."""
    assert CODEC.decode(CODEC.encode(value)) == value


def test_types_of_attributes() -> None:
    """Times, decimals, sets and numbers of a width are as good as texts."""
    codec = ObjectCodec(FakeRegistry(Everything))
    value = Everything(
        datetime(2026, 1, 2, tzinfo=UTC),
        UUID(int=5),
        Decimal("1.50"),
        Int32(7),
        Float32(0.5),
        {"a", "b"},
        [1, {"k": None}],
    )
    decoded = codec.decode(codec.encode(value))
    assert decoded == value
    assert isinstance(decoded, Everything)
    assert (type(decoded.small), type(decoded.ratio)) == (Int32, Float32)


def test_models_may_grow() -> None:
    """An older node ignores what it does not know, a newer one takes the defaults."""
    old, new = FakeRegistry(), FakeRegistry()
    old.register(OldBook, name="Book")
    new.register(Book)
    assert ObjectCodec(old).decode(ObjectCodec(new).encode(Book("1", "Dune"))) == OldBook("1")
    assert ObjectCodec(new).decode(ObjectCodec(old).encode(OldBook("1"))) == Book("1")


def test_unregistered_model() -> None:
    """A model that nobody has registered cannot travel; the error says what to do."""
    with pytest.raises(EncodeError, match="type Strict is not registered; register it on every"):
        CODEC.encode(Strict(1))


def test_attribute_without_a_form() -> None:
    """The error names the model, the attribute and the type."""
    codec = ObjectCodec(FakeRegistry(Odd))
    with pytest.raises(EncodeError, match=r"value\[0\] \(Odd\)\.value: a complex cannot be"):
        codec.encode([Odd()])


def test_model_refuses() -> None:
    """What the constructor refuses is a decoding error."""
    codec = ObjectCodec(FakeRegistry(Strict))
    value = Strict(1)
    value.number = -1
    with pytest.raises(DecodeError, match="no Strict: number below zero"):
        codec.decode(codec.encode(value))


def test_model_that_cannot_be_read() -> None:
    """A model whose attributes have no meaning at run time is a decoding error."""

    @dataclass
    class Local:
        value: "Nowhere"  # type: ignore[name-defined] # noqa: F821 - that is the point

    codec = ObjectCodec(FakeRegistry(Local))
    with pytest.raises(DecodeError, match="the attributes of Local cannot be read"):
        codec.decode(codec.encode(Local(1)))


def test_message_in_a_model_that_is_none() -> None:
    """Broken bytes of a message within a model are a decoding error with the place."""
    name, payload = b"Book", msgspec.msgpack.encode({"isbn": "1", "counters": b"\xff"})
    head = b"".join(n.to_bytes(4, "big") for n in (NATIVE_MODEL, len(payload), len(name)))
    with pytest.raises(DecodeError, match=r"no Book: no L8MetaData.*counters"):
        CODEC.decode(head + name + payload)
