# SPDX-License-Identifier: Apache-2.0
"""The ready-made service with a replication count, on nine nodes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from l8services import BaseService
from l8types.enums import Action, Durability
from l8types.errors import (
    ConfigurationError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.pb import L8ReplicationIndex
from l8types.protocols.services import HookResult
from l8types.values import ServiceKey

from .data import FakeStore
from .groups import PickleCodec, PickledFactory
from .model import Book
from .network import BOOKS, FakeNetwork, FakeNode
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from l8services._replication.group import ReplicatedGroup
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

REPLICAS = ServiceKey("Replicas")


async def nothing(*_: object) -> None:
    """Does nothing."""


class Hook:
    """Notes which replica it is called for, and does not like some titles."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None]] = []

    async def before(self, item: object, call: Call) -> HookResult:
        if not isinstance(item, Book):
            return HookResult()
        part = call.message.transaction if call.message is not None else None
        self.seen.append((item.isbn, part.replica if part and part.is_replica else None))
        if item.title == "bad":
            raise InvalidInputError("no bad books")
        return HookResult(proceed=item.title != "ended")

    async def after(self, item: object, call: Call) -> HookResult:
        return HookResult()


def group_on(node: FakeNode) -> ReplicatedGroup:
    """The group of a node."""
    return cast("ReplicatedGroup", node.services._entries[BOOKS].transactions)


@asynccontextmanager
async def library(
    names: str = "abcdefghi", count: int = 2, **options: object
) -> AsyncIterator[FakeNetwork]:
    """Nodes that serve books, all of them members."""
    async with FakeNetwork() as network:
        for name in names:
            node = network.node(name)
            node.resources.elements = PickledFactory()
            node.resources.codec = PickleCodec()  # type: ignore[assignment]
            await node.serve(
                transactional=True,
                replication_count=count,
                durability=Durability.MEMORY,
                **options,
            )
        await until(lambda: together(network), "all are members")
        yield network


def together(network: FakeNetwork) -> bool:
    """Whether all nodes are members of one view and have the same index."""
    groups = [group_on(node) for node in network.nodes.values()]
    leaders = [group for group in groups if group.leading]
    if len(leaders) != 1 or leaders[0].leader.view is None:
        return False
    if len(leaders[0].leader.view.members) != len(groups):
        return False
    return len({repr(sorted(group.items.index.places())) for group in groups}) == 1


def settled(network: FakeNetwork, count: int = 2) -> bool:
    """Whether each key is on so many nodes, as the index says."""
    if not together(network):
        return False
    having: dict[str, set[str]] = {}
    for node in network.nodes.values():
        for key in node.books():
            having.setdefault(key, set()).add(node.uuid)
    places = dict(group_on(next(iter(network.nodes.values()))).places())
    named = {key: set(nodes) for key, nodes in places.items()}
    wanted = min(count, len(network.nodes))
    return named == having and all(len(nodes) == wanted for nodes in named.values())


def book(number: int, **more: object) -> Book:
    """A book with a key of one digit group."""
    return Book(f"b{number:02}", f"title {number}", **more)  # type: ignore[arg-type]


def titles(answer: object) -> list[str]:
    """Titles in an answer."""
    return [item.title for item in answer.values]  # type: ignore[attr-defined]


@pytest.mark.feature("REP-04")
@pytest.mark.feature("REP-05")
def test_nine_nodes() -> None:
    """Items are on two of nine nodes each, evenly; a node answers for all of them."""

    async def scenario() -> None:
        async with library() as network:
            nodes = list(network.nodes.values())
            for number in range(36):
                await nodes[number % 9].do(Action.POST, book(number))
            await until(lambda: settled(network), "two holders each")
            assert [len(node.books()) for node in nodes] == [8] * 9
            await nodes[4].do(Action.PATCH, Book("b07", stock=3))
            for node in nodes:
                found = (await node.do(Action.GET, "b07")).first
                assert found == book(7, stock=3)
            answer = await nodes[2].do(Action.GET, "b01", "b35", Book("b20"))
            assert titles(answer) == ["title 1", "title 35", "title 20"]
            with pytest.raises(NotFoundError) as raised:
                await nodes[2].do(Action.GET, "b99", "b01")
            assert cast("Elements", raised.value.answer).values[1] == book(1)

    run(scenario())


def test_queries() -> None:
    """Queries are answered as if all were in one place: sorted, paged, counted, each once."""

    async def scenario() -> None:
        counters = {"Dear": lambda item: (item.price > 5, "")}
        async with library(counters=counters) as network:
            node = next(iter(network.nodes.values()))
            books = [book(n, price=float(n % 10), stock=n, code=f"c{n % 10}") for n in range(30)]
            await node.do(Action.POST, *books)
            answer = await node.do(Action.GET, "select * from Book sort-by stock")
            assert list(answer.values) == books
            answer = await node.do(Action.GET, "select * from Book sort-by stock limit 7 page 2")
            assert list(answer.values) == books[14:21]
            assert answer.metadata is not None
            assert answer.metadata.key_count.counts["Total"] == 30
            assert answer.metadata.key_count.counts["Dear"] == 12
            answer = await node.do(Action.GET, "select * from Book where code=c3")
            assert sorted(titles(answer)) == ["title 13", "title 23", "title 3"]

    run(scenario())


