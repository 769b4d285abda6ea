# SPDX-License-Identifier: Apache-2.0
"""Item changes as messages and back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.constants import DELETED_TEXT
from l8types.enums import Kind, NotificationType, WireProfile
from l8types.errors import DecodeError, EncodeError
from l8types.pb import L8NotificationSet
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.settings import NodeSettings
from l8types.values import DELETED, Change, ChangeSet, ItemChange
from l8utils import ObjectNotificationCodec, create_notification_codec

from .fakes import NODE, Book, FakeCodec, cache_of, property_id, resources_of


def codec_of(profile: WireProfile = WireProfile.NATIVE) -> ObjectNotificationCodec:
    """A codec that knows books."""
    resources = resources_of(NodeSettings(uuid=NODE, profile=profile))
    resources.register(Book)
    return create_notification_codec(resources)


def changed(*changes: Change, kind: NotificationType = NotificationType.PATCH) -> ItemChange:
    """A change of the book 1."""
    return ItemChange(
        kind, "Book", "1", changes=ChangeSet("Book", "1", changes), source="p", sequence=3
    )


def sent(change: ItemChange, profile: WireProfile = WireProfile.NATIVE) -> L8NotificationSet:
    """The message of a change."""
    return codec_of(profile).encode(change, service="Books", area=2)


PRICE = Change(property_id("1", "price"), 9.5, 8.0)
CLEARED = Change(property_id("1", "title"), "Dune", None)
ADDED = Change(property_id("1", "tags") + "<{2}0>", None, "new")
REMOVED = Change(property_id("1", "tags") + "<{2}1>", "old", DELETED)


@pytest.mark.feature("NTF-01")
def test_a_new_item_travels_whole() -> None:
    """One entry without property id, whose new value is the item; all about the set is filled."""
    event = cache_of().post(Book("1", "Dune"))
    assert event is not None
    message = sent(event)
    assert (message.source, message.sequence, message.type) == (NODE, 1, 1)
    assert (message.service_name, message.service_area) == ("Books", 2)
    assert (message.model_type, message.model_key, message.time) == ("Book", "1", 0)
    (entry,) = message.notification_list
    assert not entry.property_id
    assert not entry.oldValue
    assert FakeCodec().decode(entry.newValue) == Book("1", "Dune")


@pytest.mark.feature("NTF-01")
def test_a_removed_item_travels_as_old_value() -> None:
    """There is no new value."""
    event = cache_of(Book("1", "Dune")).delete("1")
    assert event is not None
    (entry,) = sent(event).notification_list
    assert FakeCodec().decode(entry.oldValue) == Book("1", "Dune")
    assert not entry.newValue


@pytest.mark.feature("NTF-01")
@pytest.mark.parametrize("kind", [NotificationType.PUT, NotificationType.PATCH])
def test_changes_travel_one_by_one(kind: NotificationType) -> None:
    """Exact kinds of numbers, nothing for what is absent, the marker for removed entries."""
    message = sent(changed(PRICE, CLEARED, REMOVED, kind=kind))
    assert NotificationType(message.type) is kind
    price, cleared, removed = message.notification_list
    assert price.property_id == PRICE.property_id
    assert price.oldValue[0] == price.newValue[0] == Kind.FLOAT32
    assert cleared.newValue == b""
    assert FakeCodec().decode(removed.newValue) == DELETED_TEXT
    assert removed.newValue[0] == 0


@pytest.mark.feature("NTF-01")
@pytest.mark.parametrize(
    "change",
    [
        ItemChange(NotificationType.POST, "Book", "1", item=Book("1"), source="p", sequence=1),
        ItemChange(NotificationType.DELETE, "Book", "1", item=Book("1"), source="p"),
        ItemChange(NotificationType.DELETE, "Book", "1", source="p"),
        changed(PRICE, CLEARED, ADDED, REMOVED),
        changed(PRICE, kind=NotificationType.PUT),
        changed(),
    ],
)
def test_what_was_sent_is_what_arrives(change: ItemChange) -> None:
    """Every kind of change survives the way."""
    assert codec_of().decode(sent(change)) == change


@pytest.mark.feature("NTF-01")
def test_a_cache_follows_another_through_messages() -> None:
    """Writes here become the same items there."""
    here, there, codec = cache_of(), cache_of(), codec_of()

    def forward(event: ItemChange) -> None:
        there.apply(codec.decode(sent(event)))

    here.subscribe(forward)
    here.post(Book("1", "Dune", 9.5))
    here.patch(Book("1", price=8.0, tags=["a"]))
    here.put(Book("1", "Emma"))
    here.post(Book("2"))
    here.delete("2")
    assert dict(there.items()) == {"1": Book("1", "Emma")}


@pytest.mark.parametrize("kind", [NotificationType.PUT, NotificationType.PATCH])
def test_a_go_network_gets_the_whole_item(kind: NotificationType) -> None:
    """A Go node cannot apply every change, but any item; we read it as the item that is now."""
    cache = cache_of(Book("1", "Dune", 9.5))
    event = (cache.put if kind is NotificationType.PUT else cache.patch)(Book("1", "Emma"))
    assert event is not None
    message = sent(event, WireProfile.GO)
    assert NotificationType(message.type) is NotificationType.PUT
    arrived = codec_of().decode(message)
    assert arrived.type is NotificationType.POST
    assert arrived.item == cache.get("1")


def test_changes_without_the_item_travel_as_changes_in_a_go_network_too() -> None:
    """There is nothing better to send."""
    message = sent(changed(PRICE), WireProfile.GO)
    assert NotificationType(message.type) is NotificationType.PATCH


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (ItemChange(NotificationType.POST, "Book", "1"), "POST of Book '1' has no item"),
        (ItemChange(NotificationType.PATCH, "Book", "1"), "PATCH of Book '1' has no item"),
        (changed(Change("book<{24}1>.nothing", 1, 2)), "unknown property 'book<{24}1>.nothing'"),
        (changed(Change(ADDED.property_id, None, DELETED_TEXT)), "stands for a removed entry"),
    ],
)
def test_what_cannot_be_told_is_refused(change: ItemChange, text: str) -> None:
    """Rather than told as something else."""
    with pytest.raises(EncodeError, match=text.replace("{", r"\{")):
        sent(change)


def test_the_marker_is_an_ordinary_text_where_nothing_can_be_removed() -> None:
    """Only entries of lists and maps can."""
    change = changed(Change(property_id("1", "title"), None, DELETED_TEXT))
    assert codec_of().decode(sent(change)) == change


def test_sequence_numbers_wrap_around_in_32_bits() -> None:
    """The message has no room for more."""
    change = ItemChange(NotificationType.DELETE, "Book", "1", sequence=(1 << 32) + 5)
    assert sent(change).sequence == 5


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"type": 0}, "without a type"),
        ({"type": 9}, "unknown type 9"),
        ({"model_type": "Boook"}, "unknown type 'Boook', did you mean 'Book'"),
        ({"type": 3, "model_key": ""}, "names no key"),
        ({"type": 1}, "about a Book carries a NoneType"),
        ({"type": 1, "new": 5}, "about a Book carries a int"),
        ({"type": 4, "old": 5}, "about a Book carries a int"),
        ({"type": 1, "raw": b"\x00junk"}, "not a value"),
    ],
)
def test_a_message_that_makes_no_sense_is_refused(fields: dict[str, object], text: str) -> None:
    """With the one error that the network layer expects."""
    message = L8NotificationSet(model_type="Book", model_key="1", type=L8NotificationType.Post)
    values = {name: fields.pop(name) for name in ("new", "old", "raw") if name in fields}
    for name, value in fields.items():
        setattr(message, name, value)
    if values:
        encode = FakeCodec().encode
        message.notification_list.add(
            newValue=values.get("raw", encode(values.get("new"))),
            oldValue=encode(values.get("old")),
        )
    with pytest.raises(DecodeError, match=text):
        codec_of().decode(message)


def test_an_entry_without_property_among_changes_is_refused() -> None:
    """It cannot be applied to anything."""
    message = sent(changed(PRICE, CLEARED))
    message.notification_list[1].property_id = ""
    with pytest.raises(DecodeError, match="names no property"):
        codec_of().decode(message)


@given(
    st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=9), st.binary(max_size=9))),
    st.sampled_from([1, 2, 3, 4]),
)
def test_any_content_gives_a_change_or_the_error(
    entries: list[tuple[str, bytes, bytes]], kind: int
) -> None:
    """Nothing else comes out of what the network brings."""
    message = L8NotificationSet(model_type="Book", model_key="1", type=kind)  # type: ignore[arg-type]
    for name, old, new in entries:
        message.notification_list.add(property_id=name, oldValue=old, newValue=new)
    with suppress(DecodeError):
        assert codec_of().decode(message).model == "Book"
