# SPDX-License-Identifier: Apache-2.0
"""Live queries over a network: answers that stay true, wherever the service is."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Self, cast

import pytest

from l8services import BaseService, LiveChange, LiveKind, LiveUpdate, LiveView, Tuning, live
from l8services._live.core import LiveAnswer
from l8services._live.frames import ask_live, read_part
from l8types.enums import Action, WireProfile
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    OverloadedError,
    PermissionDeniedError,
    QueryError,
    RemoteError,
    UnavailableError,
)
from l8types.pb import L8Query
from l8types.protocols.services import Call, HookResult
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement

from .model import Book
from .network import BOOKS, FakeNetwork, FakeNode
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from l8services._live import LiveHub
    from l8types.protocols.services import ServiceHandler
    from l8types.values import Message

    from .data import FakeElements
    from .network import Sent

ALL = "select * from Book"
pytestmark = pytest.mark.feature("BAS-07")


class Reader:
    """Reads a live query in a task of its own, and keeps what it was told."""

    def __init__(self, node: FakeNode, query: str = ALL, **options: object) -> None:
        self.updates: list[LiveUpdate] = []
        self.view = LiveView()
        self.error: BaseException | None = None
        self.paused = asyncio.Event()
        self.paused.set()
        self._source = live(node.nic, BOOKS, query, **options)  # type: ignore[arg-type]
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._read())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        await self._group.__aexit__(exc_type, exc, traceback)

    async def stop(self) -> None:
        """Read no more."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _read(self) -> None:
        try:
            async with aclosing(self._source) as updates:
                async for update in updates:
                    self.updates.append(update)
                    self.view.apply(update)
                    await self.paused.wait()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    @property
    def titles(self) -> list[str]:
        return [cast("Book", item).title for item in self.view.items()]

    @property
    def fresh(self) -> int:
        """How often the answer began anew."""
        return sum(update.fresh for update in self.updates)

    def told(self) -> list[tuple[str, str]]:
        """Kind and key of all changes after the first answer."""
        return [(c.kind.name, c.key) for update in self.updates[1:] for c in update.changes]


def hub(service: BaseService) -> LiveHub:
    """The live answers of a service."""
    parts = service._parts
    assert parts is not None
    return parts.live


def test_answer_comes_first_then_what_changes_in_it() -> None:
    """A caller on another node is told of additions, changes and removals, and of nothing else."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await a.do(Action.POST, Book("1", "Dune", stock=1), Book("2", "Emma"))
            async with Reader(b, "select * from Book where stock=1") as reader:
                await until(lambda: reader.updates, "the answer comes")
                assert reader.updates[0].fresh
                assert reader.titles == ["Dune"]
                await a.do(Action.POST, Book("3", "Ulysses"))
                await a.do(Action.PATCH, Book("2", stock=1))
                await until(lambda: len(reader.view) == 2, "an item comes into the answer")
                await a.do(Action.PATCH, Book("1", "Dune II"))
                await until(lambda: reader.titles == ["Dune II", "Emma"], "an item changes")
                await a.do(Action.DELETE, "1")
                await a.do(Action.PATCH, Book("2", stock=5))
                await until(lambda: not len(reader.view), "both leave")
                assert reader.told() == [
                    ("ADDED", "2"),
                    ("CHANGED", "1"),
                    ("REMOVED", "1"),
                    ("REMOVED", "2"),
                ]

    run(scenario())


def test_changes_of_other_instances_are_told_too() -> None:
    """It does not matter which instance takes the write."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await b.serve()
            async with Reader(a) as reader:
                await b.do(Action.POST, Book("1", "Dune"))
                await until(lambda: reader.titles == ["Dune"], "the other's write is told")

    run(scenario())


def test_equal_questions_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers of one identity share an answer; another identity has its own."""
    looked: list[object] = []

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            service = await a.serve()
            visible = LiveAnswer.visible

            def count(answer: LiveAnswer, item: object) -> object | None:
                looked.append(item)
                return visible(answer, item)

            monkeypatch.setattr(LiveAnswer, "visible", count)
            async with Reader(a) as one, Reader(a) as two, Reader(a, identity="eve") as other:
                await until(lambda: one.updates and two.updates and other.updates, "all read")
                looked.clear()
                a.resources.caches.last.post(Book("1", "Dune"))  # type: ignore[union-attr]
                await until(lambda: one.titles == two.titles == other.titles == ["Dune"], "told")
                assert len(looked) == len(hub(service)) == 2

    run(scenario())


def test_reader_that_comes_back_is_told_what_it_missed() -> None:
    """After a broken link the same instance goes on; nothing is lost and nothing told twice."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await a.do(Action.POST, Book("1", "Dune"), Book("2", "Emma"))
            async with Reader(b) as first:
                await until(lambda: first.updates, "the answer comes")
            token = first.updates[-1].token
            await a.do(Action.DELETE, "1")
            await a.do(Action.POST, Book("3", "Ulysses"))
            async with Reader(b, token=token) as second:
                await until(lambda: any(update.token for update in second.updates), "it goes on")
                assert second.fresh == 0
                told = [(c.kind, c.key) for update in second.updates for c in update.changes]
                assert told == [(LiveKind.REMOVED, "1"), (LiveKind.ADDED, "3")]

    run(scenario())