def spied(network: FakeNetwork) -> dict[str, list[int]]:
    """Sizes of the shares that the nodes give from now on, by node."""
    sizes: dict[str, list[int]] = {}

    def spy(uuid: str, handler: BaseService) -> None:
        share = handler.share

        async def noted(elements: Elements, call: Call, mine: Callable[[str], bool]) -> Elements:
            given = await share(elements, call, mine)
            sizes.setdefault(uuid, []).append(len(given))
            return given

        handler.share = noted  # type: ignore[method-assign]

    for node in network.nodes.values():
        spy(node.uuid, cast("BaseService", node.services.handler(BOOKS)))
    return sizes


def about(key: str) -> str:
    """A query that nothing but one key can match."""
    return " ".join(["select * from Book", "where", f"isbn={key}"])


def test_query_with_the_key() -> None:
    """A query that only one key can match is answered by one of its holders, and nobody else.

    When that one is lost, the next one answers; when all are, the answer tells that.
    """

    async def scenario() -> None:
        async with library() as network:
            first = next(iter(network.nodes.values()))
            await first.do(Action.POST, *(book(n) for n in range(18)))
            leader = next(n for n in network.nodes.values() if group_on(n).leading)
            spare = {first.uuid, leader.uuid}
            places = dict(group_on(leader).places())
            key, nodes = next((k, n) for k, n in places.items() if not spare & set(n))
            question = about(key)
            sizes = spied(network)
            assert titles(await first.do(Action.GET, question)) == [book(int(key[1:])).title]
            assert sizes == {nodes[0]: [1]}
            assert not len(await first.do(Action.GET, about("b99")))
            assert sizes == {nodes[0]: [1]}
            network.kill(network.nodes[nodes[0]])
            assert titles(await first.do(Action.GET, question)) == [book(int(key[1:])).title]
            assert sizes == {nodes[0]: [1], nodes[1]: [1]}
            await first.do(Action.DELETE, question)
            assert not len(await first.do(Action.GET, question))

    run(scenario())


def test_query_with_the_key_of_what_is_lost() -> None:
    """Where all holders are away, the answer to such a query says that something is missing."""

    async def scenario() -> None:
        async with library("abcde", count=1) as network:
            first = next(iter(network.nodes.values()))
            await first.do(Action.POST, *(book(n) for n in range(10)))
            leader = next(n for n in network.nodes.values() if group_on(n).leading)
            spare = {first.uuid, leader.uuid}
            places = dict(group_on(leader).places())
            key, nodes = next((k, n) for k, n in places.items() if not spare & set(n))
            network.kill(network.nodes[nodes[0]])
            answer = await first.do(Action.GET, about(key))
            assert not len(answer)
            assert answer.metadata is not None
            assert answer.metadata.value_count["replication"].counts["unavailable"] == 1

    run(scenario())


def test_pages_are_made_where_the_items_are() -> None:
    """No node gives more of its items than the page can need; counts are of all that match."""

    async def scenario() -> None:
        counters = {"Dear": lambda item: (item.price > 5, "")}
        async with library(counters=counters) as network:
            for node in network.nodes.values():
                node.resources.security.hidden = {"b01"}
            node = next(iter(network.nodes.values()))
            books = [book(n, price=float(n % 10), stock=-n) for n in range(90)]
            await node.do(Action.POST, *books)
            sizes = spied(network)
            question = "select * from Book sort-by stock limit 2 page 1"
            answer = await node.do(Action.GET, question, identity="eve")
            assert list(answer.values) == books[86:88][::-1]
            assert answer.metadata is not None
            assert answer.metadata.key_count.counts["Total"] == 89
            assert answer.metadata.key_count.counts["Dear"] == 36
            assert len(sizes) == 9
            assert max(size for given in sizes.values() for size in given) <= 4
            answer = await node.do(Action.GET, "select * from Book limit 3")
            assert list(answer.values) == books[:3]
            assert max(size for given in sizes.values() for size in given) <= 4

    run(scenario())


