# SPDX-License-Identifier: Apache-2.0
"""The ready-made service on one node: verbs, results, visibility."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from l8services import BaseService
from l8services._copies import ask_page
from l8types.enums import Action, NotificationType
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    QueryError,
    UnavailableError,
)
from l8types.pb import L8NotificationSet, L8TimeSeriesPoint
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.protocols.services import Call, ServiceHandler
from l8types.sla import ServiceLevelAgreement
from l8types.values import Change, ChangeSet, ItemChange, TimeSeriesPoint

from .data import FakeQuery, FakeStore
from .model import Book, Note
from .network import BOOKS, FakeNetwork
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.protocols.data import Query


DUNE, EMMA = Book("1", "Dune", 9.5, 3), Book("2", "Emma", 7.0, 1)


def test_base_service_is_a_handler() -> None:
    """The class itself is what an agreement names as its handler."""
    handler: ServiceHandler = BaseService()
    agreement = ServiceLevelAgreement(name="Books", handler=BaseService)
    assert type(agreement.handler()) is type(handler)


@pytest.mark.feature("BAS-01")
def test_five_verbs_of_a_service_made_of_its_agreement() -> None:
    """A model and its key are all that a working service needs."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, DUNE, EMMA)
            await a.do(Action.PATCH, Book("1", stock=8))
            assert a.books()["1"] == Book("1", "Dune", 9.5, 8)
            await a.do(Action.PUT, Book("1", "Dune"))
            assert a.books()["1"] == Book("1", "Dune")
            await a.do(Action.DELETE, Book("1"))
            await a.do(Action.DELETE, "2")
            assert a.books() == {}
            with pytest.raises(NotFoundError, match="no item '1' to delete"):
                await a.do(Action.DELETE, Book("1"))

    run(scenario())


@pytest.mark.feature("BAS-03")
def test_get_by_query_and_by_example() -> None:
    """A query gives a page with counters, an example the item with its key."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(counters={"Stocked": lambda book: (getattr(book, "stock") > 2, "")})  # noqa: B009
            await a.do(Action.POST, DUNE, EMMA)
            page = await a.do(Action.GET, "select * from Book limit 1 page 1")
            assert page.values == [EMMA]
            assert page.metadata is not None
            assert dict(page.metadata.key_count.counts) == {"Total": 2, "Stocked": 1}
            assert (await a.do(Action.GET, Book("1"))).values == [DUNE]
            assert (await a.do(Action.GET, "2")).values == [EMMA]
            with pytest.raises(NotFoundError):
                await a.do(Action.GET, Book("9"))

    run(scenario())


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ("select * from Note", InvalidInputError),
        ("select nonsense", QueryError),
        (Note("1"), InvalidInputError),
        ([], InvalidInputError),
    ],
)
def test_get_of_what_the_service_does_not_keep_is_refused(
    asked: object, error: type[Exception]
) -> None:
    """Another model, no query, no question: each an error that says so."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            with pytest.raises(error):
                await a.do(Action.GET, asked)

    run(scenario())


def test_delete_by_query_deletes_the_matches() -> None:
    """The answer names each deleted item."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, DUNE, EMMA)
            answer = await a.do(Action.DELETE, "select * from Book where title=Dune")
            assert [entry.key for entry in answer] == ["1"]
            assert a.books() == {"2": EMMA}

    run(scenario())


@pytest.mark.feature("SVC-18")
def test_hidden_items_are_neither_read_nor_written() -> None:
    """What a caller may not see is in no page or answer, and stays as it is."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, DUNE, EMMA)
            a.resources.security.hidden = {"1"}
            page = await a.do(Action.GET, "select * from Book", identity="eve")
            assert (page.values, page.to_page().total) == ([EMMA], 1)
            with pytest.raises(NotFoundError):
                await a.do(Action.GET, Book("1"), identity="eve")
            for action in (Action.POST, Action.PUT, Action.PATCH, Action.DELETE):
                with pytest.raises(PermissionDeniedError, match="'eve' may not"):
                    await a.do(action, Book("1", "mine"), identity="eve")
            await a.do(Action.DELETE, "select * from Book", identity="eve")
            assert a.books() == {"1": DUNE}

    run(scenario())