@pytest.mark.parametrize("token", ["nonsense", "000000000000.3", "", ".", "a.b"])
def test_token_that_is_not_known_begins_anew(token: str) -> None:
    """Too old, of another instance, or no token at all: the answer is whole, and marked so."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, Book("1", "Dune"))
            async with Reader(a, token=token) as reader:
                await until(lambda: reader.titles == ["Dune"], "the answer comes")
                assert reader.updates[0].fresh

    run(scenario())


def test_half_of_a_fresh_answer_is_nothing_to_go_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the link breaks in the middle of it the whole is asked for again, not what changed."""
    asked: list[str] = []

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            stream = a.stream

            async def half(*args: object, **options: object) -> AsyncGenerator[FakeElements, None]:
                asked.append(cast("L8Query", args[4]).schema)
                async for part in stream(*args, **options):  # type: ignore[arg-type]
                    yield part
                    if len(asked) < 3:
                        raise UnavailableError("the link broke")

            monkeypatch.setattr(a, "stream", half)
            await a.do(Action.POST, *(Book(f"{number:04}") for number in range(501)))
            async with Reader(a, token="000000000000.7") as reader:
                await until(lambda: len(reader.view) == 501, "the answer comes")
                assert [not update.token for update in reader.updates] == [True, True, True, False]
                assert asked == ["live:000000000000.7", "live:", "live:"]

    run(scenario())


def test_unread_answer_is_dropped_after_a_while() -> None:
    """Until then it goes on; the cache is not listened to for nobody."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(live_linger=5.0)) as network:
            a = network.node("a")
            service = await a.serve()
            async with Reader(a) as reader:
                await until(lambda: reader.updates, "the answer comes")
            cache = a.resources.caches.last
            assert cache is not None
            assert (len(hub(service)), len(cache.listeners)) == (1, 1)
            await until(lambda: not cache.listeners, "nobody listens")
            assert len(hub(service)) == 0

    run(scenario())


def test_answer_goes_on_at_another_node_when_its_provider_leaves() -> None:
    """Deactivation does not wait for endless answers: their readers move, and lose nothing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            await a.serve()
            await b.serve()
            await a.do(Action.POST, Book("1", "Dune"), Book("2", "Emma"))
            async with Reader(c) as reader:
                await until(lambda: reader.updates, "the answer comes")
                started = asyncio.get_running_loop().time()
                await a.services.deactivate(BOOKS)
                assert asyncio.get_running_loop().time() - started < 1.0
                await b.do(Action.DELETE, "1")
                await until(lambda: reader.titles == ["Emma"], "the other one goes on")
                assert reader.fresh == 2
                await b.do(Action.POST, Book("3", "Ulysses"))
                await until(lambda: reader.titles == ["Emma", "Ulysses"], "and goes on")

    run(scenario())


def test_drained_node_sends_its_readers_away() -> None:
    """A node that drains offers nothing any more; its services still run."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            service = await a.serve()
            await b.serve()
            async with Reader(c) as reader:
                await until(lambda: reader.updates, "the answer comes")
                await a.drain()
                await until(lambda: reader.fresh == 2, "the other one goes on")
                (feed,) = hub(service)._feeds.values()
                assert feed.readers == 0

    run(scenario())


def test_answer_goes_on_when_its_provider_dies() -> None:
    """What the link says when it breaks is an error; the reader only sees a fresh answer."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = network.node("a"), network.node("b"), network.node("c")
            await a.serve()
            await b.serve()
            await b.do(Action.POST, Book("1", "Dune"))
            breaking = asyncio.Event()
            parts = network.parts

            async def broken(sent: Sent, message: Message) -> AsyncGenerator[FakeElements, None]:
                async for part in parts(sent, message):
                    yield part
                    if sent.target == a.uuid:
                        breaking.set()
                        raise UnavailableError("the link broke")

            network.parts = broken  # type: ignore[method-assign]
            async with Reader(c) as reader:
                await until(breaking.is_set, "the link breaks")
                network.kill(a)
                await until(lambda: reader.titles == ["Dune"], "the other one answers")
                await b.do(Action.POST, Book("2", "Emma"))
                await until(lambda: reader.titles == ["Dune", "Emma"], "and goes on")

    run(scenario())


