# SPDX-License-Identifier: Apache-2.0
"""Calls to other nodes: routed, guarded by breakers, asked elsewhere when that is safe, cancelled.

A request is asked elsewhere only when it certainly was not executed: it came back undelivered, or
the node that it reached no longer offers the service. Everything else is the caller's decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import msgspec

from l8types.enums import MulticastMode
from l8types.errors import L8Error, OverloadedError, RequestTimeoutError, UnavailableError
from l8types.protocols.net import Target
from l8types.values import ServiceKey
from layer8_net._core.breaker import Breakers, Outcome
from layer8_net._core.routing import Router
from layer8_net._core.stream import Window
from layer8_net._core.targets import Address
from layer8_net._streams import Inlet
from layer8_net._trouble import Trouble
from layer8_net.errors import CircuitOpenError, MovedError, NoInstanceError, UnknownServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from layer8_net._core.usual import Letter
    from layer8_net._link import Link
    from layer8_net._machines import Waiter
    from layer8_net._options import VNicOptions
    from layer8_net._session import Session

    Build = Callable[[Address, int, float], bytes | Letter]
    """Makes the frame for an address, a sequence number and the seconds that are left."""

__all__ = ["Call", "Calls", "wake"]

_LATENCIES: Final = 1024
"""Latencies kept between two reports to the metrics sink; under load the sample is that large."""


class Call(msgspec.Struct, frozen=True):
    """What is called."""

    target: Target
    service: str
    area: int
    limit: float
    """Seconds until its time is over."""
    size_bytes: int
    """What it costs to keep it while there is no connection."""
    build: Build


class _Route(msgspec.Struct, frozen=True):
    node: str
    """Id of the receiver, "" when the switch picks one."""
    address: Address
    any: bool
    """Whether another provider would do as well."""


class Calls:
    """Makes the calls of one interface.

    Args:
        session: The running half of the interface.
        options: Limits, and when breakers open.
    """

    def __init__(self, session: Session, options: VNicOptions) -> None:
        self._session = session
        self._core = session.core
        self._now = session.now
        self._max_pending = options.max_pending
        self._services = session.services
        self.router = Router(session.me.uuid, session.core.directory)
        self.breakers = Breakers(options.breaker)
        self.trouble = Trouble(session.me.alias, session.now)
        self.latencies: deque[float] = deque(maxlen=_LATENCIES)
        """Seconds that recent requests took."""
        self.moved = 0
        """Requests that were asked elsewhere, since where they were sent they were not executed."""

    async def ask(self, call: Call) -> bytes:
        """Send a request and wait for the data of its answer.

        Raises:
            L8Error: As ``Requester.request`` says, but for what the provider answered.
        """
        deadline = self._now() + call.limit
        tried: set[str] = set()
        try:
            while True:
                link = (
                    self._session.ready_link
                    or self._session.connected_link()
                    or await self._wait_link(call, deadline)
                )
                route = self._route(call, tried)
                try:
                    return await self._once(link, route, call, deadline)
                except UnavailableError as error:
                    self._try_elsewhere(route, error, call, tried)
        except asyncio.CancelledError:
            self._note("cancelled", call, "the caller was cancelled", logging.DEBUG)
            raise
        except L8Error as error:
            self._note(error.code, call, error.message)
            raise

    async def _once(self, link: Link, route: _Route, call: Call, deadline: float) -> bytes:
        now = self._now()
        left = deadline - now
        waiter: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        outcome = Outcome.NEUTRAL
        sequence = self._begin(waiter, route, call, left, now)
        try:
            self._session.put(link, call.build(route.address, sequence, left))
            if link.pressure:
                await link.drain()
            data = await waiter
            outcome = Outcome.GOOD
        except asyncio.CancelledError:
            self._cancel(route.node, call, sequence)
            raise
        except (RequestTimeoutError, OverloadedError):
            outcome = Outcome.BAD
            self._cancel(route.node, call, sequence)
            raise
        finally:
            self._core.pending.close(sequence)
            ended = self._now()
            self.breakers.end((route.node, call.service, call.area), outcome, ended)
        self.latencies.append(ended - now)
        return data

    async def stream(self, call: Call) -> AsyncGenerator[bytes, None]:
        """Send a request and give the parts of its answer as they come.

        Raises:
            L8Error: As for :meth:`ask`; the time-out counts for each part, while it is waited for.
        """
        tried: set[str] = set()
        begun = False
        try:
            while True:
                deadline = self._now() + call.limit
                link = self._session.connected_link() or await self._wait_link(call, deadline)
                route = self._route(call, tried)
                try:
                    async with aclosing(self._read(link, route, call)) as parts:
                        async for part in parts:
                            begun = True
                            yield part
                except UnavailableError as error:
                    if begun:
                        raise
                    self._try_elsewhere(route, error, call, tried)
                else:
                    return
        except L8Error as error:
            self._note(error.code, call, error.message)
            raise

    async def _read(self, link: Link, route: _Route, call: Call) -> AsyncGenerator[bytes, None]:
        core, inlet = self._core, Inlet(route.node)
        outcome = Outcome.NEUTRAL
        sequence = self._begin(inlet, route, call, call.limit, self._now())
        if core.controls is not None:
            core.controls.windows[sequence] = Window()
        ended = False
        try:
            await self._session.post(link, call.build(route.address, sequence, call.limit))
            while not ended:
                part = await self._next(inlet, sequence)
                outcome = Outcome.GOOD
                ended = part is None
                if part is not None:
                    yield part
                    self._grant(inlet, call, sequence, len(part))
        except RequestTimeoutError:
            outcome = Outcome.BAD
            raise
        finally:
            core.pending.close(sequence)
            if core.controls is not None:
                core.controls.windows.pop(sequence, None)
            if not ended:
                self._cancel(inlet.source, call, sequence)
            self.breakers.end((route.node, call.service, call.area), outcome, self._now())

    async def _next(self, inlet: Inlet, sequence: int) -> bytes | None:
        """The next part; only while it is waited for its time runs."""
        if inlet.ready:
            return await inlet.next()
        self._core.pending.resume(sequence, self._now())
        self._session.alarm.set()
        try:
            return await inlet.next()
        finally:
            self._core.pending.suspend(sequence)

    async def echo(self, nodes: Iterable[str], limit: float) -> None:
        """Wait until all that nodes sent to this one before now has arrived, or they are gone.

        Args:
            nodes: Ids of the nodes.
            limit: Seconds to wait at most.
        """
        core, link = self._core, self._session.link
        if core.controls is None or link is None:
            return
        now = self._now()
        waiters: dict[int, asyncio.Future[bytes]] = {}
        for node in nodes:
            waiter: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            sequence = core.open_request(waiter, core.address(node, one=True)[0], limit, now)
            waiters[sequence] = waiter
            link.send([core.controls.echo_request_frame(node, sequence)])
        self._session.alarm.set()
        try:
            if waiters:
                await asyncio.wait(waiters.values())
        finally:
            for sequence, waiter in waiters.items():
                core.pending.close(sequence)
                if not waiter.cancel():
                    # Whether it answered or left: nothing of it is on its way any more.
                    waiter.exception()

    # The parts of a call

    def _begin(
        self,
        waiter: asyncio.Future[bytes] | Inlet,
        route: _Route,
        call: Call,
        left: float,
        now: float,
    ) -> int:
        """Register a call; its sequence number."""
        if left <= 0:
            raise RequestTimeoutError(f"the {call.limit:g} s were over before it was sent")
        if len(self._core.pending) >= self._max_pending:
            raise OverloadedError(f"{self._max_pending} requests wait for answers already")
        if not self.breakers.begin((route.node, call.service, call.area), now):
            where = f" on node {route.node}" if route.node else ""
            raise CircuitOpenError(
                f"service {call.service!r} area {call.area}{where} failed too often lately; "
                "not tried, try again later"
            )
        sequence = self._core.open_request(waiter, route.address[0], left, now)
        self._session.alarm.by(now + left)
        return sequence

    def _route(self, call: Call, tried: set[str]) -> _Route:
        target, core = call.target, self._core
        if isinstance(target, str) and target:
            return _Route(target, core.address(target, one=True), any=False)
        address = core.address(target, one=True)
        mode = address[1] or MulticastMode.ROUND_ROBIN
        node = self._pick(mode, call, tried)
        if not node:
            # Nobody here knows a provider; the switch may have heard of one just now.
            return _Route("", address, any=True)
        return _Route(node, (core.address(node, one=True)[0], mode), any=True)

    def _pick(self, mode: MulticastMode, call: Call, tried: set[str]) -> str:
        if mode is MulticastMode.LEADER:
            leader = self._services().leader(ServiceKey(call.service, call.area))
            return "" if leader in tried else leader
        if mode is MulticastMode.LOCAL:
            # What this node offers does not come here; the switch says that there is nobody.
            return ""
        avoided = tried
        if len(self.breakers):
            avoided = tried | self.breakers.blocked(call.service, call.area, self._now())
        node = self.router.pick(mode, call.service, call.area, avoided)
        if not node and avoided and self.router.known(call.service, call.area):
            what = f"service {call.service!r} area {call.area}"
            if avoided - tried:
                raise CircuitOpenError(
                    f"all providers of {what} failed too often lately; not tried, try again later"
                )
            raise NoInstanceError(f"none of the {len(tried)} providers of {what} took the request")
        return node

    def _try_elsewhere(
        self, route: _Route, error: UnavailableError, call: Call, tried: set[str]
    ) -> None:
        """Return when a failed request is to be sent to another provider.

        Raises:
            UnavailableError: It is not; the same error, or one that says more.
        """
        came_back = type(error) in {UnavailableError, MovedError}
        if not route.any or not came_back or self._core.controls is None:
            raise error
        if not route.node:
            raise self._nobody(call, error) from error
        self.moved += 1
        tried.add(route.node)

    def _nobody(self, call: Call, error: UnavailableError) -> UnavailableError:
        if (call.service, call.area) in self._session.seen:
            return NoInstanceError(error.message)
        return UnknownServiceError(error.message)

    async def _wait_link(self, call: Call, deadline: float) -> Link:
        """The connection, once there is one again.

        Raises:
            UnavailableError: It did not come back in time.
        """
        waitlist = self._session.waitlist
        waitlist.reserve(call.size_bytes)
        try:
            async with asyncio.timeout(max(0.0, deadline - self._now())):
                while (link := self._session.connected_link()) is None:
                    await self._session.online.wait()
        except TimeoutError as error:
            reason = f"the connection to the switch did not come back within {call.limit:g} s"
            raise UnavailableError(reason) from error
        finally:
            waitlist.release(call.size_bytes)
        return link

    def _cancel(self, node: str, call: Call, sequence: int) -> None:
        """Tell who works on a call that nobody waits any more."""
        controls, link = self._core.controls, self._session.link
        if controls is None or link is None or not node:
            return
        wire = self._core.address(node, one=True)[0]
        link.send([controls.cancel_frame(wire, call.service, call.area, sequence)])

    def _grant(self, inlet: Inlet, call: Call, sequence: int, size_bytes: int) -> None:
        controls, link = self._core.controls, self._session.link
        grant = None if controls is None else controls.consume(sequence, size_bytes)
        if controls is None or link is None or grant is None:
            return
        wire = self._core.address(inlet.source, one=True)[0]
        link.send([controls.credit_frame(wire, call.service, call.area, sequence, grant)])

    def _note(self, code: str, call: Call, text: str, level: int = logging.WARNING) -> None:
        self.trouble.note(code, call.service, call.area, text, level=level)


def wake(answers: list[tuple[Waiter, L8Error | None, bytes]]) -> None:
    """Give those who wait their answers, or the errors that there are instead."""
    for waiter, error, data in answers:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(data)
        else:
            waiter.set_exception(error)
