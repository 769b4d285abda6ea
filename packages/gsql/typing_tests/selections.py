# SPDX-License-Identifier: Apache-2.0
"""What the type checker makes of queries put together in Python; never run.

A bad use carries the error that it has to give. Should the error disappear one day, the checker
complains about the comment that is not needed any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from tests.models import Device, Port

from gsql import all_of, any_of, each, every, not_, on, select, some
from l8types.pb import tests_pb2

if TYPE_CHECKING:
    from gsql import Selection


class Book(msgspec.Struct):
    """A model of the third make."""

    isbn: str
    price: float = 0.0
    note: str | None = None


def dear(book: Book) -> bool:
    """A condition with a name: holds of books as well as in queries."""
    return book.price > 20


# Good uses.

BOOKS: Selection[Book] = (
    select(Book)
    .columns(lambda book: book.isbn, lambda book: book.price)
    .where(dear)
    .where(lambda book: (book.price < 99) | not_(on(book.note).like("a%")))
    .where(lambda book: on(book.price).one_of([1, 2.5]) & on(book.price).between(1, 9))
    .where(lambda book: on(book.note).is_null() & on(book.note).is_nil())
    .sort_by(lambda book: book.price, descending=True)
    .limit(10, page=2)
)
DEVICES: Selection[Device] = (
    select(Device)
    .where(lambda device: some(device.main).name == "eth0")
    .where(lambda device: some(some(device.main).speed) > 5)
    .where(lambda device: each(device.ports).name == "eth0")
    .where(lambda device: every(device.slots).name != "eth0")
    .where(lambda device: (device.tags["room"] == "x") & (device.ports[0].name == "lo"))
    .where(lambda device: any_of(device.ports, lambda port: port.name == "eth0"))
    .where(lambda device: all_of(device.slots, lambda port: port.name == "eth0"))
)
MESSAGES: Selection[tests_pb2.TestProto] = (
    select(tests_pb2.TestProto)
    .where(lambda item: (item.myString == "x") & (item.mySingle.myInt64 > 5))
    .where(lambda item: each(item.myStringSlice) == "a")
    .where(lambda item: any_of(item.MyString2ModelMap, lambda sub: sub.myInt64 > 1))
)
TOTALS = (
    select(Device)
    .group_by(lambda device: device.vendor)
    .count()
    .avg(lambda device: device.cost_eur, alias="mean")
    .having(lambda results: (results.number("count") > 1) & (results.text("vendor") != "x"))
)

# Attributes that do not exist.

select(Book).where(lambda book: book.prise < 20)  # type: ignore[attr-defined]
select(Book).sort_by(lambda book: book.prise)  # type: ignore[attr-defined]
select(tests_pb2.TestProto).where(lambda item: item.myStrin == "x")  # type: ignore[attr-defined]
select(Device).where(
    lambda device: any_of(device.ports, lambda port: port.vendor == "x")  # type: ignore[attr-defined]
)

# Values of the wrong kind.

select(Book).where(lambda book: book.price < "20")  # type: ignore[operator]
select(Book).where(lambda book: book.isbn == 5)  # type: ignore[comparison-overlap]
select(Book).where(lambda book: on(book.price).one_of(["x"]))  # type: ignore[list-item]
select(Book).where(lambda book: on(book.price).between(1, "x"))  # type: ignore[arg-type]
select(Book).where(lambda book: on(book.price).like("x%"))  # type: ignore[misc]
select(tests_pb2.TestProto).where(lambda item: item.myInt32 > "x")  # type: ignore[operator]

# Absence that was not thought of.

select(Device).where(lambda device: device.main.name == "eth0")  # type: ignore[union-attr]
select(Device).where(lambda device: some(device.main).speed > 5)  # type: ignore[operator]

# What is no condition, or one about another model.

select(Book).where(lambda book: book.price)  # type: ignore[arg-type,return-value]
select(Device).where(dear)  # type: ignore[arg-type]
select(Device).where(lambda device: each(device.count) == 1)  # type: ignore[call-overload]
select(Device).where(lambda device: device.ports.name == "eth0")  # type: ignore[attr-defined]
PORTS: Selection[Port] = select(Device)  # type: ignore[arg-type]
