# SPDX-License-Identifier: Apache-2.0
"""Targets on their way to the collectors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from collect import TARGETS, FeederSettings, TargetFeeder, TargetsHook
from collect._assignment import owner_of
from collect.model import CJob, L8PTarget, L8PTargetList
from collect.model.pollaris_pb2 import L8PTargetState
from l8types.enums import Action, DirectoryEventType
from l8types.errors import InvalidInputError, NotFoundError, UnavailableError
from l8types.protocols.services import HookResult, ServiceHook
from l8types.values import DirectoryEvent, NodeInfo, ServiceKey

from .fakes import FakeVNic, until
from .targets import make_target

COLLECTORS = ServiceKey("Coll", 0)
HOOK: ServiceHook = TargetsHook()
QUICK = FeederSettings(page=2, settle=0.0, retry=0.001)


def make_vnic(*collectors: str) -> FakeVNic:
    """A network with these collectors."""
    vnic = FakeVNic()
    vnic.directory.services[COLLECTORS] = collectors
    return vnic


async def after(vnic: FakeVNic, action: Action, item: object) -> None:
    """Run the hook after a write."""
    assert await HOOK.after(item, vnic.call(action, TARGETS)) == HookResult()


def messages(vnic: FakeVNic) -> list[tuple[object, str, str]]:
    """What was sent: to whom, what to do, with which target."""
    return [(sent.target, sent.action.name, sent.payload.target_id) for sent in vnic.sent]


@pytest.mark.feature("TGT-12")
@pytest.mark.parametrize("action", [Action.POST, Action.PUT])
async def test_a_target_that_is_up_goes_to_one_collector(action: Action) -> None:
    """The others are told to leave it alone."""
    vnic = make_vnic("a", "b", "c")
    await after(vnic, action, make_target())
    owner = owner_of("t1", ("a", "b", "c"))
    expected = [(name, "POST" if name == owner else "DELETE", "t1") for name in "abc"]
    assert messages(vnic) == expected


@pytest.mark.feature("TGT-13")
async def test_a_target_that_is_not_up_is_stopped_everywhere() -> None:
    """Since nobody knows for sure who polled it."""
    vnic = make_vnic("a", "b")
    await after(vnic, Action.PATCH, make_target(state=L8PTargetState.Down))
    assert messages(vnic) == [("a", "POST", "t1"), ("b", "POST", "t1")]
    assert all(sent.payload.state == L8PTargetState.Down for sent in vnic.sent)


async def test_a_deleted_target_is_stopped_everywhere() -> None:
    """Whatever its last state."""
    vnic = make_vnic("a", "b")
    await after(vnic, Action.DELETE, make_target())
    assert messages(vnic) == [("a", "DELETE", "t1"), ("b", "DELETE", "t1")]


@pytest.mark.feature("TGT-13")
async def test_a_patched_state_takes_the_stored_target_along() -> None:
    """A collector can do nothing with a part of a target."""
    vnic = make_vnic("a")
    vnic.resources.services.pages = [[L8PTargetList(list=[make_target()])]]
    await after(vnic, Action.PATCH, L8PTarget(target_id="t1", state=L8PTargetState.Up))
    assert vnic.sent[0].payload == make_target()
    (asked,) = vnic.resources.services.calls
    assert asked.values == [L8PTarget(target_id="t1")]


@pytest.mark.parametrize(
    "failure", [UnavailableError("the collector is gone"), NotFoundError("no provider")]
)
async def test_a_collector_that_cannot_be_reached_does_not_fail_the_write(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The target is stored; it will be brought later."""
    vnic = make_vnic("a")
    vnic.failure = failure
    await after(vnic, Action.POST, make_target())
    assert f"target t1 did not reach a collector: {failure}" in caplog.text
    await after(make_vnic(), Action.POST, make_target())


