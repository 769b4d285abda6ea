# SPDX-License-Identifier: Apache-2.0
"""The suites about what runs pass an implementation that keeps its promises, catch each mutant."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from l8test.conformance import (
    ActivationConformance,
    DispatcherConformance,
    SecurityConformance,
    VNicConformance,
    WebServerConformance,
)
from l8types.enums import AuthStatus, DirectoryEventType, MulticastMode
from l8types.errors import L8Error, PermissionDeniedError, RequestTimeoutError
from l8types.values import AuthResult, Identity, NodeInfo

from .fake_network import FakeGateway, FakeNetwork, FakeServices, FakeVNic
from .fake_security import VERA, FakeSecurity, fixtures_of
from .harness import Fixtures, failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FIRST, SECOND = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))


def mutant(base: type, **members: Any) -> type:
    """A class that differs in these members."""
    return type("Mutant", (base,), members)


def providers(**members: Any) -> Fixtures:
    """Fixtures with a security provider that differs in these members."""
    return fixtures_of(mutant(FakeSecurity, **members))


def nodes(**members: Any) -> Fixtures:
    """Fixtures with a service manager that differs in these members."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        services = mutant(FakeServices, **members)()
        async with FakeVNic(FakeNetwork(), FIRST, services) as vnic:
            yield vnic

    return {"open_node": lambda: opened}


def pairs(**members: Any) -> Fixtures:
    """Fixtures with interfaces to the network that differ in these members."""

    @asynccontextmanager
    async def opened(first: Any, second: Any) -> AsyncIterator[Any]:
        network, make = FakeNetwork(), mutant(FakeVNic, **members)
        async with AsyncExitStack() as stack:
            yield (
                await stack.enter_async_context(make(network, FIRST, first)),
                await stack.enter_async_context(make(network, SECOND, second)),
            )

    return {"open_pair": lambda: opened}


