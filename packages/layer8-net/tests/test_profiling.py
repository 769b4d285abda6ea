# SPDX-License-Identifier: Apache-2.0
"""A process that tells what it spends its time on."""

from __future__ import annotations

import asyncio
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, cast

import pytest

from l8types.enums import Action
from l8types.errors import BusyError, InvalidInputError
from l8types.pb import L8Health
from l8types.protocols.services import Call
from layer8_net import ProfileService, TcpVNic, profile_agreement
from layer8_net._profiling import PROFILE, sample

from .fakes import FakeElements, make_vnic, resources

if TYPE_CHECKING:
    from l8types.protocols.data import Elements


def burn(stop: threading.Event) -> None:
    """What a profile has to show."""
    while not stop.is_set():
        sum(range(1000))


def test_stacks() -> None:
    """What a thread is busy with is seen, with the way to it, most often first."""
    stop = threading.Event()
    thread = threading.Thread(target=burn, args=(stop,), name="busy")
    thread.start()
    try:
        lines = sample(0.3, threading.Event()).splitlines()
    finally:
        stop.set()
        thread.join()
    assert lines[0].startswith("# ")
    [busy, *_] = [line for line in lines if line.startswith("busy;") and "burn (test_prof" in line]
    counts = [int(line.rpartition(" ")[2]) for line in lines[1:]]
    assert counts == sorted(counts, reverse=True)
    assert busy.index("Thread.run") < busy.index("burn")


def test_early_end() -> None:
    """Who does not want it any more ends it."""
    stop = threading.Event()
    stop.set()
    begun = time.monotonic()
    assert sample(60.0, stop).startswith("# 0 looks")
    assert time.monotonic() - begun < 10.0


def asked(*values: object) -> Elements:
    """A question."""
    return cast("Elements", FakeElements(values))


async def _service() -> tuple[ProfileService, TcpVNic]:
    vnic = make_vnic(resources())
    service = ProfileService()
    await service.activate(profile_agreement(), vnic)
    return service, vnic


def _call(vnic: TcpVNic, deadline: float | None = None) -> Call:
    return Call(vnic, Action.GET, PROFILE, deadline=deadline)


async def test_record() -> None:
    """The answer is the record of the node, with the stacks and where memory is, if traced."""
    service, vnic = await _service()
    tracemalloc.start()
    try:
        answer = await service.get(asked(0.05), _call(vnic))
    finally:
        tracemalloc.stop()
    record = cast("L8Health", answer.first)
    assert record.a_uuid == vnic.uuid
    assert b"looks at all threads" in record.pprof_cpu
    assert record.pprof_memory.splitlines()[0].endswith(b" bytes")


async def test_deadline() -> None:
    """It takes no longer than the caller waits, and leaves time for the answer to travel."""
    service, vnic = await _service()
    begun = time.monotonic()
    record = L8Health(a_uuid=vnic.uuid)
    await service.get(asked(record), _call(vnic, deadline=begun + 0.2))
    assert time.monotonic() - begun < 4.0


async def test_one_at_a_time() -> None:
    """A second caller is told to wait; a caller that is cancelled leaves the way free."""
    service, vnic = await _service()
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(service.get(asked(60), _call(vnic)))
        while not service._running:
            await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await service.get(asked(1), _call(vnic))
        first.cancel()
    answer = await service.get(asked(0.01), _call(vnic))
    assert answer.first


@pytest.mark.parametrize(
    "question", [0, -1, 60.5, float("nan"), True, "x", None, L8Health(a_uuid="o")]
)
async def test_bad_questions(question: object) -> None:
    """Times that make no sense, and records of others, are refused."""
    service, vnic = await _service()
    with pytest.raises(InvalidInputError):
        await service.get(asked(question), _call(vnic))


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
async def test_it_can_only_be_asked(verb: str) -> None:
    """All verbs that change something are refused; notices change nothing."""
    service, vnic = await _service()
    with pytest.raises(InvalidInputError, match="asked, not changed"):
        await getattr(service, verb)(asked(1), _call(vnic))
    await service.notify(asked(1), _call(vnic))
    await service.failed(asked(1), _call(vnic))
    await service.deactivate()