def test_slow_reader_holds_nobody_up() -> None:
    """A thousand changes of one item, and one update for the reader that slept meanwhile."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            async with Reader(a) as slow, Reader(a) as quick:
                await until(lambda: slow.updates and quick.updates, "both read")
                slow.paused.clear()
                await a.do(Action.POST, Book("1", "Dune"))
                await until(lambda: len(slow.updates) == 2, "the slow one begins to read")
                for number in range(1000):
                    await a.do(Action.PATCH, Book("1", stock=number + 1))
                await until(lambda: quick.view.items() == [Book("1", "Dune", stock=1000)], "told")
                slow.paused.set()
                await until(lambda: slow.view.items() == quick.view.items(), "the slow one too")
                assert len(slow.updates) == 3

    run(scenario())


def test_item_that_is_hidden_leaves_and_one_that_was_never_seen_is_not_mentioned() -> None:
    """What a caller may see decides on every change; permissions are looked at again by and by."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(live_recheck=3.0, live_pulse=1.0)) as network:
            a = network.node("a")
            await a.serve()
            a.resources.security.hidden = {"2"}
            await a.do(Action.POST, Book("1", "Dune"), Book("2", "Emma"))
            async with Reader(a, identity="eve") as reader:
                await until(lambda: reader.titles == ["Dune"], "the answer comes")
                await a.do(Action.PATCH, Book("2", stock=1))
                await a.do(Action.DELETE, "2")
                await a.do(Action.POST, Book("3", "Ulysses"))
                await until(lambda: len(reader.view) == 2, "what it may see is told")
                a.resources.security.hidden = {"1"}
                await a.do(Action.PATCH, Book("1", stock=2))
                await until(lambda: reader.titles == ["Ulysses"], "a change of a hidden item")
                a.resources.security.hidden = {"3"}
                await until(lambda: reader.titles == ["Dune"], "without any change")
                assert "2" not in {key for _, key in reader.told()}

    run(scenario())


def test_caller_that_may_not_read_any_more_is_told_so() -> None:
    """The permission to ask is asked for again while the answer goes on."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(live_recheck=3.0, live_pulse=1.0)) as network:
            a = network.node("a")
            await a.serve()
            async with Reader(a, identity="eve") as reader:
                await until(lambda: reader.updates, "the answer comes")
                a.resources.security.denied = {("eve", Action.GET)}
                await until(lambda: reader.error, "it ends")
                assert isinstance(reader.error, PermissionDeniedError)

    run(scenario())


class Hook:
    """Shapes answers as the test says."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.proceed = True

    async def before(self, item: object, call: Call) -> HookResult:
        return HookResult(proceed=self.proceed or call.action is not Action.GET)

    async def after(self, item: object, call: Call) -> HookResult:
        if call.action is not Action.GET:
            return HookResult()
        if self.error is not None:
            raise self.error
        book = cast("Book", item)
        return HookResult(Book(book.isbn, book.title.upper()), proceed=book.stock == 0)


def test_hook_shapes_what_is_told() -> None:
    """As in an ordinary answer it exchanges items, leaves some out, and may end the question."""

    async def scenario() -> None:
        hook = Hook()
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(hook=hook)
            await a.do(Action.POST, Book("1", "Dune"), Book("2", "Emma", stock=1))
            async with Reader(a) as reader:
                await until(lambda: reader.titles == ["DUNE"], "the answer comes")
                await a.do(Action.POST, Book("2", "Emma"))
                await until(lambda: reader.titles == ["DUNE", "EMMA"], "one comes in")
            hook.proceed = False
            async with Reader(a) as refused:
                await until(lambda: refused.error, "it is refused")
                assert isinstance(refused.error, PermissionDeniedError)

    run(scenario())


def test_failing_hook_ends_the_answer_and_not_the_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its readers get a clear error, the log the reason; others go on and the service serves."""

    async def scenario() -> None:
        hook = Hook()
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(hook=hook)
            async with (
                Reader(a, "select * from Book where stock=0") as reader,
                Reader(a, "select * from Book where stock=7") as other,
            ):
                await until(lambda: reader.updates and other.updates, "both read")
                hook.error = KeyError("secret")
                await a.do(Action.POST, Book("1", "Dune"))
                await until(lambda: reader.error, "it ends")
                assert isinstance(reader.error, RemoteError)
                assert "secret" not in str(reader.error)
                hook.error = None
                assert other.error is None
                assert (await a.do(Action.GET, ALL)).values == [Book("1", "DUNE")]

    run(scenario())
    assert "live answer" in caplog.text


def test_silent_answer_gives_signs_of_life() -> None:
    """Well within the time that the reader waits for a part."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            question = ask_live(L8Query(text=ALL))
            message = a.message(Action.GET, stream=True, timeout=3.0)
            elements = a.resources.elements.query(question)
            times: list[float] = []
            async with aclosing(a.services.stream(elements, message, a.nic)) as parts:
                async for part in parts:
                    assert not read_part(part).changes
                    times.append(asyncio.get_running_loop().time())
                    if len(times) == 4:
                        break
            assert times[-1] - times[0] == pytest.approx(3.0, abs=0.1)

    run(scenario())


