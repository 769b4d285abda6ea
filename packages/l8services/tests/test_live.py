# SPDX-License-Identifier: Apache-2.0
"""Live answers: first the result, then what changes in it, as its reader may see it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import pytest

from l8services import LiveChange, LiveKind, LiveUpdate, LiveView, Tuning
from l8services._live.core import LiveAnswer
from l8services._live.frames import ask_live, read_part
from l8types.enums import Action, WireProfile
from l8types.errors import (
    InvalidInputError,
    OverloadedError,
    PermissionDeniedError,
    QueryError,
    RemoteError,
)
from l8types.pb import L8Query
from l8types.protocols.services import Call, HookResult
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement

from .model import Book
from .network import FakeNetwork
from .virtual import run, until

if TYPE_CHECKING:
    from l8types.protocols.services import ServiceHandler


from .watching import ALL, Reader, hub

pytestmark = pytest.mark.feature("BAS-07")


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
