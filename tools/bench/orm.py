# SPDX-License-Identifier: Apache-2.0
"""The relational store on SQLite against SQLAlchemy: Core written by hand, and its ORM.

An order has six values and three lines of four values each. All sides use the same driver, file
settings (write-ahead log, every commit on the disk) and table layout. Figures are objects per
second, and pages per second:

- *insert*: 10 000 new orders in one transaction; Core is given the finished rows, so making rows
  of objects counts on our side only;
- *read*: all of them, in the order of their keys;
- *page*: ten of 100 000 orders somewhere in the middle, another ten each time, with the total;
- *page by …*: the same in the order of a declared attribute, or of those with a given customer.
"""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from gsql import QueryFactory
from l8orm import SqlOrmFactory
from l8types.enums import Action, DecoratorType
from reflect import Introspector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy.ext.asyncio import AsyncEngine

    from l8orm import SqlOrm
    from l8types.values import Page

ITEMS: Final = 10_000
"""Orders that are inserted and read."""

MANY: Final = 100_000
"""Orders of which a page is read."""

PAGE: Final = 10
LINES: Final = 3

Work = Callable[[], Awaitable[object]]


@dataclass
class Line:
    """A line of an order."""

    product: str = ""
    count: int = 0
    price: float = 0.0
    gift: bool = False


@dataclass
class Order:
    """An order."""

    id: str = ""
    customer: str = ""
    total: int = 0
    weight: float = 0.0
    paid: bool = False
    note: str | None = None
    lines: list[Line] = field(default_factory=list)


def order(number: int) -> Order:
    """Return the order of a number."""
    return Order(
        f"o{number:06}",
        f"customer {number % 1_000}",
        number,
        number / 3,
        paid=number % 2 == 0,
        note=f"note {number}" if number % 3 else None,
        lines=[
            Line(f"product {number}/{place}", place + 1, number / 7 + place, gift=place == 0)
            for place in range(LINES)
        ],
    )


class _Base(DeclarativeBase):
    """Base of the mapped classes."""


class _Order(_Base):
    """An order as the ORM maps it."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer: Mapped[str]
    total: Mapped[int]
    weight: Mapped[float]
    paid: Mapped[bool]
    note: Mapped[str | None]
    lines: Mapped[list[_Line]] = relationship(order_by="_Line.place")


class _Line(_Base):
    """A line as the ORM maps it."""

    __tablename__ = "lines"
    order_id: Mapped[str] = mapped_column(
        sa.ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str]
    count: Mapped[int]
    price: Mapped[float]
    gift: Mapped[bool]


ORDERS: Final = _Base.metadata.tables["orders"]
LINES_TABLE: Final = _Base.metadata.tables["lines"]


def _order_row(item: Order) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ORDERS.c.keys()}  # noqa: SIM118 - no mapping


def _line_rows(item: Order) -> list[dict[str, Any]]:
    return [
        {"order_id": item.id, "place": place, **vars(line)} for place, line in enumerate(item.lines)
    ]


@asynccontextmanager
async def by_hand(folder: str) -> AsyncIterator[AsyncEngine]:
    """Open a database with the same settings as ours, and make the tables."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/hand.db")

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: object) -> None:  # noqa: ANN401 - any driver
        for text in ("foreign_keys = ON", "synchronous = FULL", "journal_mode = WAL"):
            connection.execute(f"PRAGMA {text}")

    async with engine.begin() as connection:
        await connection.run_sync(_Base.metadata.create_all)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def ours(folder: str, *declared: str) -> AsyncIterator[tuple[SqlOrm, QueryFactory]]:
    """Open our store, with some attributes declared as keys."""
    introspector = Introspector()
    introspector.inspect(Order)
    introspector.decorate(Order, DecoratorType.PRIMARY, "id")
    if declared:
        introspector.decorate(Order, DecoratorType.NON_UNIQUE, *declared)
    store = await SqlOrmFactory(introspector).open(f"sqlite:///{folder}/ours.db")
    await store.prepare(Order)
    yield store, QueryFactory(introspector)
    await store.aclose()


