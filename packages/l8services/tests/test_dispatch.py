# SPDX-License-Identifier: Apache-2.0
"""The way of a message to its handler, and of the answer back."""

from __future__ import annotations

import asyncio

import pytest

from l8types.enums import Action
from l8types.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RemoteError,
)

from .echoing import ECHO, echo, handled
from .model import Book
from .network import FakeNetwork
from .virtual import run


@pytest.mark.feature("SVC-16")
@pytest.mark.parametrize(
    "action", [Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET]
)
def test_message_reaches_the_verb_with_its_circumstances(action: Action) -> None:
    """The handler learns who asks, from where, and until when."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            now = asyncio.get_running_loop().time()
            answer = await handled(a, action, 1, 2, identity="eve", timeout=3.0)
            assert answer.values == [1, 2]
            (call,) = handler.calls
            assert (call.action, call.key, call.identity) == (action, ECHO, "eve")
            assert (call.source, call.deadline) == ("somebody", now + 3.0)
            assert a.resources.security.asked == [("eve", action, ECHO)]

    run(scenario())


def test_message_that_asks_for_nothing_gets_nothing() -> None:
    """Only a request has an answer, also when it fails."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            empty = a.resources.elements.of()
            for action in (Action.NOTIFY, Action.POST, Action.LEADER_QUERY):
                message = a.message(action, ECHO, request=False)
                assert await a.services.handle(empty, message, a.nic) is None
            assert [call.action for call in handler.calls] == [Action.NOTIFY, Action.POST]

    run(scenario())


@pytest.mark.feature("SVC-17")
def test_denied_call_does_not_reach_the_handler() -> None:
    """Authorization comes first, from the network and from this process."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            a.resources.security.denied = {("eve", Action.POST)}
            answer = await handled(a, Action.POST, 1, identity="eve")
            assert answer.error.startswith("permission-denied: 'eve' may not POST")
            with pytest.raises(PermissionDeniedError):
                await a.do(Action.POST, 1, identity="eve", key=ECHO)
            assert handler.calls == []

    run(scenario())


@pytest.mark.feature("SVC-18")
def test_answer_holds_what_the_caller_may_see() -> None:
    """The answers of any handler pass the filter of the security provider."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await echo(a)
            a.resources.security.hidden = {"1"}
            answer = await handled(a, Action.GET, Book("1"), Book("2"), identity="eve")
            assert answer.values == [Book("2")]

    run(scenario())


def test_unknown_service_is_an_error_with_its_name() -> None:
    """The code tells what is wrong, the text which service on which node."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            answer = await handled(a, Action.GET)
            assert answer.error == "not-found: service Echo--3 is not active on node 'node-a'"
            with pytest.raises(NotFoundError):
                await a.do(Action.GET, key=ECHO)

    run(scenario())


def test_error_of_a_handler_keeps_its_code() -> None:
    """What a handler raises on purpose is raised again at the caller."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            handler.error = ConflictError("taken")
            assert (await handled(a, Action.POST)).error == "conflict: taken"
            with pytest.raises(ConflictError, match="taken"):
                await a.do(Action.POST, key=ECHO)
            handler.error = None

    run(scenario())


def test_failure_of_a_handler_shows_nothing_of_its_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The caller learns that it failed, the log of the node learns why, once."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            handler = await echo(a)
            handler.error = KeyError("secret")
            answer = await handled(a, Action.POST)
            assert answer.error.startswith("remote: service Echo--3 failed on POST")
            assert "secret" not in answer.error
            with pytest.raises(RemoteError):
                await a.do(Action.PUT, key=ECHO)
            handler.error = None
            assert (await handled(a, Action.POST, 1)).values == [1]

    run(scenario())
    assert len([record for record in caplog.records if record.exc_info]) == 2
    assert "secret" in caplog.text


def test_action_that_is_no_verb_is_refused() -> None:
    """An action of another protocol is an error, not a crash."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await echo(a)
            answer = await handled(a, Action.HANDLE)
            assert answer.error == "invalid-input: service Echo--3 has no action HANDLE"

    run(scenario())


@pytest.mark.feature("SVC-19")
def test_undelivered_message_reaches_the_failure_hook(caplog: pytest.LogCaptureFixture) -> None:
    """W-02: a message that came back is never taken for one of its receiver."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            empty = a.resources.elements.of()
            message = a.message(Action.POST, ECHO, failure="no such node", request=False)
            assert await a.services.handle(empty, message, a.nic) is None
            handler = await echo(a)
            assert await a.services.handle(empty, message, a.nic) is None
            handler.error = RuntimeError("broken hook")
            assert await a.services.handle(empty, message, a.nic) is None
            handler.error = None
            assert handler.life == ["activated", "failed", "failed"]
            assert handler.calls == []

    run(scenario())
    assert "broken hook" in caplog.text
