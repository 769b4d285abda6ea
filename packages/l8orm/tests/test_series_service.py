# SPDX-License-Identifier: Apache-2.0
"""Samples through the service of their items."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from l8orm import OrmService, SqlOrmFactory, SqlTimeSeriesFactory, orm_sla
from l8types.criteria import And, Comparison, Criteria, Not, Or, SortKey
from l8types.enums import Action, DecoratorType, NotificationType, Operator
from l8types.errors import (
    DecodeError,
    InvalidInputError,
    PermissionDeniedError,
    PropertyError,
    UnavailableError,
)
from l8types.pb import (
    L8NotificationSet,
    L8Query,
    L8TimeSeriesPoint,
    L8TSDBNotification,
    L8TSDBQuery,
)
from l8types.values import Change, ChangeSet, ItemChange, ServiceKey, TimeSeriesPoint

from .models import Thing
from .network import FakeElements, FakeFactory, FakeNode, active
from .queries import FakeQuery, path
from .series_models import Device, Port, series_introspector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8orm import SqlOrm
    from l8types.protocols.data import Elements
    from l8types.protocols.models import Introspector
    from l8types.protocols.services import TimeSeriesService
    from l8types.protocols.stores import TimeSeriesStore

KEY = ServiceKey("devices", 3)
USAGE = "device<{24}{24}a>.usage"
SINGLE = "device<{24}a>.usage"
"""The same as it is written elsewhere."""


def points(*pairs: tuple[int, float]) -> list[TimeSeriesPoint]:
    """Samples of stamps and values."""
    return [TimeSeriesPoint(stamp, value) for stamp, value in pairs]


@dataclass
class SeriesNode(FakeNode):
    """A node that knows samples: queries by their text, changes by their key."""

    known: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, ItemChange] = field(default_factory=dict)
    registered: list[type] = field(default_factory=list)

    @property
    def resources(self) -> Any:
        def decode(message: L8NotificationSet) -> ItemChange:
            if message.model_key not in self.changes:
                raise DecodeError(f"no change {message.model_key}")
            return self.changes[message.model_key]

        return SimpleNamespace(
            **{
                **vars(super().resources),
                "queries": SimpleNamespace(from_wire=lambda message: self.known[message.text]),
                "notifications": SimpleNamespace(decode=decode),
                "register": lambda *models: self.registered.extend(models),
            }
        )

    async def ask_for(self, criteria: Criteria | None, **facts: Any) -> FakeElements:
        """Ask for samples."""
        root = self.models.inspect(L8TSDBQuery)
        self.known["q"] = FakeQuery(root, criteria, **facts)
        return await self.ask(Action.GET, L8Query(text="q"))

    async def tell(self, *values: object) -> None:
        """Tell of changes on another node."""
        assert self.service is not None
        elements = cast("Elements", FakeFactory().of(*values))
        await self.service.notify(elements, self.call(Action.NOTIFY))


def compare(models: Introspector, name: str, operator: Operator, value: object) -> Comparison:
    """A condition of a query about samples."""
    return Comparison(path(models.inspect(L8TSDBQuery), name), operator, value)


@pytest.fixture
def models() -> Introspector:
    """An introspector that knows models with series."""
    return series_introspector()


@pytest.fixture
async def orm(models: Introspector) -> AsyncIterator[SqlOrm]:
    """An empty store."""
    opened = await SqlOrmFactory(models).open("sqlite://")
    yield opened
    await opened.aclose()


@asynccontextmanager
async def serving(
    models: Introspector, orm: SqlOrm, series: TimeSeriesStore | None = None
) -> AsyncIterator[SeriesNode]:
    """A node that serves devices."""
    sla = replace(orm_sla(KEY, Device, orm), handler=lambda: OrmService(orm, series=series))
    async with active(SeriesNode(models, {}), sla) as running:
        yield cast("SeriesNode", running)


@pytest.fixture
async def node(models: Introspector, orm: SqlOrm) -> AsyncIterator[SeriesNode]:
    """A node that serves devices, one of which has samples."""
    async with serving(models, orm) as running:
        usage = points((1, 1.0), (2, 2.0), (3, 3.0))
        await running.ask(Action.POST, Device("a", usage, ports=[Port("p")]))
        yield running


def stamps(answer: FakeElements) -> list[int]:
    """Stamps of an answer of samples."""
    answer.raise_for_error()
    return [each.stamp for each in answer.values if isinstance(each, L8TimeSeriesPoint)]


@pytest.mark.feature("ORM-35")
async def test_a_query_about_samples_is_answered_by_their_store(
    node: SeriesNode, models: Introspector
) -> None:
    """By property and range, bounds included or not, all or a page; the types are registered."""
    named = compare(models, "propertyid", Operator.EQ, USAGE)
    first = compare(models, "tsdbstart", Operator.GE, 2)
    last = compare(models, "tsdbend", Operator.LE, 2)
    answer = await node.ask_for(And((named, first, last)))
    assert answer.values == [L8TimeSeriesPoint(stamp=2, value=2.0)]
    assert stamps(await node.ask_for(And((named, And((first,)))))) == [2, 3]
    assert stamps(await node.ask_for(named)) == [1, 2, 3]
    after = compare(models, "tsdbstart", Operator.GT, 1)
    before = compare(models, "tsdbend", Operator.LT, 3)
    assert stamps(await node.ask_for(And((after, named, before)))) == [2]
    page = await node.ask_for(named, limit=2, page=1)
    assert (stamps(page), page.to_page().total) == ([3], 3)
    nothing = And((named, compare(models, "tsdbstart", Operator.GE, 9), before))
    assert stamps(await node.ask_for(nothing)) == []
    other = compare(models, "propertyid", Operator.EQ, SINGLE)
    assert stamps(await node.ask_for(other)) == [1, 2, 3]
    assert {L8TSDBQuery, L8TSDBNotification, L8TimeSeriesPoint} <= set(node.registered)


async def test_a_query_that_samples_cannot_answer_is_refused(
    node: SeriesNode, models: Introspector
) -> None:
    """It says why, and what to write instead."""
    named = compare(models, "propertyid", Operator.EQ, USAGE)
    start = compare(models, "tsdbstart", Operator.GE, 2)
    for criteria, why in (
        (None, "0 properties"),
        (And((named, named)), "2 properties"),
        (Or((named, start)), "alternatives"),
        (Not(named), "negation"),
        (And((named, compare(models, "tsdbend", Operator.NE, 2))), "tsdbend by '!='"),
        (compare(models, "propertyid", Operator.LIKE, "device%"), "propertyid by 'like'"),
    ):
        with pytest.raises(InvalidInputError, match=why) as caught:
            (await node.ask_for(criteria)).raise_for_error()
        assert "where propertyId=" in caught.value.message
    sort = (SortKey(path(models.inspect(L8TSDBQuery), "tsdbend")),)
    with pytest.raises(InvalidInputError, match="sort keys"):
        (await node.ask_for(named, sort_keys=sort)).raise_for_error()


@pytest.mark.parametrize(
    "wrong",
    ["device<{24}{24}a>.name", "meter<{24}{24}a>.usage", "device<{24}{24}a>.ports<{2}0>.name"],
)
async def test_what_is_no_series_of_the_model_is_refused(
    node: SeriesNode, models: Introspector, wrong: str
) -> None:
    """Another attribute, another model: by query, as a request and by call."""
    service = cast("TimeSeriesService", node.service)
    answer = await node.ask_for(compare(models, "propertyid", Operator.EQ, wrong))
    with pytest.raises(InvalidInputError, match="no time series of Device"):
        answer.raise_for_error()
    sample = L8TSDBNotification(property_id=wrong, point=L8TimeSeriesPoint(stamp=1))
    with pytest.raises(InvalidInputError, match="no time series of Device"):
        (await node.ask(Action.POST, sample)).raise_for_error()
    with pytest.raises(InvalidInputError, match="no time series of Device"):
        await service.add_points(wrong, points((1, 1.0)))
    with pytest.raises(PropertyError):
        await service.points("nonsense", 0, 1)


@pytest.mark.feature("ORM-36")
async def test_samples_among_changes_are_stored(
    node: SeriesNode, models: Introspector, caplog: pytest.LogCaptureFixture
) -> None:
    """One or many, in either form; other changes and empty ones are nothing to do."""
    nested = "device<{24}{24}a>.ports<{2}0>.load"
    node.changes["a"] = ItemChange(
        NotificationType.PATCH,
        "Device",
        "a",
        changes=ChangeSet(
            "Device",
            "a",
            (
                Change("device<{24}{24}a>.name", "", "new"),
                Change(SINGLE, None, TimeSeriesPoint(4, 4.0)),
                Change(nested, None, [L8TimeSeriesPoint(stamp=5, value=5.0)]),
                Change("device<{24}{24}a>.heat", None, []),
            ),
        ),
    )
    point = L8TimeSeriesPoint(stamp=6, value=6.0)
    for _ in range(2):
        await node.tell(
            L8NotificationSet(model_key="a"),
            L8TSDBNotification(property_id=USAGE, point=point),
            L8TSDBNotification(property_id=USAGE),
            "something else",
        )
    item = cast("Device", (await node.ask(Action.GET, "a")).first)
    assert [each.stamp for each in item.usage] == [1, 2, 3, 4, 6]
    assert item.ports[0].load == points((5, 5.0))
    assert item.name == ""
    assert not caplog.records


async def test_what_is_wrong_in_a_notification_keeps_nothing_else_out(
    node: SeriesNode, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown set, a property of another kind, a value that is no number: logged, each."""
    wrong = [
        L8NotificationSet(model_key="unknown"),
        L8TSDBNotification(property_id="device<{24}{24}a>.name", point=L8TimeSeriesPoint(stamp=1)),
        L8TSDBNotification(property_id=USAGE, point=L8TimeSeriesPoint(value=float("nan"))),
    ]
    good = L8TSDBNotification(property_id=USAGE, point=L8TimeSeriesPoint(stamp=9, value=9.0))
    await node.tell(*wrong, good)
    item = cast("Device", (await node.ask(Action.GET, "a")).first)
    assert [each.stamp for each in item.usage] == [1, 2, 3, 9]
    assert len(caplog.records) == 3


