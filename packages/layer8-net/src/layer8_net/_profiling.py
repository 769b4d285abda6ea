# SPDX-License-Identifier: Apache-2.0
"""What a process spends its time on, as a service that others may ask for a while.

A thread looks at the stacks of all others many times a second. That costs the process a few
hundredths of its time, whatever it does, and needs no preparation of the code.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from l8types.errors import BusyError, InvalidInputError
from l8types.pb import L8Health
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8_net._asked import AskedService

if TYPE_CHECKING:
    from types import FrameType

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call

__all__ = ["MAX_SECONDS", "PROFILE", "ProfileService", "profile_agreement", "sample"]

PROFILE: Final = ServiceKey("Profile")
"""The service; it is asked of a node by the node's id."""
MAX_SECONDS: Final = 60.0
"""Longest time that a node is profiled for one request."""
_USUAL_SECONDS: Final = 5.0
_INTERVAL: Final = 0.01
_SHARE: Final = 0.8
"""Of the time that the caller waits, what the profile may take: the answer has to travel."""
_DEPTH: Final = 200
"""Innermost frames of a stack that are told."""
_STACKS: Final = 10_000
"""Different stacks that are told; further ones are counted together."""
_LINES: Final = 50
"""Places that memory is told of."""


def profile_agreement() -> ServiceLevelAgreement:
    """Agreement of the service, for a node whose settings allow it."""
    return ServiceLevelAgreement(
        name=PROFILE.name,
        area=PROFILE.area,
        handler=ProfileService,
        stateful=False,
    )


class ProfileService(AskedService):
    """Profiles this process, one caller at a time.

    It is asked with a number of seconds, or with a health record of this node, which takes 5. The
    answer is such a record: ``pprof_cpu`` has the stacks as text, one per line with the outermost
    frame first and its count at the end, as flame graphs are made of; ``pprof_memory`` has the
    places with most memory, if the interpreter was told to trace it (``PYTHONTRACEMALLOC``).
    """

    def __init__(self) -> None:
        self._running = False

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Know whose profile it is."""
        self._vnic = vnic

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Profile for a while.

        Raises:
            BusyError: Somebody else does already.
            InvalidInputError: It is not asked with a time, or with the record of another node.
        """
        seconds = self._seconds(elements.first)
        resources = self._vnic.resources
        if call.deadline is not None:
            left = call.deadline - resources.clock.monotonic()
            seconds = min(seconds, _SHARE * max(0.0, left))
        if self._running:
            raise BusyError(f"node {self._vnic.alias!r} is being profiled already; ask later")
        self._running = True
        stop = threading.Event()
        try:
            text = await asyncio.to_thread(sample, seconds, stop)
        finally:
            self._running = False
            stop.set()
        record = L8Health(
            a_uuid=self._vnic.uuid,
            alias=self._vnic.alias,
            pprof_cpu=text.encode(),
            pprof_memory=_memory().encode(),
        )
        return resources.elements.of(record)

    def _seconds(self, asked: object) -> float:
        if isinstance(asked, L8Health) and asked.a_uuid == self._vnic.uuid:
            return _USUAL_SECONDS
        if isinstance(asked, (int, float)) and not isinstance(asked, bool):
            if 0 < asked <= MAX_SECONDS:
                return float(asked)
            raise InvalidInputError(f"a profile of {asked} s; up to {MAX_SECONDS:g} are allowed")
        raise InvalidInputError("a profile is asked for with seconds, or the record of this node")


def sample(seconds: float, stop: threading.Event) -> str:
    """What all other threads do for a while, as lines of stacks and how often they were seen.

    Args:
        seconds: How long; the calling thread is blocked.
        stop: Set by another thread to end it early.
    """
    own, seen, looks = threading.get_ident(), Counter[str](), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stop.wait(_INTERVAL):
        looks += 1
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():  # noqa: SLF001 - there is no other way
            if ident != own:
                stack = _stack(names.get(ident, "?"), frame)
                seen[stack if stack in seen or len(seen) < _STACKS else "others"] += 1
    lines = [f"{stack} {count}" for stack, count in seen.most_common()]
    return "\n".join([f"# {looks} looks at all threads in {seconds:.3g} s", *lines, ""])


def _stack(thread: str, frame: FrameType | None) -> str:
    places: list[str] = []
    while frame is not None and len(places) < _DEPTH:
        code = frame.f_code
        file = PurePath(code.co_filename).name
        places.append(f"{code.co_qualname} ({file}:{frame.f_lineno})")
        frame = frame.f_back
    return ";".join([thread, *reversed(places)])


def _memory() -> str:
    if not tracemalloc.is_tracing():
        return "# memory is not traced; PYTHONTRACEMALLOC=1 in the environment of the process does"
    places = tracemalloc.take_snapshot().statistics("lineno")
    total = sum(place.size for place in places)
    lines = [f"{place.size} {place.traceback}" for place in places[:_LINES]]
    return "\n".join([f"# {total} bytes", *lines, ""])