def test_too_many_different_answers_are_refused() -> None:
    """The bound protects the service; equal questions need no room."""

    async def scenario() -> None:
        async with FakeNetwork(tuning=Tuning(live_limit=1)) as network:
            a = network.node("a")
            await a.serve()
            async with Reader(a) as one, Reader(a) as two:
                await until(lambda: one.updates and two.updates, "equal ones are kept")
                async with Reader(a, "select * from Book where stock=1", patience=1.0) as other:
                    await until(lambda: other.error, "patience ends")
                    assert isinstance(other.error, OverloadedError)

    run(scenario())


class Plain:
    """A service that keeps nothing live."""

    async def activate(self, sla: object, vnic: object) -> None: ...

    async def deactivate(self) -> None: ...

    async def get(self, elements: object, call: Call) -> object:
        return call.vnic.resources.elements.of(1)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("select nonsense", QueryError),
        ("select * from Note", InvalidInputError),
        ("select * from Book mapreduce", InvalidInputError),
    ],
)
def test_question_that_cannot_stay_live_is_refused(query: str, error: type[Exception]) -> None:
    """At once, with the reason."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            async with Reader(a, query) as reader:
                await until(lambda: reader.error, "it is refused")
                assert isinstance(reader.error, error)

    run(scenario())


def test_service_and_profile_without_live_answers_say_so() -> None:
    """A service that answers once is no live one, and a go network has no streams."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            go = network.node("g", NodeSettings(uuid="g" * 36, profile=WireProfile.GO))
            plain = ServiceLevelAgreement(
                name="Books", stateful=False, handler=lambda: cast("ServiceHandler", Plain())
            )
            await a.services.activate(plain, a.nic)
            async with Reader(a) as reader, Reader(go) as other:
                await until(lambda: reader.error and other.error, "both are refused")
                with pytest.raises(InvalidInputError, match="none that stays live"):
                    raise cast("Exception", reader.error)
                with pytest.raises(InvalidInputError, match="go profile has no streams"):
                    raise cast("Exception", other.error)

    run(scenario())


def test_patience_ends_with_the_last_error() -> None:
    """Nobody answers: the caller is told so after the time that it gave."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            async with Reader(a, patience=3.0) as reader:
                started = asyncio.get_running_loop().time()
                await until(lambda: reader.error, "patience ends")
                assert isinstance(reader.error, UnavailableError)
                assert 3.0 <= asyncio.get_running_loop().time() - started < 6.0

    run(scenario())


def test_closed_interface_ends_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be asked again where nothing can be asked."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")

            def closed(*_: object, **__: object) -> object:
                raise ClosedError("the interface was shut down")

            monkeypatch.setattr(a, "stream", closed)
            async with Reader(a) as reader:
                await until(lambda: reader.error, "it ends")
                assert isinstance(reader.error, ClosedError)

    run(scenario())


def test_ordinary_question_in_parts_has_one_part() -> None:
    """Only who asks for a live answer gets one."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve()
            await a.do(Action.POST, Book("1", "Dune"))
            found = [part async for part in a.stream(a.uuid, "Books", 0, Action.GET, ALL)]
            assert [part.values for part in found] == [[Book("1", "Dune")]]

    run(scenario())


def test_view_tells_what_differs_when_an_answer_begins_anew() -> None:
    """A view that has an old answer needs no repetition of what it knows."""

    def added(*books: Book) -> tuple[LiveChange, ...]:
        return tuple(LiveChange(LiveKind.ADDED, book.isbn, book) for book in books)

    view = LiveView()
    view.apply(LiveUpdate(added(Book("1"), Book("2"), Book("3")), fresh=True, token="a"))
    assert view.apply(LiveUpdate(added(Book("1")), fresh=True)) == []
    assert len(view) == 3
    told = view.apply(LiveUpdate(added(Book("2", "new"), Book("4")), token="b"))
    assert [(change.kind.name, change.key) for change in told] == [
        ("CHANGED", "2"),
        ("ADDED", "4"),
        ("REMOVED", "3"),
    ]
    assert view.items() == [Book("1"), Book("2", "new"), Book("4")]