@pytest.mark.feature("TSD-01", "l8types:TYP-23")
async def test_the_service_takes_and_gives_series(node: SeriesNode) -> None:
    """As requests, acknowledged when stored, and by call; a request is stored whole or not."""
    service = cast("TimeSeriesService", node.service)
    await service.add_points(SINGLE, points((7, 7.0)))
    requests = [
        L8TSDBNotification(property_id=SINGLE, point=L8TimeSeriesPoint(stamp=n, value=1.0))
        for n in (8, 9)
    ]
    empty = L8TSDBNotification(property_id=USAGE)
    (await node.ask(Action.POST, *requests, empty)).raise_for_error()
    found = await service.points(USAGE, 3, 8)
    assert found == points((3, 3.0), (7, 7.0), (8, 1.0))
    wrong = L8TSDBNotification(property_id=USAGE, point=L8TimeSeriesPoint(value=float("inf")))
    new = L8TSDBNotification(property_id=USAGE, point=L8TimeSeriesPoint(stamp=10))
    with pytest.raises(InvalidInputError, match="finite"):
        (await node.ask(Action.POST, new, wrong)).raise_for_error()
    assert await service.points(USAGE, 10, 10) == []


async def test_a_caller_sees_samples_as_the_item(node: SeriesNode, models: Introspector) -> None:
    """None of a hidden or absent item, none when they are taken out of it, else all."""
    named = compare(models, "propertyid", Operator.EQ, USAGE)
    absent = compare(models, "propertyid", Operator.EQ, "device<{24}{24}b>.usage")
    await cast("TimeSeriesService", node.service).add_points(
        "device<{24}{24}b>.usage", points((1, 1.0))
    )
    sample = L8TSDBNotification(property_id=USAGE, point=L8TimeSeriesPoint(stamp=20))
    for scope, seen, added in (
        (lambda who, item: item, [1, 2, 3], True),
        (lambda who, item: Device(item.id, []), [], True),
        (lambda who, item: Device(item.id, item.usage), [1, 2, 3, 20], True),
        (lambda who, item: None, [], False),
    ):
        node.scope, node.identity = cast("Any", scope), ""
        async with active(node, orm_sla(KEY, Device, node.service._orm)):  # type: ignore[union-attr]
            node.identity = "ann"
            assert stamps(await node.ask_for(named)) == seen
            assert stamps(await node.ask_for(absent)) == []
            answer = await node.ask(Action.POST, sample)
            if added:
                answer.raise_for_error()
            else:
                with pytest.raises(PermissionDeniedError, match="'ann' may not add samples"):
                    answer.raise_for_error()