def test_scope_of_the_caller() -> None:
    """What the caller may not see is in no answer and no count, and cannot be written."""

    async def scenario() -> None:
        async with library("abcd") as network:
            for node in network.nodes.values():
                node.resources.security.hidden = {"b01"}
            node = next(iter(network.nodes.values()))
            await node.do(Action.POST, *(book(n) for n in range(4)))
            answer = await node.do(Action.GET, "select * from Book", identity="eve")
            assert sorted(titles(answer)) == ["title 0", "title 2", "title 3"]
            assert answer.metadata is not None
            assert answer.metadata.key_count.counts["Total"] == 3
            with pytest.raises(NotFoundError):
                await node.do(Action.GET, "b01", identity="eve")
            with pytest.raises(PermissionDeniedError):
                await node.do(Action.PATCH, Book("b01", "hers"), identity="eve")
            assert (await node.do(Action.GET, "b01")).first == book(1)

    run(scenario())


def test_deletion_by_query() -> None:
    """A query deletes what it matches wherever that is, and what the caller may see only."""

    async def scenario() -> None:
        async with library("abcde") as network:
            for node in network.nodes.values():
                node.resources.security.hidden = {"b04"}
            node = next(iter(network.nodes.values()))
            await node.do(Action.POST, *(book(n, code=f"c{n % 2}") for n in range(10)))
            await node.do(Action.DELETE, "select * from Book where code=c0 limit 1", identity="eve")
            answer = await node.do(Action.GET, "select * from Book sort-by isbn")
            assert titles(answer) == [f"title {n}" for n in (1, 3, 4, 5, 7, 9)]
            await node.do(Action.DELETE, "select * from Book where code=c7")
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(node.do(Action.DELETE, "select * from Book"))
            assert not len(await node.do(Action.GET, "select * from Book"))
            await until(lambda: settled(network), "nothing is left")

    run(scenario())


@pytest.mark.feature("REP-06")
def test_hooks() -> None:
    """A hook runs where the item is and learns which replica it is called for.

    It may refuse an item, but not end its write in silence.
    """

    async def scenario() -> None:
        hook = Hook()
        async with library("abcde", hook=hook) as network:
            node = next(iter(network.nodes.values()))
            await node.do(Action.POST, book(1))
            assert sorted(hook.seen) == [("b01", 0), ("b01", 1)]
            with pytest.raises(InvalidInputError, match="no bad books"):
                await node.do(Action.PUT, Book("b02", "bad"))
            with pytest.raises(ConflictError, match="not end its write"):
                await node.do(Action.PUT, Book("b03", "ended"))
            await until(lambda: settled(network), "two holders each")
            assert [key for key, _ in group_on(node).places()] == ["b01"]

    run(scenario())


def test_nodes_are_lost() -> None:
    """Reads and queries go on while nodes are lost one by one, and each item gets new holders."""

    async def scenario() -> None:
        async with library() as network:
            first = next(iter(network.nodes.values()))
            await first.do(Action.POST, *(book(n) for n in range(40)))
            for name in "ihfd":
                network.kill(next(n for n in network.nodes.values() if n.uuid.startswith(name)))
                for number in range(0, 40, 9):
                    assert (await first.do(Action.GET, f"b{number:02}")).first == book(number)
                answer = await first.do(Action.GET, "select * from Book")
                assert sorted(titles(answer)) == sorted(book(n).title for n in range(40))
                await first.do(Action.PATCH, Book("b05", stock=ord(name)))
                await until(lambda: settled(network), "two holders each", 30)
            assert (await first.do(Action.GET, "b05")).first == book(5, stock=ord("d"))

    run(scenario())


def test_all_holders_are_lost() -> None:
    """What nobody holds any more is unavailable, and a query says how much of it there is."""

    async def scenario() -> None:
        async with library() as network:
            first = next(iter(network.nodes.values()))
            await first.do(Action.POST, *(book(n) for n in range(18)))
            leader = next(n for n in network.nodes.values() if group_on(n).leading)
            uuids = next(
                nodes
                for _, nodes in group_on(leader).places()
                if not {leader.uuid, first.uuid} & set(nodes)
            )
            lost = [key for key, nodes in group_on(leader).places() if set(nodes) == set(uuids)]
            for uuid in uuids:
                network.kill(network.nodes[uuid])
            with pytest.raises(UnavailableError):
                await first.do(Action.GET, lost[0])
            answer = await first.do(Action.GET, "select * from Book")
            assert len(answer) == 18 - len(lost)
            assert answer.metadata is not None
            counts = answer.metadata.value_count["replication"].counts
            assert counts["unavailable"] == len(lost)
            await forget(first, lost)
            answer = await first.do(Action.GET, "select * from Book")
            assert answer.metadata is not None
            assert "replication" not in answer.metadata.value_count
            with pytest.raises(NotFoundError):
                await first.do(Action.GET, lost[0])
            await first.do(Action.POST, Book(lost[0], "anew"))
            assert (await first.do(Action.GET, lost[0])).first == Book(lost[0], "anew")

    run(scenario())


