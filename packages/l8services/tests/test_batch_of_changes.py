# SPDX-License-Identifier: Apache-2.0
"""Many changes as one message: what goes in comes out, damage is seen, the effect is the same."""

from __future__ import annotations

import dataclasses
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8services import Tuning
from l8services._packer import Packer
from l8services._replica import Replica
from l8services._versions import ORIGIN, Stamp
from l8types.enums import Action, DecoratorType, NotificationType
from l8types.errors import DecodeError, EncodeError, L8Error
from l8types.frozen import replace
from l8types.pb import L8NotificationSet
from l8types.values import DELETED, Change, ChangeSet, ItemChange, ServiceKey

from .agreeing import QUICK, agreed, pair
from .data import FakeCache, FakeNotifications, fake_parts
from .model import Book, FakeIntrospector, Note
from .network import FakeNetwork, packer_of
from .virtual import run, until

if TYPE_CHECKING:
    from l8services._batch import Row

    from .data import FakeElements
    from .network import FakeNode

SOURCE = "a" * 36


def packer(model: type = Book) -> Packer:
    """What makes batches of changes of a model."""
    return packer_of(model)


# ----------------------------------------------------------------------------------- encoding

keys = st.text(min_size=1, max_size=5)
stamps = st.builds(Stamp, st.integers(1, 2**40), st.sampled_from([SOURCE, "b" * 36]))
bases = st.one_of(st.just(ORIGIN), stamps)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.just([]),
    st.just({}),
    st.lists(st.integers(-5, 5), min_size=3),
)