def test_only_nodes_get_what_other_instances_ask_for() -> None:
    """The marks that ask for stamps mean nothing in a request of a user."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, DUNE)
            elements = a.resources.elements.query(ask_page("Book", size=5, page=0))
            for identity, stamped in (("", True), ("eve", False)):
                message = a.message(Action.GET, identity=identity)
                answer = await a.services.handle(elements, message, a.nic)
                assert answer is not None
                (entry,) = answer
                assert (entry.key is not None) is stamped

    run(scenario())


@pytest.mark.parametrize("options", [{"model": None}, {"stateful": False}])
def test_service_without_items_needs_its_own_handler(options: dict[str, object]) -> None:
    """The ready-made handler refuses an agreement that gives it nothing to keep."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            with pytest.raises(InvalidInputError, match="handler of its own"):
                await network.node("a").serve(**options)

    run(scenario())


@pytest.mark.feature("DCH-05")
def test_deactivation_leaves_no_task() -> None:
    """W-27: all tasks of a service end with it, and its handler says that it is closed."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            before = asyncio.all_tasks()
            service = await a.serve()
            await a.do(Action.POST, DUNE)
            await asyncio.sleep(1)
            started = {task.get_name().split(":")[0] for task in asyncio.all_tasks() - before}
            assert started > {"elections"}
            await a.services.deactivate(BOOKS)
            assert asyncio.all_tasks() == before
            assert service.settled
            call = Call(a.nic, Action.GET, BOOKS)
            with pytest.raises(ClosedError):
                await service.get(a.resources.elements.of(DUNE), call)
            await service.deactivate()

    run(scenario())


def test_failing_activation_leaves_nothing_behind() -> None:
    """W-28: neither task nor listener; when its store is back the service starts."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, store = network.node("a"), FakeStore(DUNE)
            await network.node("b").serve()
            await asyncio.sleep(1)
            tasks = asyncio.all_tasks()
            store.failing = UnavailableError("the database is down")
            with pytest.raises(UnavailableError):
                await a.serve(store=store)
            assert asyncio.all_tasks() == tasks
            assert (a.listeners, a.offered) == ([], {})
            store.failing = None
            await a.serve(store=store)
            assert a.books() == {"1": DUNE}

    run(scenario())


@pytest.mark.feature("NTF-02")
def test_notification_that_is_no_change_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong payload is an error of its sender; a broken change is skipped, the next applied."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            with pytest.raises(InvalidInputError, match="not of a change"):
                await a.do(Action.NOTIFY, DUNE)
            good = b.resources.notifications.encode(
                ItemChange(NotificationType.POST, "Book", "1", DUNE, source="b", sequence=2),
                service="Books",
                area=0,
            )
            bad = L8NotificationSet(source="b", sequence=1, model_type="Book", model_key="1")
            bad.type = L8NotificationType.Patch
            bad.notification_list.add(property_id="", newValue=b'{"isbn": ""}')
            await a.do(Action.NOTIFY, bad, good)
            assert a.books() == {"1": DUNE}

    run(scenario())
    assert "is lost" in caplog.text


@pytest.mark.feature("BAS-06", "DCH-03")
def test_cache_of_a_service_is_read_filtered_and_counted_like_a_local_one() -> None:
    """T-14, T-15: what code of this process asks of it; each answer is a copy."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            service = await a.serve()
            await a.do(Action.POST, DUNE, EMMA)
            service.add_counter("Stocked", lambda book: (getattr(book, "stock") > 2, ""))  # noqa: B009
            asked = FakeQuery("select * from Book where title=Dune")
            page = service.fetch(cast("Query", asked))
            assert (page.items, page.total) == ([DUNE], 1)
            assert page.metadata.key_count.counts["Stocked"] == 1
            assert service.fetch(cast("Query", asked), scope=lambda _: None).items == []
            assert (service.item("2"), service.item(DUNE), service.item("9")) == (EMMA, DUNE, None)
            titles = service.collect(
                lambda book: cast("Book", book).title if book != EMMA else None
            )
            assert titles == {"1": "Dune"}
            assert len(service) == len(list(service.items())) == 2
            for entry in service.items():
                cast("Book", entry[1]).title = "spoilt"
            cast("Book", service.item("1")).title = "spoilt"
            assert service.item("1") == DUNE

    run(scenario())


@pytest.mark.parametrize(
    "action", [Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET]
)
def test_nothing_is_no_item(action: Action) -> None:
    """T-18: none in place of an item is an error of its entry, whatever is asked."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            elements = a.resources.elements.of(None, DUNE)
            answer = await a.services.handle(elements, a.message(action), a.nic)
            assert answer is not None
            first, _ = answer
            assert first.error.startswith("invalid-input: service Books--0")

    run(scenario())


