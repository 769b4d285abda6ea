# SPDX-License-Identifier: Apache-2.0
"""Types with serializers of their own."""

import pytest

from l8srlz import BinarySerializer, JsonSerializer, SerializerByType, TextForm
from l8types.enums import SerializerMode
from l8types.errors import DecodeError, EncodeError, InvalidInputError

from .fakes import Author, Book, FakeRegistry, Item, SubItem


def read_item(text: str) -> Item:
    """An item of the form ``text/number``."""
    name, _, number = text.partition("/")
    return Item(myString=name, myInt32=int(number))


def write_item(item: Item) -> str:
    """The form ``text/number``."""
    if not item.myString:
        raise ValueError("it has no name")
    return f"{item.myString}/{item.myInt32}"


FORM = TextForm(Item, write=write_item, read=read_item)


@pytest.mark.feature("SRZ-42")
def test_a_type_has_a_text_form() -> None:
    """An instance is written as the text of its type, and made of it."""
    texts = SerializerByType(SerializerMode.STRING)
    texts.register(Item, FORM)
    item = Item(myString="ready", myInt32=3)
    assert texts.marshal(item) == b"ready/3"
    assert texts.unmarshal(b"ready/3", Item) == item


@pytest.mark.feature("SRZ-42")
def test_a_text_that_is_none() -> None:
    """Texts and instances that do not fit are refused with the type's own reason."""
    with pytest.raises(DecodeError, match="no TestProto: invalid literal"):
        FORM.unmarshal(b"ready/x", Item)
    with pytest.raises(DecodeError, match=r"no TestProto: .*utf-8"):
        FORM.unmarshal(b"\xff", Item)
    with pytest.raises(DecodeError, match="a text of TestProto is no TestProtoSub"):
        FORM.unmarshal(b"ready/3", SubItem)
    with pytest.raises(EncodeError, match="this TestProto has no text: it has no name"):
        FORM.marshal(Item())
    with pytest.raises(EncodeError, match="a Book is no TestProto"):
        FORM.marshal(Book("1"))


@pytest.mark.feature("SRZ-42")
def test_a_type_without_a_form() -> None:
    """A type that was given no form is refused, and the error says what to do."""
    texts = SerializerByType(SerializerMode.STRING)
    assert texts.of(Item) is None
    with pytest.raises(EncodeError, match="TestProto has no form as STRING; register"):
        texts.marshal(Item())
    with pytest.raises(DecodeError, match="TestProto has no form as STRING; register"):
        texts.unmarshal(b"x", Item)


class Initials:
    """A form of authors of its own, in JSON."""

    mode = SerializerMode.JSON

    def marshal(self, value: object) -> bytes:
        """The name alone."""
        assert isinstance(value, Author)
        return f'"{value.name}"'.encode()

    def unmarshal(self, data: bytes, model: type) -> Author:
        """An author of a name."""
        return Author(data.decode().strip('"'))


@pytest.mark.feature("SRZ-43")
def test_one_serializer_for_each_mode() -> None:
    """A type has its own serializer in one mode and the usual one in the others."""
    json = SerializerByType(SerializerMode.JSON, JsonSerializer())
    binary = SerializerByType(SerializerMode.BINARY, BinarySerializer())
    json.register(Author, Initials())  # type: ignore[arg-type]
    assert json.marshal(Author("Herbert")) == b'"Herbert"'
    assert json.unmarshal(b'"Herbert"', Author) == Author("Herbert")
    assert json.marshal(SubItem(myString="a")) == JsonSerializer().marshal(SubItem(myString="a"))
    data = binary.marshal(Author("Herbert"))
    assert data == BinarySerializer().marshal(Author("Herbert"))
    assert binary.unmarshal(data, Author) == Author("Herbert")
    assert json.mode is SerializerMode.JSON
    with pytest.raises(InvalidInputError, match="for JSON cannot be that of Author for BINARY"):
        binary.register(Author, Initials())  # type: ignore[arg-type]


@pytest.mark.feature("SRZ-43")
def test_registering_a_type_again_keeps_its_serializers() -> None:
    """Serializers belong to the class, whatever happens to its registration."""
    texts = SerializerByType(SerializerMode.STRING)
    texts.register(Item, FORM)
    types = FakeRegistry(Item)
    types.unregister("TestProto")
    types.register(Item)
    model = types.info("TestProto").model
    assert texts.of(model) is FORM
    other = TextForm(Item, write=lambda _: "x", read=lambda _: Item())
    texts.register(model, other)
    assert texts.marshal(Item()) == b"x"