async def _rate(times: float, seconds: float, work: Work, before: Work | None = None) -> float:
    """Return how often per second, by the fastest of several runs; ``before`` is not timed."""
    best, end = float("inf"), time.perf_counter() + seconds
    runs = 0
    while runs < 3 or time.perf_counter() < end:
        if before is not None:
            await before()
        gc.collect()
        started = time.perf_counter()
        await work()
        best = min(best, time.perf_counter() - started)
        runs += 1
    return times / best


def _page_numbers() -> Iterator[int]:
    """Pages around the middle, each another one."""
    return cycle(range(MANY // PAGE // 2, MANY // PAGE // 2 + 500))


async def _core_read(engine: AsyncEngine) -> list[Order]:
    """Read all orders as one writes it by hand."""
    async with engine.connect() as connection:
        orders = await connection.execute(sa.select(ORDERS).order_by(ORDERS.c.id))
        lines = await connection.execute(
            sa.select(LINES_TABLE).order_by(LINES_TABLE.c.order_id, LINES_TABLE.c.place)
        )
        held: dict[str, list[Line]] = {}
        for owner, _, product, count, price, gift in lines:
            held.setdefault(owner, []).append(Line(product, count, price, gift))
        return [
            Order(key, customer, total, weight, paid, note, held.get(key, []))
            for key, customer, total, weight, paid, note in orders
        ]


async def _core_page(engine: AsyncEngine, number: int) -> tuple[int, list[Order]]:
    """Read one page as one writes it by hand."""
    async with engine.connect() as connection:
        count = sa.select(sa.func.count()).select_from(ORDERS)
        total = (await connection.execute(count)).scalar_one()
        page = sa.select(ORDERS).order_by(ORDERS.c.id).limit(PAGE).offset(number * PAGE)
        orders = (await connection.execute(page)).all()
        lines = await connection.execute(
            sa.select(LINES_TABLE)
            .where(LINES_TABLE.c.order_id.in_([each[0] for each in orders]))
            .order_by(LINES_TABLE.c.order_id, LINES_TABLE.c.place)
        )
        held: dict[str, list[Line]] = {}
        for owner, _, product, many, price, gift in lines:
            held.setdefault(owner, []).append(Line(product, many, price, gift))
        return total, [
            Order(key, customer, amount, weight, paid, note, held.get(key, []))
            for key, customer, amount, weight, paid, note in orders
        ]


async def _core(seconds: float, folder: str) -> dict[str, float]:
    items = [order(number) for number in range(ITEMS)]
    orders = [_order_row(item) for item in items]
    lines = [row for item in items for row in _line_rows(item)]
    async with by_hand(folder) as engine:

        async def clear() -> None:
            async with engine.begin() as connection:
                await connection.execute(sa.delete(ORDERS))

        async def insert() -> None:
            async with engine.begin() as connection:
                await connection.execute(sa.insert(ORDERS), orders)
                await connection.execute(sa.insert(LINES_TABLE), lines)

        figures = {"insert": await _rate(ITEMS, seconds, insert, clear)}
        figures["read"] = await _rate(ITEMS, seconds, lambda: _core_read(engine))
        if await _core_read(engine) != items:
            raise RuntimeError("what was read differs from what was written")
        for start in range(ITEMS, MANY, ITEMS):
            more = [order(number) for number in range(start, start + ITEMS)]
            async with engine.begin() as connection:
                await connection.execute(sa.insert(ORDERS), [_order_row(item) for item in more])
                rows = [row for item in more for row in _line_rows(item)]
                await connection.execute(sa.insert(LINES_TABLE), rows)
        numbers = _page_numbers()
        figures["page"] = await _rate(1, seconds, lambda: _core_page(engine, next(numbers)))
    return figures


async def _ours(seconds: float, folder: str) -> dict[str, float]:
    items = [order(number) for number in range(ITEMS)]
    async with ours(folder) as (store, queries):
        everything = queries.parse("select * from Order")
        figures = {
            "insert": await _rate(
                ITEMS,
                seconds,
                lambda: store.write(Action.POST, items),
                lambda: store.delete(everything),
            )
        }
        figures["read"] = await _rate(ITEMS, seconds, lambda: store.read(everything))
        if (await store.read(everything)).items != items:
            raise RuntimeError("what was read differs from what was written")
        for start in range(ITEMS, MANY, ITEMS):
            await store.write(Action.POST, [order(n) for n in range(start, start + ITEMS)])
        numbers = _page_numbers()

        def page() -> Awaitable[Page]:
            text = "select * from Order limit 10 page :number"
            return store.read(queries.parse(text, number=next(numbers)))

        first = next(_page_numbers())
        answer = await page()
        if answer.total != MANY or answer.items[0] != order(first * PAGE):
            raise RuntimeError("the page is not the one that was asked for")
        figures["page"] = await _rate(1, seconds, page)
    return figures


_PAGE: Final = "limit 10 page :number"
SORTED: Final = {
    "page by number": f"select * from Order sort-by total {_PAGE}",
    "page by number, down": f"select * from Order sort-by total descending {_PAGE}",
    "page by text": f"select * from Order sort-by customer {_PAGE}",
    "page by text, down": f"select * from Order sort-by customer descending {_PAGE}",
    "page of a customer": (
        f'select * from Order where customer="customer 7" sort-by total {_PAGE}'
    ),
}
"""Pages that an index on a declared attribute gives."""


async def _declared(seconds: float, folder: str) -> dict[str, float]:
    figures = {}
    async with ours(folder, "total", "customer") as (store, queries):
        for start in range(0, MANY, ITEMS):
            await store.write(Action.POST, [order(n) for n in range(start, start + ITEMS)])
        for name, text in SORTED.items():
            few = "where" in text
            numbers = cycle(range(3, 8)) if few else _page_numbers()

            def page(text: str = text, numbers: Iterator[int] = numbers) -> Awaitable[Page]:
                return store.read(queries.parse(text, number=next(numbers)))

            answer = await page()
            if (answer.total, len(answer.items)) != (MANY // 1_000 if few else MANY, PAGE):
                raise RuntimeError("the page is not the one that was asked for")
            figures[name] = await _rate(1, seconds, page)
    return figures


async def _mapped(seconds: float, folder: str) -> dict[str, float]:
    items = [order(number) for number in range(ITEMS)]
    async with by_hand(folder) as engine:

        async def clear() -> None:
            async with engine.begin() as connection:
                await connection.execute(sa.delete(ORDERS))

        async def insert() -> None:
            async with AsyncSession(engine) as session, session.begin():
                session.add_all(
                    _Order(
                        **_order_row(item),
                        lines=[
                            _Line(place=place, **vars(line))
                            for place, line in enumerate(item.lines)
                        ],
                    )
                    for item in items
                )

        async def read() -> None:
            asked = sa.select(_Order).options(selectinload(_Order.lines)).order_by(_Order.id)
            async with AsyncSession(engine) as session:
                (await session.scalars(asked)).all()

        figures = {"insert": await _rate(ITEMS, seconds, insert, clear)}
        figures["read"] = await _rate(ITEMS, seconds, read)
    return figures


def _in_a_folder(seconds: float, work: Callable[[float, str], Any]) -> dict[str, float]:
    # Not in memory: what is compared is what a service does.
    with tempfile.TemporaryDirectory(prefix="l8bench-", dir=Path(tempfile.gettempdir())) as folder:
        found: dict[str, float] = asyncio.run(work(seconds, folder))
        return found


def measure(seconds: float) -> dict[str, float]:
    """Return our figures."""
    return _in_a_folder(seconds, _ours)


def measure_declared(seconds: float) -> dict[str, float]:
    """Return those of pages in the order of declared attributes."""
    return _in_a_folder(seconds, _declared)


def measure_by_hand(seconds: float) -> dict[str, float]:
    """Return those of SQLAlchemy Core, written by hand for this model."""
    return _in_a_folder(seconds, _core)


def measure_peer(seconds: float) -> dict[str, float]:
    """Return those of the ORM of SQLAlchemy."""
    return _in_a_folder(seconds, _mapped)