async def forget(node: FakeNode, lost: list[str]) -> None:
    """Forget what is lost for good; what is there, or never was, is not forgotten."""
    there = next(f"b{n:02}" for n in range(18) if f"b{n:02}" not in lost)
    for keys, error in (
        ([*lost, there], ConflictError),
        (["b99"], NotFoundError),
        ([], InvalidInputError),
    ):
        with pytest.raises(error):
            await node.do(Action.DELETE, index_of(*keys), key=REPLICAS)
    assert (await node.do(Action.GET, there)).first is not None
    await node.do(Action.DELETE, index_of(*lost), key=REPLICAS)


def index_of(*keys: str) -> L8ReplicationIndex:
    """An index with some keys."""
    index = L8ReplicationIndex(service_name="Books")
    for key in keys:
        index.keys[key].replica0 = ""
    return index


def test_leaving_node() -> None:
    """A node that stops hands over first: nothing is missing for a moment."""

    async def scenario() -> None:
        async with library("abcde", count=1) as network:
            first, *others = network.nodes.values()
            await first.do(Action.POST, *(book(n) for n in range(20)))
            for node in reversed(others[1:]):
                await node.services.aclose()
                network.kill(node)
                answer = await first.do(Action.GET, "select * from Book")
                assert len(answer) == 20
            await until(lambda: settled(network, 1), "one holder each")

    run(scenario())


@pytest.mark.feature("REP-01")
@pytest.mark.feature("REP-02")
def test_index_service() -> None:
    """From the first replicated service on, every node tells which node holds which replica."""

    async def scenario() -> None:
        async with library("abcd") as network:
            first, *others = network.nodes.values()
            await first.do(Action.POST, *(book(n) for n in range(6)))
            await until(lambda: settled(network), "two holders each")
            asked = L8ReplicationIndex(service_name="Books")
            for node in network.nodes.values():
                assert REPLICAS in node.offered
                told = await node.do(Action.GET, asked, key=REPLICAS)
                index = told.first
                assert told.metadata is not None
                counts = dict(told.metadata.value_count[str(BOOKS)].counts)
                assert counts.pop("moved") == 0
                assert counts == {"keys": 6, "short": 0, "unavailable": 0, "excess": 0}
                assert isinstance(index, L8ReplicationIndex)
                assert sorted(index.keys) == [f"b{n:02}" for n in range(6)]
                for key, place in index.keys.items():
                    assert sorted(place.location.values()) == [0, 1]
                    assert place.location[place.replica0] == 0
                    for uuid in place.location:
                        assert key in network.nodes[uuid].books()
            asked.keys["b03"].replica0 = ""
            some = (await first.do(Action.GET, asked, key=REPLICAS)).first
            assert list(cast("L8ReplicationIndex", some).keys) == ["b03"]
            with pytest.raises(NotFoundError, match="not replicated"):
                await first.do(Action.GET, L8ReplicationIndex(service_name="No"), key=REPLICAS)
            with pytest.raises(InvalidInputError, match="tells of keys"):
                await first.do(Action.PUT, asked, key=REPLICAS)
            await others[0].services.deactivate(BOOKS)
            assert REPLICAS not in others[0].offered

    run(scenario())


@pytest.mark.feature("REP-03")
def test_what_does_not_go_together() -> None:
    """A count with what needs all items in one place is refused, and the error says so."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = network.node("a")
            common = {"transactional": True, "replication_count": 2}
            with pytest.raises(ConfigurationError, match="no unique_keys yet"):
                await node.serve(**common, unique_keys=("code",))
            with pytest.raises(ConfigurationError, match="no store yet"):
                await node.serve(**common, store=FakeStore())
            with pytest.raises(ConfigurationError, match="None for all"):
                await node.serve(transactional=True, replication_count=0)
            half = SimpleNamespace(activate=nothing, deactivate=nothing, stage=nothing)
            with pytest.raises(InvalidInputError, match="no ReplicatedService"):
                await node.serve(**common, handler=lambda: half, durability=Durability.MEMORY)
            assert node.offered == {}

    run(scenario())


def test_what_is_refused_when_asked() -> None:
    """Live answers, and writes that make no sense, are errors that say why."""

    async def scenario() -> None:
        async with library("abc") as network:
            node = next(iter(network.nodes.values()))
            await node.do(Action.POST, book(1))
            with pytest.raises(InvalidInputError, match="cannot stay live"):
                await node.do(Action.GET, "select * from Book register", identity="me")
            with pytest.raises(InvalidInputError, match="PUT a query"):
                await node.do(Action.PUT, "select * from Book")
            with pytest.raises(InvalidInputError, match="keeps Book"):
                await node.do(Action.POST, 7)
            handler = node.services.handler(BOOKS)
            assert isinstance(handler, BaseService)
            assert len(await node.do(Action.GET, "select * from Book")) == 1

    run(scenario())
