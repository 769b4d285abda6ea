# SPDX-License-Identifier: Apache-2.0
"""The service manager of a node: the life of its services and the entry of every message."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from l8services._agreement import declare, validate
from l8services._dispatch import VERBS, run, run_parts
from l8services._election import ELECTIONS, REGISTRATIONS
from l8services._entry import ServiceEntry
from l8services._handlers import HandlerTypes
from l8services._leadership import NodeLeadership
from l8services._measure import Meter
from l8services._replication.group import ReplicatedGroup
from l8services._replication.service import REPLICAS, ReplicasService, replicas_sla
from l8services._transactions.opening import open_group
from l8services._transactions.prompt import within
from l8services._web import announce_web, withdraw_web
from l8types.enums import Action, MulticastMode
from l8types.errors import (
    ConflictError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    RequestTimeoutError,
)
from l8types.frozen import replace
from l8types.protocols.services import Call

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from l8types.protocols.data import Elements, Subscription
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import LeaderListener, ServiceHandler
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import Message, ServiceKey

__all__ = ["ServiceManager"]

DRAIN_TIMEOUT: Final = 5.0
"""Seconds that deactivation waits for the calls a service works on."""

_log = logging.getLogger(__name__)


class ServiceManager:
    """Runs the services of one node.

    One event loop owns it. Calls of one service may overlap; messages are dispatched in the order
    in which :meth:`handle` is called.

    Args:
        resources: The parts of the node.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._entries: dict[ServiceKey, ServiceEntry] = {}
        self._leaving: set[ServiceKey] = set()
        self._starting: set[ServiceKey] = set()
        self.handler_types = HandlerTypes()
        """Kinds of handlers that agreements may name."""
        self._leadership = NodeLeadership(resources)

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> ServiceHandler:
        """Start a service and announce it.

        The model and its keys are declared, the handler is made and activated, and only then the
        network learns of the service. When a step fails, the earlier ones are undone. Doing it
        again with an equal agreement changes nothing and gives the handler that runs.

        Raises:
            ConflictError: Name and area are active already under another agreement, or starting.
            InvalidInputError: The agreement contradicts itself or the network's profile.
            PropertyError: A key names an attribute that the model does not have.
            L8Error: What the handler raised.
        """
        key = sla.key
        active = self._entries.get(key)
        if active is not None and active.sla == sla and active.vnic is vnic:
            return active.handler
        if active is not None or key in self._starting:
            raise ConflictError(f"service {key} is active already; deactivate it first")
        validate(sla, self._resources)
        model = declare(sla, self._resources)
        self._leadership.attach(vnic.directory)
        self._starting.add(key)
        try:
            meter = Meter(key, self._resources.metrics)
            entry = ServiceEntry(sla, sla.handler(), vnic, model, meter)
            await entry.handler.activate(sla, vnic)
        finally:
            self._starting.discard(key)
        self._entries[key] = entry
        try:
            entry.transactions = await open_group(entry, self)
            await vnic.announce(key, model=model)
            await self._leadership.enter(sla, vnic)
            if sla.replication_count is not None:
                await self._show_replicas(vnic)
        except BaseException:
            del self._entries[key]
            await self._leadership.leave(sla, vnic)
            await self._stop(entry)
            raise
        await announce_web(sla.web, vnic)
        _log.info("service %s is active", key)
        return entry.handler

    async def _show_replicas(self, vnic: VNic) -> None:
        """Let it be asked which node holds what, from the first replicated service on."""
        if REPLICAS not in self._entries and REPLICAS not in self._starting:
            await self.activate(replicas_sla(self._replicated), vnic)

    async def _hide_replicas(self) -> None:
        """The reverse, with the last one."""
        entry = self._entries.get(REPLICAS)
        if entry and isinstance(entry.handler, ReplicasService) and not self._replicated():
            await self.deactivate(REPLICAS)

    def _replicated(self) -> dict[ServiceKey, ReplicatedGroup]:
        """The replicated services of this node."""
        groups = {key: entry.transactions for key, entry in self._entries.items()}
        return {key: group for key, group in groups.items() if isinstance(group, ReplicatedGroup)}

    async def deactivate(self, key: ServiceKey) -> None:
        """Withdraw a service, let its calls end, stop it.

        Raises:
            NotFoundError: It is not active.
            L8Error: What the handler raised; the service is stopped all the same.
        """
        entry = self._entry(key)
        # Whoever hears of it may ask what there is on the web: this is not, any more.
        self._leaving.add(key)
        try:
            await self._withdraw(entry, key)
        finally:
            self._leaving.discard(key)
        if self._entries.pop(key, None) is None:
            return
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT):
                await entry.wait_idle()
        except TimeoutError:
            _log.warning("service %s: stopped in the middle of calls", key)
        await self._stop(entry)
        _log.info("service %s is stopped", key)
        if entry.sla.replication_count is not None:
            await self._hide_replicas()

    async def _withdraw(self, entry: ServiceEntry, key: ServiceKey) -> None:
        """Tell everybody that a service ends."""
        await withdraw_web(entry.sla.web, entry.vnic)
        await self._leadership.hand_over_before_leaving(entry.sla)
        if isinstance(entry.transactions, ReplicatedGroup):
            await entry.transactions.drain(DRAIN_TIMEOUT)
        try:
            await entry.vnic.withdraw(key)
        except L8Error as error:
            # Without a connection the network notices by itself.
            _log.info("service %s: the network is not told that it ends: %s", key, error)
        await self._leadership.leave(entry.sla, entry.vnic)

    @staticmethod
    async def _stop(entry: ServiceEntry) -> None:
        if entry.transactions is not None:
            await entry.transactions.aclose()
        await entry.handler.deactivate()

    def handler(self, key: ServiceKey) -> ServiceHandler | None:
        """Handler of an active service."""
        entry = self._entries.get(key)
        return None if entry is None else entry.handler

    def active(self) -> Mapping[ServiceKey, str]:
        """Active services with the short names of their models."""
        return MappingProxyType({key: entry.model for key, entry in self._entries.items()})

    async def aclose(self) -> None:
        """Withdraw and stop all services, the last one first."""
        for key in reversed(tuple(self._entries)):
            try:
                await self.deactivate(key)
            except Exception:  # noqa: BLE001 - the boundary of a stop
                # One service that fails to stop must not keep the others running.
                _log.exception("service %s failed to stop", key)
        await self._leadership.aclose()

    async def handle(self, elements: Elements, message: Message, vnic: VNic) -> Elements | None:
        """Authorize, dispatch to the service, filter what the caller may see.

        Returns:
            The answer; ``None`` when the message asks for none.

        Errors are part of the answer, never raised.
        """
        try:
            if _is_plain(message):
                call = self._call(message, vnic)
                answer = await run(self._entry(call.key), elements, call, self._resources)
            else:
                answer = await self._dispatch(elements, message, vnic)
        except L8Error as error:
            if not message.request:
                _log.info("%s to %s: %s", message.action.name, message.service, error)
            answer = self._resources.elements.error(error)
        return answer if message.request else None

    async def stream(
        self, elements: Elements, message: Message, vnic: VNic
    ) -> AsyncGenerator[Elements, None]:
        """The same for a request whose answer is read in parts.

        Only a query may have many; the answer to any other action is one part. Errors are the
        last part, never raised.
        """
        if message.action is not Action.GET:
            answer = await self.handle(elements, message, vnic)
            yield self._resources.elements.of() if answer is None else answer
            return
        # Each part has a time of its own, so the answer as a whole has no deadline.
        call = replace(self._call(message, vnic), deadline=None)
        try:
            leader = await self._leadership.elsewhere(message, vnic)
            if leader:
                yield await vnic.forward(message, elements, leader)
                return
            parts = run_parts(self._entry(call.key), elements, call, self._resources)
            async with aclosing(parts):
                async for part in parts:
                    yield part
        except L8Error as error:
            yield self._resources.elements.error(error)

    async def call(
        self,
        key: ServiceKey,
        action: Action,
        elements: Elements,
        vnic: VNic,
        *,
        identity: str = "",
        timeout: float | None = None,
    ) -> Elements:
        """The same for a call from this process.

        Raises:
            NotFoundError: The service is not active here.
            RequestTimeoutError: It did not answer in time (by default ``request_timeout`` of the
                settings), and was cancelled.
            L8Error: What the service answered.
        """
        resources = self._resources
        limit = resources.settings.request_timeout if timeout is None else timeout
        deadline = resources.clock.monotonic() + limit
        call = Call(vnic=vnic, action=action, key=key, identity=identity, deadline=deadline)
        try:
            answer = await within(limit, run(self._entry(key), elements, call, resources))
        except L8Error:
            raise
        except TimeoutError as error:
            raise RequestTimeoutError(
                f"service {key} did not answer {action.name} within {limit:g} s"
            ) from error
        return answer.raise_for_error()

    def leader(self, key: ServiceKey) -> str:
        """Node id of the leader, "" when there is none."""
        return self._leadership.leader(key)

    def epoch(self, key: ServiceKey) -> int:
        """Term of the leader, 0 when there never was one."""
        return self._leadership.epoch(key)

    def why(self, key: ServiceKey) -> str:
        """When and why the leader changed last, in one line; "" when nothing is known."""
        return self._leadership.why(key)

    def watch_leader(self, listener: LeaderListener) -> Subscription:
        """Be told of changes of leaders from now on."""
        return self._leadership.watch(listener)

    async def hand_over(self, key: ServiceKey) -> str:
        """Let another participant lead; the leader afterwards."""
        return await self._leadership.hand_over(key)

    def participants(self, key: ServiceKey) -> tuple[str, ...]:
        """Node ids of the participants, sorted."""
        return self._leadership.participants(key)

    def placement(self, key: ServiceKey, count: int) -> tuple[str, ...]:
        """The next ``count`` participants in turn; the position is the replica number."""
        return self._leadership.placement(key, count)

    def _call(self, message: Message, vnic: VNic) -> Call:
        now = self._resources.clock.monotonic
        deadline = now() + message.timeout if message.timeout else None
        return Call(
            vnic, message.action, message.key, message.identity, message.source, deadline, message
        )

    async def _dispatch(self, elements: Elements, message: Message, vnic: VNic) -> Elements:
        call = self._call(message, vnic)
        if message.failure:
            return await self._undelivered(elements, call)
        if message.transaction is not None or self._is_told(message):
            return await self._transaction(elements, call.key, message)
        if message.action is Action.END_POINTS:
            return await self._announce_all(elements, call)
        if message.action in ELECTIONS or message.action in REGISTRATIONS:
            return await self._elect(elements, message, call)
        if message.mode is MulticastMode.LEADER:
            leader = await self._leadership.elsewhere(message, vnic)
            if leader:
                return await vnic.forward(message, elements, leader)
        return await run(self._entry(call.key), elements, call, self._resources)

    def _is_told(self, message: Message) -> bool:
        """Whether this is a message between the nodes of a transactional service without answer."""
        if message.action is not Action.HANDLE or message.request:
            return False
        entry = self._entries.get(message.key)
        return entry is not None and entry.transactions is not None

    async def _transaction(self, elements: Elements, key: ServiceKey, message: Message) -> Elements:
        """A message between the nodes of a transactional service, authorized by its sender."""
        engine = self._entry(key).transactions
        if engine is None:
            raise InvalidInputError(f"service {key} is not transactional")
        return await engine.handle(elements, message)

    async def _elect(self, elements: Elements, message: Message, call: Call) -> Elements:
        """A message between the nodes of an election; who takes part, the directory knows."""
        await self._resources.security.authorize(call.identity, call.action, call.key, elements)
        if message.request and message.action is Action.LEADER_QUERY:
            # Whoever waits for an answer is a person's tool; members are told by announcements.
            key = call.key
            return self._resources.elements.of(self.leader(key), self.epoch(key), self.why(key))
        if message.action in ELECTIONS:
            self._leadership.take(elements, message)
        return self._resources.elements.of()

    async def _undelivered(self, elements: Elements, call: Call) -> Elements:
        """A message of this node came back; it is never taken for one of its receiver."""
        if call.action in ELECTIONS or call.action is Action.HANDLE:
            # The directory tells who is gone.
            return self._resources.elements.of()
        entry = self._entries.get(call.key)
        if entry is not None:
            try:
                await entry.handler.failed(elements, call)
            except Exception:  # noqa: BLE001 - the boundary of a message, nobody waits for it
                _log.exception("service %s failed on an undelivered message", call.key)
        return self._resources.elements.of()

    async def _announce_all(self, elements: Elements, call: Call) -> Elements:
        await self._resources.security.authorize(call.identity, call.action, call.key, elements)
        for key, entry in tuple(self._entries.items()):
            if key not in self._leaving:
                await announce_web(entry.sla.web, entry.vnic)
        return self._resources.elements.of()

    def _entry(self, key: ServiceKey) -> ServiceEntry:
        entry = self._entries.get(key)
        if entry is None:
            raise NotFoundError(
                f"service {key} is not active on node {self._resources.settings.alias!r}"
            )
        return entry


def _is_plain(message: Message) -> bool:
    """Whether a message is nothing but a call of whoever received it."""
    return (
        message.action in VERBS
        and message.transaction is None
        and not message.failure
        and message.mode is not MulticastMode.LEADER
    )