@st.composite
def changes(draw: st.DrawFn, sequence: int) -> ItemChange:
    """Any change of a book."""
    key = draw(keys)
    kind = draw(st.sampled_from([kind for kind in NotificationType if 0 < kind < 5]))
    item, parts = None, None
    if kind is NotificationType.POST:
        item = Book(key, draw(st.text()), stock=draw(st.integers(-9, 9)))
    elif kind in (NotificationType.PUT, NotificationType.PATCH):
        root = draw(st.sampled_from([f"book<{{24}}{key}>", "book<{24}1::2>", f"book<{key}{key}>"]))
        places = draw(st.lists(st.sampled_from(["title", "stock", "more<1>.x"]), min_size=1))
        parts = ChangeSet(
            "Book",
            key,
            tuple(
                Change(f"{root}.{place}", draw(plain), draw(st.one_of(plain, st.just(DELETED))))
                for place in places
            ),
        )
    return ItemChange(kind, "Book", key, item, parts, SOURCE, sequence)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Changes that follow each other, with versions and bases."""
    first = draw(st.integers(1, 10**9))
    return [
        packer().row(draw(changes(first + at)), draw(stamps), draw(bases))
        for at in range(draw(st.integers(1, 6)))
    ]


@given(rows())
def test_what_is_packed_is_unpacked(sent: list[Row]) -> None:
    """Changes, versions, bases and numbers come out as they went in."""
    batch = packer().unpack(packer().pack(sent))
    assert (batch.source, batch.first, len(batch)) == (SOURCE, sent[0].change.sequence, len(sent))
    assert batch.changes == [row.change for row in sent]
    assert batch.keys == [row.change.key for row in sent]
    assert batch.stamps == [Stamp(row.stamp.time, SOURCE) for row in sent]
    deletion = NotificationType.DELETE
    assert batch.bases == [None if row.change.type is deletion else tuple(row.base) for row in sent]


@given(rows(), st.data())
def test_damage_is_told(sent: list[Row], data: st.DataObject) -> None:
    """A batch with a wrong byte, cut short or grown is refused as a whole."""
    good = packer().pack(sent)
    at = data.draw(st.integers(0, len(good) - 1))
    flipped = bytearray(good)
    flipped[at] ^= data.draw(st.integers(1, 255))
    for bad in (bytes(flipped), good[:at], good + b"\x00"):
        with pytest.raises(DecodeError):
            packer().unpack(bad)


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.text(max_size=3), st.binary()),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(anything, min_size=11, max_size=13), st.data())
def test_nonsense_with_a_good_checksum_is_told(columns: list[Any], data: st.DataObject) -> None:
    """Whatever is in the frame, there is a batch or a clear error, and never another exception."""
    row = packer().row(ItemChange(NotificationType.DELETE, "Book", "1"), Stamp(1, "a"), ORIGIN)
    good = cast("list[Any]", msgspec.msgpack.decode(packer().pack([row])[7:]))
    for at in data.draw(st.sets(st.integers(0, 11))):
        good[at] = columns[at % len(columns)]
    body = msgspec.msgpack.encode(good)
    try:
        packer().unpack(b"L8\x01" + zlib.crc32(body).to_bytes(4, "big") + body)
    except DecodeError as error:
        assert error.message  # noqa: PT017 - a batch is as good


def test_one_value_that_cannot_be_read_spoils_no_other_change() -> None:
    """In place of a change that is not understood stands the reason."""
    made = [
        packer().row(
            ItemChange(NotificationType.POST, "Book", key, Book(key), None, SOURCE, at),
            Stamp(at, SOURCE),
            ORIGIN,
        )
        for at, key in enumerate("123", 1)
    ]
    made[1] = replace(made[1], body=msgspec.msgpack.encode(b"no item"))
    batch = packer().unpack(packer().pack(made))
    assert [type(change) for change in batch.changes] == [ItemChange, DecodeError, ItemChange]
    assert batch.bases[1] is None


class Strange:
    """A value that MessagePack does not know."""


@dataclass
class Odd:
    """A model that only the codec can write and read."""

    id: str = ""
    part: Strange | None = None


@dataclass
class Usual:
    """A model that MessagePack knows; its instances may hold anything all the same."""

    id: str = ""
    part: Any = None


class OwnCodec:
    """Bytes that stand for the values that were written."""

    def __init__(self) -> None:
        self.written: list[object] = []

    def encode(self, value: object, *, kind: object = None) -> bytes:
        self.written.append(value)
        return b"%d" % (len(self.written) - 1)

    def decode(self, data: bytes) -> object:
        return self.written[int(data)]


@pytest.mark.parametrize(
    ("items", "coded"),
    [
        ([Odd("1"), Odd("2", Strange())], 2),
        ([Usual("1"), Usual("2", Strange()), Usual("3", 5)], 1),
        ([Usual("1"), Usual("2", "x")], 0),
    ],
)
def test_items_that_messagepack_does_not_know_go_through_the_codec(
    items: list[Odd | Usual], coded: int
) -> None:
    """Which way an item travels is decided item by item; all arrive in their order."""
    model, codec = type(items[0]), OwnCodec()
    made = Packer(
        model, model.__name__, codec=cast("Any", codec), properties=cast("Any", FakeIntrospector())
    )
    sent = [
        made.row(
            ItemChange(NotificationType.POST, model.__name__, item.id, item, None, SOURCE, at),
            Stamp(at, SOURCE),
            ORIGIN,
        )
        for at, item in enumerate(items, 1)
    ]
    batch = made.unpack(made.pack(sent))
    assert [cast("ItemChange", change).item for change in batch.changes] == items
    assert len(codec.written) == coded


def test_what_cannot_be_told_is_refused_by_name() -> None:
    """A number of more than 64 bits and a key that is no UTF-8 are errors of the writer."""
    large = ChangeSet("Book", "1", (Change("book<1>.stock", 0, 2**64),))
    with pytest.raises(EncodeError, match=r"book<1>\.stock: 18446744073709551616 does not fit"):
        packer().row(
            ItemChange(NotificationType.PATCH, "Book", "1", None, large), Stamp(1, "a"), ORIGIN
        )
    with pytest.raises(EncodeError, match="surrogates"):
        packer().row(ItemChange(NotificationType.DELETE, "Book", "\ud800"), Stamp(1, "a"), ORIGIN)


def test_changes_of_another_model_are_refused() -> None:
    """A batch for another cache is an error that names both models."""
    row = packer(Note).row(ItemChange(NotificationType.DELETE, "Note", "1"), Stamp(1, "a"), ORIGIN)
    with pytest.raises(DecodeError, match="'Note' for a cache of 'Book'"):
        packer().unpack(packer(Note).pack([row]))


# ----------------------------------------------------------------------------------- effect


class Stopped:
    """A clock that stands still."""

    def now(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return 1.0


def replica(uuid: str) -> Replica:
    """A replica with a cache of its own."""
    introspector, updater, _ = fake_parts()
    introspector.decorate(Book, DecoratorType.PRIMARY, "isbn")
    introspector.decorate(Book, DecoratorType.UNIQUE, "code")
    return Replica(
        cast("Any", FakeCache(Book, introspector, updater)),
        ServiceKey("Books"),
        uuid,
        codec=FakeNotifications(),
        clock=Stopped(),
        tuning=Tuning(),
        on_contested=lambda _: None,
        packer=packer(),
    )


def take_alone(target: Replica, sent: list[Row]) -> None:
    """Deliver changes one by one."""
    for row in sent:
        message = target.message([row])
        assert isinstance(message, L8NotificationSet)
        try:
            target.receive(message)
        except L8Error:
            continue


def state(one: Replica) -> tuple[object, ...]:
    """All that a delivery may change."""
    return (
        dict(one.cache.items()),
        {key: one.versions.current(key) for key in "123"},
        one.versions.removed,
        one.seen(),
        one.tracker.gap("a"),
        one.tracker.gap("b"),
        one.knowledge.times(),
        [one.planner.due(10**9) for _ in range(3)],
        one.replaced,
        one.digests.sums(),
    )


writes = st.tuples(
    st.sampled_from("ab"),
    st.sampled_from([Action.POST, Action.PUT, Action.PATCH, Action.PATCH, Action.DELETE]),
    st.sampled_from("123"),
    st.integers(0, 3),
    st.sampled_from(["", "x", "y"]),
)


@settings(max_examples=150)
@given(st.lists(writes, max_size=14), st.data())
def test_a_batch_has_the_effect_of_its_changes_one_by_one(
    made: list[tuple[str, Action, str, int, str]], data: st.DataObject
) -> None:
    """Whatever two writers do, and whatever is lost, late or repeated: the same state results."""
    writers = {uuid: replica(uuid) for uuid in "ab"}
    for uuid, action, key, stock, code in made:
        try:
            writers[uuid].commit(action, Book(key, stock=stock, code=code))
        except L8Error:
            continue
        if data.draw(st.booleans()):
            other = writers["b" if uuid == "a" else "a"]
            take_alone(other, cast("list[Row]", list(writers[uuid].outbox)[-1:]))
    together, alone = replica("c"), replica("c")
    pieces: list[list[Row]] = []
    for writer in writers.values():
        left = cast("list[Row]", list(writer.outbox))
        while left:
            size = data.draw(st.integers(1, len(left)))
            pieces.append(left[:size])
            del left[:size]
    for piece in data.draw(st.permutations(pieces)):
        if not data.draw(st.integers(0, 5)):
            continue
        for _ in range(data.draw(st.integers(1, 2))):
            together.receive_all(together.unpack(packer().pack(piece)))
            take_alone(alone, piece)
    assert state(together) == state(alone)


# ----------------------------------------------------------------------------------- between nodes


async def told(node: FakeNode, source: FakeNode, data: bytes) -> FakeElements:
    """Let a batch arrive at a node; the answer."""
    message = node.message(Action.NOTIFY, source=source.uuid)
    answer = await node.services.handle(node.resources.elements.of(data), message, node.nic)
    return cast("FakeElements", answer)


def test_damaged_changes_are_fetched() -> None:
    """Changes that arrive as nonsense are logged and fetched from their source at once."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=dataclasses.replace(QUICK, beacon_interval=1000.0)) as net:
            a, b = await pair(net)
            net.lose = lambda sent: sent.target == b.uuid and sent.action is Action.NOTIFY
            net.sent.clear()
            await a.do(Action.POST, Book("1"), Book("2"))
            await until(net.changes, "they are lost")
            net.lose = lambda _: False
            (data,) = net.changes()[0].elements.values
            assert isinstance(data, bytes)
            await told(b, a, data[:-1] + b"\xff")
            await agreed(a, b)
            assert len(b.books()) == 2

    run(scenario())


def test_a_batch_in_the_name_of_another_is_refused() -> None:
    """Changes come from their own instance only, many as well as one."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=QUICK) as net:
            a, b = await pair(net)
            made = [
                packer().row(
                    ItemChange(NotificationType.POST, "Book", "1", Book("1"), None, "z" * 36, 1),
                    Stamp(1, "z" * 36),
                    ORIGIN,
                )
            ]
            answer = await told(b, a, packer().pack(made))
            assert "as if it were" in answer.error
            assert b.books() == {}

    run(scenario())