@pytest.mark.feature("ORM-34")
async def test_the_service_may_have_a_store_of_its_own(models: Introspector, orm: SqlOrm) -> None:
    """Samples go there; the store of the items has none."""
    series = await SqlTimeSeriesFactory().open("sqlite://")
    async with serving(models, orm, series) as node:
        await cast("TimeSeriesService", node.service).add_points(USAGE, points((1, 1.0)))
        assert await series.latest(USAGE, 1) == points((1, 1.0))
        assert await orm.series.latest(USAGE, 1) == []
    await series.aclose()


async def test_items_without_series_are_served_as_before(orm: SqlOrm) -> None:
    """Samples are refused with the reason, and queries about them as about any other model."""
    models = series_introspector()
    models.decorate(Thing, DecoratorType.PRIMARY, "id")
    node = SeriesNode(models, {})
    async with active(node, orm_sla(KEY, Thing, await SqlOrmFactory(models).open("sqlite://"))):
        with pytest.raises(InvalidInputError, match="Thing have no time series"):
            await cast("TimeSeriesService", node.service).add_points(USAGE, [])
        with pytest.raises(InvalidInputError, match="keeps Thing"):
            (await node.ask_for(None)).raise_for_error()
        await node.tell(L8NotificationSet(model_key="a"))
        assert node.registered == []
        assert node.service is not None
        await node.service._orm.aclose()


async def test_a_store_that_is_down_is_told(
    models: Introspector, orm: SqlOrm, tmp_path: Any
) -> None:
    """What another node tells is not taken for stored: the error comes out."""
    url = f"sqlite:///file:{tmp_path}/x.db?mode=ro&uri=true"
    (tmp_path / "x.db").touch()
    series = await SqlTimeSeriesFactory().open(url)
    async with serving(models, orm, series) as node:
        sample = L8TSDBNotification(property_id=USAGE, point=L8TimeSeriesPoint(stamp=1))
        with pytest.raises(UnavailableError, match="read-only"):
            await node.tell(sample)
        with pytest.raises(UnavailableError, match="read-only"):
            (await node.ask(Action.POST, sample)).raise_for_error()
    await series.aclose()


async def test_an_inactive_service_takes_no_notice(orm: SqlOrm, models: Introspector) -> None:
    """Before activation there is nothing that could be stored."""
    node = SeriesNode(models, {}, service=OrmService(orm))
    await node.tell(L8TSDBNotification(property_id=USAGE, point=L8TimeSeriesPoint(stamp=1)))
    assert await orm.series.latest(USAGE, 1) == []