@pytest.mark.feature("BAS-02")
def test_each_item_of_a_write_has_a_result_of_its_own() -> None:
    """W-18: errors are told with their reasons, where they happened; the others are written."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(unique_keys=("code",))
            a.resources.security.hidden = {"1"}
            await a.do(Action.POST, DUNE)
            batch = [
                Book("1", "mine"),
                Book("2", code="x"),
                Note("1"),
                Book("3", code="x"),
                Book(),
                Book("4"),
            ]
            elements = a.resources.elements.of(*batch)
            message = a.message(Action.POST, identity="eve")
            answer = await a.services.handle(elements, message, a.nic)
            assert answer is not None
            assert [(entry.key, entry.error.partition(":")[0]) for entry in answer] == [
                (None, "permission-denied"),
                ("2", ""),
                (None, "invalid-input"),
                (None, "conflict"),
                (None, "property"),
                ("4", ""),
            ]
            assert set(a.books()) == {"1", "2", "4"}
            assert a.books()["1"] == DUNE

    run(scenario())


class Meter(BaseService):
    """A base service that keeps samples too."""

    def __init__(self) -> None:
        super().__init__()
        self.samples: dict[str, list[TimeSeriesPoint]] = {}

    async def add_points(self, property_id: str, points: Sequence[TimeSeriesPoint]) -> None:
        self.samples.setdefault(property_id, []).extend(points)


@pytest.mark.feature("NTF-03")
def test_samples_among_changes_go_to_the_time_series_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Samples are kept as such, the other changes of the set are made; order is kept."""

    def point(stamp: int) -> L8TimeSeriesPoint:
        return L8TimeSeriesPoint(stamp=stamp, value=stamp / 2)

    changes = ChangeSet(
        "Book",
        "1",
        (
            Change("book<{24}1>.price", None, point(1)),
            Change("book<{24}1>.stock", 3, 8),
            Change("book<{24}1>.price", None, [point(2), point(3)]),
            Change("book<{24}1>.code", None, []),
        ),
    )

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            meter = cast("Meter", await a.serve(handler=Meter))
            await a.do(Action.POST, DUNE)
            told = ItemChange(NotificationType.PATCH, "Book", "1", None, changes, "b", 1)
            monkeypatch.setattr(a.resources.notifications, "decode", lambda _: told)
            message = L8NotificationSet(source="b", sequence=1, model_type="Book", model_key="1")
            message.type = L8NotificationType.Patch
            await a.do(Action.NOTIFY, message)
            samples = [TimeSeriesPoint(stamp, stamp / 2) for stamp in (1, 2, 3)]
            assert meter.samples == {"book<{24}1>.price": samples}
            assert cast("Book", a.books()["1"]).stock == 8
            assert cast("Book", a.books()["1"]).price == DUNE.price

    run(scenario())


@pytest.mark.parametrize(
    ("source", "named", "taken"),
    [("b", "b", True), ("c", "c", False), ("b", "c", False), ("c", "b", False)],
)
@pytest.mark.feature("NTF-02")
def test_changes_are_taken_from_instances_of_the_service_only(
    source: str, named: str, taken: bool
) -> None:
    """W-15: a node that does not offer the service, or speaks for another, changes nothing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            await a.serve()
            await b.serve()
            uuids = {"b": b.uuid, "c": c.uuid}
            change = ItemChange(NotificationType.POST, "Book", "1", DUNE, source=uuids[named])
            told = b.resources.notifications.encode(change, service="Books", area=0)
            message = a.message(Action.NOTIFY, source=uuids[source])
            answer = await a.services.handle(a.resources.elements.of(told), message, a.nic)
            assert answer is not None
            assert answer.error.partition(":")[0] == ("" if taken else "permission-denied")
            assert (a.books() == {"1": DUNE}) is taken

    run(scenario())


@pytest.mark.feature("NTF-02")
def test_instance_that_leaves_still_tells_what_it_had_to() -> None:
    """It has withdrawn the service before it sends the rest; who left the network tells nothing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await b.serve()
            change = ItemChange(NotificationType.POST, "Book", "1", DUNE, source=b.uuid)
            told = b.resources.notifications.encode(change, service="Books", area=0)
            message = a.message(Action.NOTIFY, source=b.uuid)
            await b.services.deactivate(BOOKS)
            elements = a.resources.elements.of(told)
            answer = await a.services.handle(elements, message, a.nic)
            assert answer is not None
            assert not answer.error
            assert a.books() == {"1": DUNE}
            network.kill(b)
            answer = await a.services.handle(elements, message, a.nic)
            assert answer is not None
            assert answer.error.startswith("permission-denied")

    run(scenario())
