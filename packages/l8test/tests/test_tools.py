# SPDX-License-Identifier: Apache-2.0
"""Clock, waiting and sample services."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import pytest

import l8test.conformance
from l8test import FakeClock, budget, until
from l8test.replicated import ReplicatedCountingService, replicated_sla
from l8test.services import CountingService, counting_sla
from l8test.transactional import TransactionalCountingService, transactional_sla
from l8types.enums import Action
from l8types.errors import ConflictError
from l8types.protocols.services import Call
from l8types.values import ServiceKey

from .fake_network import FakeNetwork, FakeServices, FakeVNic

VERBS = (Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET)


def test_clock_stands_still() -> None:
    """Time passes when the test says so, and for both readings alike."""
    clock = FakeClock(now=100.0)
    assert (clock.now(), clock.monotonic()) == (100.0, 0.0)
    clock.advance(2.5)
    clock.advance(0)
    assert (clock.now(), clock.monotonic()) == (102.5, 2.5)


def test_clock_is_turned() -> None:
    """Turning the wall clock lets no time pass; time itself never goes back."""
    clock = FakeClock(now=100.0)
    clock.set_wall(50.0)
    assert (clock.now(), clock.monotonic()) == (50.0, 0.0)
    with pytest.raises(ValueError, match="-1"):
        clock.advance(-1)


@pytest.mark.feature("TST-06")
async def test_until() -> None:
    """Waiting ends with the first true result, of a function or a coroutine function."""
    results = iter([0, "", "there"])
    assert await until(lambda: next(results)) == "there"

    async def ready() -> int:
        return 7

    assert await until(ready) == 7


@pytest.mark.feature("TST-06")
def test_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A promise is due in time while there are processors enough, and later by what is lacking."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    for load, seconds in ((0.1, 15.0), (2.0, 15.0), (9.0, 67.5)):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert budget(15.0) == seconds

    def unknown() -> tuple[float, float, float]:
        raise OSError

    monkeypatch.setattr("os.getloadavg", unknown)
    assert budget(15.0) == 15.0


async def test_until_never() -> None:
    """A condition that never holds is named when its time is over, with the last result."""
    with pytest.raises(TimeoutError, match=r"test_until_never.*within 0\.02 s; last result 0"):
        await until(lambda: 0, 0.02)
    with pytest.raises(TimeoutError, match=r"^the leader did not hold"):
        await until(lambda: None, 0.0, message="the leader")


async def call(service: CountingService, action: Action, content: object) -> object:
    """Call one verb of a service."""
    circumstances = Call(cast("Any", None), action, ServiceKey("Tests"))
    return await getattr(service, action.name.lower())(content, circumstances)


@pytest.mark.feature("TST-07", "TST-11")
async def test_service_counts_and_echoes() -> None:
    """A sample service answers with what it was given and counts by verb, until it is reset."""
    service = CountingService()
    for action in VERBS:
        assert await call(service, action, action) is action
    assert service.counts == dict.fromkeys(VERBS, 1)
    assert [one.action for one in service.calls] == list(VERBS)
    service.reset()
    assert (service.counts, service.calls) == ({}, [])


@pytest.mark.feature("TST-10")
async def test_service_fails_when_told() -> None:
    """A service that was told to fail raises on each verb, and counts all the same."""
    service = CountingService()
    service.failing = True
    for action in VERBS:
        with pytest.raises(ConflictError, match=f"told to fail on {action.name}"):
            await call(service, action, None)
    assert service.counts == dict.fromkeys(VERBS, 1)
    service.reset()
    assert await call(service, Action.GET, "again") == "again"


async def test_agreements() -> None:
    """An agreement activates the given instance, or makes one for each activation."""
    services, service = FakeServices(), CountingService()
    async with FakeVNic(FakeNetwork(), "node", services) as vnic:
        assert await services.activate(counting_sla(service, name="Mine", area=3), vnic) is service
        assert ServiceKey("Mine", 3) in services.active()
        first = await services.activate(counting_sla(), vnic)
        second = await services.activate(counting_sla(area=1), vnic)
        assert first is not second


def test_promises_are_told() -> None:
    """Every test of every suite states its promise in one sentence."""
    suites = [getattr(l8test.conformance, name) for name in l8test.conformance.__all__]
    tests = [
        test
        for suite in suites
        if isinstance(suite, type)
        for name, test in vars(suite).items()
        if name.startswith("test_")
    ]
    assert len(tests) > 150
    for test in tests:
        assert test.__doc__.endswith("."), test
        assert "\n" not in test.__doc__, test


@pytest.mark.feature("TST-12")
async def test_service_knows_its_instance() -> None:
    """By the alias of its node, or by what its agreement calls it."""
    vnic = cast("Any", FakeVNic(FakeNetwork(), "u1", FakeServices()))
    service = CountingService()
    assert service.instance == ""
    await service.activate(counting_sla(), vnic)
    assert service.instance == vnic.alias
    named = dataclasses.replace(counting_sla(), arguments={"instance": "left"})
    await service.activate(named, vnic)
    assert service.instance == "left"


@pytest.mark.feature("TST-08")
async def test_service_with_transactions() -> None:
    """Writes are staged, seen by nobody, and then made or dropped; a failing one stages nothing."""
    vnic = cast("Any", FakeVNic(FakeNetwork(), "u1", FakeServices()))
    vnic.resources.introspector = SimpleNamespace(primary_key=lambda item: item[0])
    of = vnic.resources.elements.of
    sla = transactional_sla()
    service = cast("TransactionalCountingService", sla.handler())
    await service.activate(sla, vnic)

    def call(action: Action) -> Call:
        return Call(vnic, action, sla.key)

    async def seen(*examples: str) -> list[object]:
        return list((await service.get(of(*examples), call(Action.GET))).values)

    staged = await service.stage(of("b1", "a1"), call(Action.POST))
    assert staged.changes == [("b", "b1"), ("a", "a1")]
    assert (list(staged.answer.values), await seen()) == (["b1", "a1"], [])
    service.unstage()
    assert service.staged == {}
    service.apply(staged.changes)
    assert await seen() == ["a1", "b1"]
    assert await seen("b?", "c?") == ["b1"]
    removed = await service.stage(of("a?"), call(Action.DELETE))
    assert (removed.changes, service.staged) == ([("a", None)], {"a": None})
    service.apply(removed.changes)
    assert (list(service.content()), service.staged) == ([("b", "b1")], {})
    service.failing = True
    with pytest.raises(ConflictError, match=r"Tests.* was told to fail on PUT"):
        await service.stage(of("b2"), call(Action.PUT))
    assert (service.staged, service.changed) == ({}, {"a": 2, "b": 1})
    service.reset()
    assert (service.failing, service.changed, list(service.items)) == (False, {}, ["b"])
    assert await service.initial() == ()


@pytest.mark.feature("TST-09")
async def test_service_with_replicas() -> None:
    """It tells keys and shares, counts what it wrote as which replica, and gives copies."""
    vnic = cast("Any", FakeVNic(FakeNetwork(), "u1", FakeServices()))
    vnic.resources.introspector = SimpleNamespace(primary_key=lambda item: item[0])
    vnic.resources.cloner = SimpleNamespace(clone=lambda item: f"copy of {item}")
    of = vnic.resources.elements.of
    sla = replicated_sla(count=3)
    assert (sla.replication_count, sla.transactional, sla.area) == (3, True, 2)
    service = cast("ReplicatedCountingService", sla.handler())
    await service.activate(sla, vnic)
    call = Call(vnic, Action.POST, sla.key)
    for number in (0, 2, 2):
        part = dataclasses.replace(of("b1", "a1"), replica=number)
        service.apply((await service.stage(part, call)).changes)
    assert service.replicas == {("a", 0): 1, ("b", 0): 1, ("a", 2): 2, ("b", 2): 2}
    assert list(service.keys_of(of("b?", "c?"))) == ["b", "c"]
    assert (service.item("a"), service.item("c")) == ("copy of a1", None)
    mine = await service.share(of(), call, lambda key: key == "b")
    assert list(mine.values) == ["b1"]

    async def ask(_: object, /, *, key: str | None = None) -> list[Any]:
        assert key is None
        return [of("c1"), of(), of("a1", "b1")]

    whole = await service.whole(of(), call, ask)
    assert list(whole.values) == ["a1", "b1", "c1"]
    service.reset()
    assert (service.replicas, service.changed, sorted(service.items)) == ({}, {}, ["a", "b"])