def gateways(**members: Any) -> Fixtures:
    """Fixtures with a web gateway that differs in these members."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        make = mutant(FakeGateway, **members)
        yield SimpleNamespace(vnic=None, factory=SimpleNamespace(create=lambda vnic, **_: make()))

    return {"open_host": lambda: opened}


async def telling(self: FakeSecurity, user: str, password: str) -> AuthResult:
    """A log-in that tells whether the user exists."""
    if user != VERA.user:
        return AuthResult(AuthStatus.REFUSED, reason="no such user")
    return await FakeSecurity.authenticate(self, user, password)


async def trusting(self: FakeSecurity, user: str, password: str) -> AuthResult:
    """A log-in without a look at the password."""
    return await FakeSecurity.authenticate(self, VERA.user, VERA.password)


async def any_token(self: FakeSecurity, token: str) -> Identity:
    """A validation that finds every token good."""
    return Identity(VERA.identity)


async def revoke_all(self: FakeSecurity, token: str) -> None:
    """A revocation of every token."""
    self.valid.clear()


async def allow(self: FakeSecurity, *_: object) -> None:
    """An authorization without a look."""


async def deny(self: FakeSecurity, *_: object) -> None:
    """An authorization of nothing."""
    raise PermissionDeniedError("Books are not for you")


async def activate_again(self: FakeServices, sla: Any, vnic: Any) -> Any:
    """An activation over a running service."""
    self.running.pop(sla.key, None)
    return await FakeServices.activate(self, sla, vnic)


async def announce_first(self: FakeServices, sla: Any, vnic: Any) -> Any:
    """An activation that promises before it can keep."""
    await vnic.announce(sla.key)
    return await FakeServices.activate(self, sla, vnic)


async def stop_quietly(self: FakeServices, key: Any) -> None:
    """A deactivation that nobody hears of."""
    handler, _ = self.running.pop(key)
    await handler.deactivate()


async def forget_all(self: FakeServices) -> None:
    """A closing that stops nothing."""
    self.running.clear()


async def raise_errors(self: FakeServices, elements: Any, message: Any, vnic: Any) -> Any:
    """A dispatch whose errors are raised."""
    answer = await FakeServices.handle(self, elements, message, vnic)
    return answer and answer.raise_for_error()


async def answer_all(self: FakeServices, elements: Any, message: Any, vnic: Any) -> Any:
    """A dispatch that answers what asked for no answer."""
    return await FakeServices.handle(self, elements, message, vnic) or elements


async def only_post(self: FakeServices, call: Any, elements: Any) -> Any:
    """A dispatch to one verb."""
    return await self.handler(call.key).post(elements, call)


async def abandoned(self: FakeServices, *arguments: Any, timeout: Any = None, **more: Any) -> Any:
    """A call that leaves the service alone when its time is over."""
    work = asyncio.get_running_loop().create_task(CALL(self, *arguments, **more))
    done, _ = await asyncio.wait([work], timeout=timeout)
    if not done:
        LEFT_ALONE.append(work)
        raise RequestTimeoutError("no answer")
    return work.result()


CALL = FakeServices.call


async def hidden_error(self: FakeVNic, target: Any, message: Any, timeout: Any) -> Any:
    """A request whose errors are left to its caller."""
    [uuid] = self.targets(target, message.key)
    return await self.deliver(uuid, message)


async def patient(self: FakeVNic, target: Any, message: Any, timeout: Any) -> Any:
    """A request that waits for ever."""
    return await ASK(self, target, message, None)


ASK = FakeVNic.ask


async def twice(self: FakeVNic, uuid: str, message: Any) -> Any:
    """A delivery of everything, twice when nobody waits for an answer."""
    if not message.request:
        await DELIVER(self, uuid, message)
    return await DELIVER(self, uuid, message)


DELIVER = FakeVNic.deliver


async def overtaking(self: FakeVNic, *arguments: Any, **more: Any) -> None:
    """A sending in which every other message overtakes the one before."""
    held = self.__dict__.setdefault("held", [])
    held.append((arguments, more))
    if len(held) == 2:
        while held:
            arguments, more = held.pop()
            await SEND(self, *arguments, **more)


SEND = FakeVNic.send


def others_only(self: FakeVNic, target: Any, key: Any) -> list[str]:
    """Receivers, at a multicast without the sender."""
    found = TARGETS(self, target, key)
    return [uuid for uuid in found if target is not MulticastMode.ALL or uuid != self.uuid]


def anywhere(self: FakeVNic, target: Any, key: Any) -> list[str]:
    """Receivers, and someone else when there are none."""
    return TARGETS(self, target, key) or [SECOND]


def after_the_end(self: FakeVNic, target: Any, key: Any) -> list[str]:
    """Receivers, also of a node that was left."""
    self.running = True
    return TARGETS(self, target, key)


TARGETS = FakeVNic.targets


async def silent_withdrawal(self: FakeVNic, service: Any) -> None:
    """A withdrawal that nobody hears of."""


async def anonymous(self: FakeVNic, *arguments: Any, identity: str = "", **more: Any) -> Any:
    """A request that does not say who asks."""
    return await REQUEST(self, *arguments, **more)


REQUEST = FakeVNic.request


async def uninterrupted(self: FakeVNic, target: Any, message: Any, timeout: Any) -> Any:
    """A request that is worked on to its end, whoever waits for it."""
    work = asyncio.get_running_loop().create_task(ASK(self, target, message, timeout))
    LEFT_ALONE.append(work)
    await asyncio.wait([work])
    return work.result()


LEFT_ALONE: list[asyncio.Task[Any]] = []


async def in_one_go(self: FakeVNic, *arguments: Any, **more: Any) -> Any:
    """A stream whose parts are all made before the first is read."""
    for part in [part async for part in STREAM(self, *arguments, **more)]:
        yield part


async def lossy(self: FakeVNic, *arguments: Any, **more: Any) -> Any:
    """A stream that loses a part."""
    number = 0
    async for part in STREAM(self, *arguments, **more):
        number += 1
        if number != 300:
            yield part


async def silent_stream(self: FakeVNic, *arguments: Any, **more: Any) -> Any:
    """A stream that ends where it should fail."""
    try:
        async for part in STREAM(self, *arguments, **more):
            yield part
    except L8Error:
        return


STREAM = FakeVNic.stream


async def hasty(self: FakeVNic, timeout: float | None = None) -> None:
    """A drain that waits for nobody."""
    self.offer({})


async def unheard(self: FakeVNic, timeout: float | None = None) -> None:
    """A drain that tells nobody."""
    while self.working:
        await asyncio.sleep(0)


async def lose_batches(self: FakeVNic, *_: object) -> None:
    """A leaving that forgets what was collected."""
    self.running = False


def eager(self: FakeVNic, *arguments: Any, **limits: Any) -> Any:
    """A batch that sends each item on its own."""
    return BATCH(self, *arguments, **(limits | {"max_items": 1}))


def patient_batch(self: FakeVNic, *arguments: Any, **limits: Any) -> Any:
    """A batch that sends nothing by itself."""
    return BATCH(self, *arguments, **(limits | {"interval": 60.0}))


BATCH = FakeVNic.batch


async def join_as_stranger(self: FakeVNic) -> FakeVNic:
    """A start under another alias."""
    await ENTER(self)
    info = NodeInfo(self.uuid, "stranger", "switch")
    self.network.tell(DirectoryEventType.JOINED, info)
    return self


ENTER = FakeVNic.__aenter__


async def stay_open(self: FakeGateway, *_: object) -> None:
    """A closing that leaves the port open."""
    self.running = False
    TO_CLOSE.append(self.server)


TO_CLOSE: list[asyncio.Server] = []

SOUND: list[tuple[type, Fixtures]] = [
    (SecurityConformance, providers()),
    (ActivationConformance, nodes()),
    (DispatcherConformance, nodes()),
    (VNicConformance, pairs()),
    (WebServerConformance, gateways()),
]

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (SecurityConformance, providers(encrypt=lambda self, data: data), "test_hides"),
    (SecurityConformance, providers(decrypt=lambda self, data: data[36:]), "test_damage"),
    (SecurityConformance, providers(authenticate=telling), "test_refused"),
    (SecurityConformance, providers(authenticate=trusting), "test_refused"),
    (SecurityConformance, providers(validate=any_token), "test_bad_token"),
    (SecurityConformance, providers(revoke=allow), "test_revoke"),
    (SecurityConformance, providers(revoke=revoke_all), "test_revoke"),
    (SecurityConformance, providers(authorize=allow), "test_denied"),
    (SecurityConformance, providers(authorize=deny), "test_allowed"),
    (SecurityConformance, providers(system_config=lambda self: self.config), "test_system_config"),
    (ActivationConformance, nodes(activate=activate_again), "test_twice"),
    (ActivationConformance, nodes(activate=announce_first), "test_failing_start"),
    (ActivationConformance, nodes(deactivate=stop_quietly), "test_announced"),
    (ActivationConformance, nodes(aclose=forget_all), "test_close"),
    (DispatcherConformance, nodes(handle=raise_errors), "test_failing_request"),
    (DispatcherConformance, nodes(handle=answer_all), "test_message_without_answer"),
    (DispatcherConformance, nodes(run=only_post), "test_call"),
    (DispatcherConformance, nodes(call=abandoned), "test_call_of_a_hanging_service"),
    (DispatcherConformance, nodes(run=only_post), "test_undelivered"),
    (VNicConformance, pairs(ask=hidden_error), "test_error"),
    (VNicConformance, pairs(ask=patient), "test_time_out"),
    (VNicConformance, pairs(deliver=twice), "test_multicast"),
    (VNicConformance, pairs(send=overtaking), "test_order"),
    (VNicConformance, pairs(targets=others_only), "test_multicast"),
    (VNicConformance, pairs(targets=anywhere), "test_unknown_node"),
    (VNicConformance, pairs(targets=after_the_end), "test_closed"),
    (VNicConformance, pairs(withdraw=silent_withdrawal), "test_announcement"),
    (VNicConformance, pairs(request=anonymous), "test_request"),
    (VNicConformance, pairs(ask=uninterrupted), "test_cancellation"),
    (VNicConformance, pairs(stream=lossy), "test_stream"),
    (VNicConformance, pairs(stream=silent_stream), "test_stream_error"),
    (VNicConformance, pairs(stream=in_one_go), "test_stream_stop"),
    (VNicConformance, pairs(drain=hasty), "test_drain"),
    (VNicConformance, pairs(drain=unheard), "test_drain"),
    (VNicConformance, pairs(batch=eager), "test_batch"),
    (VNicConformance, pairs(batch=patient_batch), "test_batch_time"),
    (VNicConformance, pairs(__aexit__=lose_batches), "test_batch_close"),
    (VNicConformance, pairs(__aenter__=join_as_stranger), "test_directory"),
    (WebServerConformance, gateways(__aexit__=stay_open), "test_answers"),
    (WebServerConformance, gateways(url="http://127.0.0.1:0"), "test_free_port"),
    (
        WebServerConformance,
        gateways(conceal=lambda self, key: self.exposed.pop(key)),
        "test_expose",
    ),
]


@pytest.mark.parametrize(("suite", "fixtures"), SOUND)
def test_sound(suite: type, fixtures: Fixtures) -> None:
    """An implementation that keeps its promises passes."""
    assert failures(suite, fixtures) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """An implementation that breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