async def test_a_stored_target_that_is_gone_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Somebody deleted it meanwhile."""
    await after(make_vnic("a"), Action.PATCH, L8PTarget(target_id="t1"))
    assert "target 't1' is not stored" in caplog.text


async def test_a_target_that_nobody_could_poll_is_refused() -> None:
    """Before it is stored; a part of a target and a read are not looked at."""
    vnic = make_vnic("a")
    with pytest.raises(InvalidInputError, match="has no hosts"):
        await HOOK.before(L8PTarget(target_id="t", links_id="NetDev"), vnic.call(Action.POST))
    with pytest.raises(NotFoundError, match="links id 'Nope'"):
        await HOOK.before(make_target(links="Nope"), vnic.call(Action.PUT))
    for action in (Action.PATCH, Action.GET, Action.DELETE):
        assert await HOOK.before(L8PTarget(), vnic.call(action)) == HookResult()
    assert await HOOK.before(make_target(), vnic.call(Action.POST)) == HookResult()


async def test_reads_and_other_items_bring_nothing() -> None:
    """Only writes of targets do."""
    vnic = make_vnic("a")
    await after(vnic, Action.GET, make_target())
    await after(vnic, Action.POST, CJob())
    assert vnic.sent == []


@asynccontextmanager
async def feeding(vnic: FakeVNic, settings: FeederSettings = QUICK) -> AsyncIterator[TargetFeeder]:
    """A feeder at work."""
    async with TargetFeeder(vnic.real, settings=settings) as feeder:
        assert feeder.running
        yield feeder
    assert not feeder.running
    assert vnic.directory.listeners == []


@pytest.mark.feature("TGT-14")
async def test_all_targets_that_are_up_are_brought_at_the_start() -> None:
    """Page by page."""
    vnic = make_vnic("a")
    down = make_target("t2", state=L8PTargetState.Down)
    vnic.resources.services.pages = [[make_target("t1"), down], [make_target("t3")]]
    async with feeding(vnic):
        await until(lambda: len(vnic.sent) == 2)
    assert messages(vnic) == [("a", "POST", "t1"), ("a", "POST", "t3")]
    texts = [str(call.query) for call in vnic.resources.services.calls]
    assert texts == [
        "select * from L8PTarget limit 2 page 0",
        "select * from L8PTarget limit 2 page 1",
    ]


@pytest.mark.feature("TGT-14")
async def test_a_collector_that_joins_gets_its_targets() -> None:
    """Also one that comes back under the id that it had."""
    vnic = make_vnic()
    async with feeding(vnic):
        for _ in range(2):
            vnic.resources.services.pages = [[make_target()]]
            count = len(vnic.sent)
            vnic.directory.set(COLLECTORS, "a")
            await until(lambda count=count: len(vnic.sent) == count + 1)  # type: ignore[misc]
    assert messages(vnic) == [("a", "POST", "t1")] * 2


async def test_a_lost_collector_loses_its_targets_to_the_others() -> None:
    """When the directory says so."""
    vnic = make_vnic("a", "b")
    lost = owner_of("t1", ("a", "b"))
    (left,) = {"a", "b"} - {lost}
    vnic.resources.services.pages = [[make_target()], [make_target()]]
    async with feeding(vnic):
        await until(lambda: len(vnic.sent) == 2)
        vnic.directory.services[COLLECTORS] = (left,)
        node = NodeInfo(lost, "alias", "switch")
        vnic.directory.listeners[0](DirectoryEvent(DirectoryEventType.CHANGED, node))
        await until(lambda: len(vnic.sent) == 3)
    assert messages(vnic)[2] == (left, "POST", "t1")


async def test_what_happens_to_other_nodes_is_no_reason_to_read_the_targets() -> None:
    """Only collectors count."""
    vnic = make_vnic("a")
    async with feeding(vnic):
        await until(lambda: vnic.resources.services.calls)
        other = NodeInfo("x", "alias", "switch", services={ServiceKey("Books"): "Book"})
        for kind in DirectoryEventType:
            vnic.directory.listeners[0](DirectoryEvent(kind, other))
        feeder_settled = len(vnic.resources.services.calls)
    assert len(vnic.resources.services.calls) == feeder_settled == 1


async def test_without_leading_or_collectors_nothing_is_read() -> None:
    """Another node does it, or nobody would take them."""
    vnic = make_vnic("a")
    vnic.resources.services.led_by = "another"
    async with feeding(vnic, FeederSettings(settle=0.0, refresh=0.001)):
        for _ in range(50):
            await until(lambda: True)
        vnic.resources.services.led_by = vnic.uuid
        await until(lambda: vnic.resources.services.calls)
    idle = make_vnic()
    async with feeding(idle):
        await until(lambda: idle.directory.listeners)
    assert idle.resources.services.calls == []


@pytest.mark.parametrize("error", [UnavailableError("not here yet"), ZeroDivisionError("oops")])
async def test_targets_that_cannot_be_read_are_read_later(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is logged."""
    vnic = make_vnic("a")
    vnic.resources.services.error = error
    async with feeding(vnic):
        await until(lambda: len(vnic.resources.services.calls) >= 2)
        vnic.resources.services.pages = [[make_target()]]
        vnic.resources.services.error = None
        await until(lambda: vnic.sent)
    assert str(error) in caplog.text


async def test_targets_are_brought_again_from_time_to_time() -> None:
    """A message may have been lost."""
    vnic = make_vnic("a")
    vnic.resources.services.pages = [[make_target()], [make_target()]]
    async with feeding(vnic, FeederSettings(settle=0.0, refresh=0.001)):
        await until(lambda: len(vnic.sent) == 2)
    assert cast("L8PTarget", vnic.sent[1].payload).target_id == "t1"
