# SPDX-License-Identifier: Apache-2.0
"""The collector service: polls the targets that it is given and sends the answers to the parser."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collect._catalogue import Catalogue
from collect._courier import Courier, CourierSettings
from collect._handler import active, items_of
from collect._hosts import hosts_of
from collect._jobs import describe_job, make_job
from collect._links import DEFAULT_LINKS, Links
from collect._sessions import session_factory
from collect._tasks import Job, TaskScope
from collect._worker import HostWorker, PollId, WorkerSettings
from collect.model import CJob, CMap, CTable, L8PTarget, L8PTargetList
from collect.model.pollaris_pb2 import L8PTargetState
from l8types.enums import Action, MulticastMode
from l8types.errors import ConfigurationError, EncodeError, InvalidInputError, L8Error
from l8types.protocols.collection import HostAddress
from l8types.values import Credential, Element

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collect._catalogue import Poll
    from collect._hosts import Access, HostKey, PolledHost
    from collect._outbox import OutboxStatistics
    from collect._worker import Outcome
    from l8types.protocols.collection import CollectorProtocol
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import ServiceKey

__all__ = ["CollectorHandler", "CollectorSettings"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Settings of a collector service."""

    catalogue: Catalogue = field(default_factory=Catalogue.builtin)
    """What is asked."""
    links: Links = DEFAULT_LINKS
    """Where the answers go."""
    concurrent_polls: int = 200
    """Most polls that run at the same time on this node; each costs a socket and some memory."""
    timeout: float = 5.0
    """Seconds for one exchange with a host whose target does not say."""
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    """Settings of each host's polls."""
    courier: CourierSettings = field(default_factory=CourierSettings)
    """How answers are sent to the parser."""

    def __post_init__(self) -> None:
        if self.concurrent_polls < 1 or self.timeout <= 0:
            raise ConfigurationError(
                f"concurrent_polls {self.concurrent_polls} and timeout {self.timeout:g} s "
                "must be above zero"
            )


@dataclass(frozen=True, slots=True)
class _Running:
    worker: HostWorker
    job: Job


class CollectorHandler:
    """Handler of the collector service; implements ``ServiceHandler``.

    POST, PUT and PATCH of a target make its polling what the target says: in the state Up its hosts
    are polled, in any other one they are not. Hosts that did not change are not disturbed. DELETE
    ends the polling. GET answers the jobs of this node, without results.

    Args:
        settings: Settings.
    """

    def __init__(self, settings: CollectorSettings | None = None) -> None:
        self._settings = settings or CollectorSettings()
        self._vnic: VNic | None = None
        self._scope = TaskScope("collector")
        self._limiter = asyncio.Semaphore(self._settings.concurrent_polls)
        self._running: dict[HostKey, _Running] = {}
        self._turn = asyncio.Lock()
        self._couriers: dict[ServiceKey, Courier] = {}

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Get ready; nothing is polled before the first target comes."""
        vnic.resources.register(L8PTarget, L8PTargetList, CJob, CMap, CTable)
        self._vnic = vnic
        await self._scope.open()
        _log.info("collector %s is ready", sla.key)

    async def deactivate(self) -> None:
        """Stop all polling; what was not sent yet is lost and asked again by the next collector."""
        await self._scope.aclose()
        self._running.clear()
        self._couriers.clear()
        self._vnic = None

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Start, update or stop the polling of targets; an error element for each unusable one."""
        failed: list[Element] = []
        for target in items_of(elements, L8PTarget, L8PTargetList):
            try:
                async with self._turn:
                    await self._reconcile(target)
            except L8Error as error:
                _log.warning("target %s cannot be polled: %s", target.target_id, error)
                failed.append(Element(key=target.target_id, error=f"{error.code}: {error}"))
        return call.vnic.resources.elements.entries(failed)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """As :meth:`post`."""
        return await self.post(elements, call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """As :meth:`post`; the targets must be complete."""
        return await self.post(elements, call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Stop the polling of targets.

        Raises:
            InvalidInputError: The targets are described by a query.
        """
        if elements.query is not None:
            raise InvalidInputError("name the targets that are no longer polled, not a query")
        for target in items_of(elements, L8PTarget, L8PTargetList):
            async with self._turn:
                await self._stop([key for key in self._running if key[0] == target.target_id])
        return call.vnic.resources.elements.of()

    async def get(self, elements: Elements, call: Call) -> Elements:
        """The jobs of this node, filtered by a query if there is one."""
        jobs: list[object] = [
            describe_job(outcome)
            for running in self._running.values()
            for outcome in running.worker.outcomes()
        ]
        if elements.query is not None:
            jobs = call.vnic.resources.queries.from_wire(elements.query).filter(jobs)
        return call.vnic.resources.elements.of(*jobs)

    async def notify(self, elements: Elements, call: Call) -> None:
        """Nothing is shared between collectors, so there is nothing to take notice of."""

    async def failed(self, elements: Elements, call: Call) -> None:
        """Answers are sent as requests, which tell of failures themselves."""

    def statistics(self) -> dict[ServiceKey, OutboxStatistics]:
        """Counters of the answers on their way, by the service that they go to."""
        return {key: courier.statistics() for key, courier in self._couriers.items()}

    @property
    def hosts(self) -> tuple[PolledHost, ...]:
        """The hosts that are polled, in the order in which they were started."""
        return tuple(running.worker.host for running in self._running.values())

    async def _reconcile(self, target: L8PTarget) -> None:
        """Make the polling of a target what the target says."""
        known = [key for key in self._running if key[0] == target.target_id]
        if target.state != L8PTargetState.Up:
            for key in known:
                self._running[key].worker.report_offline()
            await self._stop(known)
            return
        wanted = {host.key: host for host in hosts_of(target)}
        self._settings.links.route(target.links_id)
        await self._stop(key for key in known if wanted.get(key) != self._running[key].worker.host)
        for key, host in wanted.items():
            if key not in self._running:
                self._start(host)

    def _start(self, host: PolledHost) -> None:
        worker = HostWorker(
            host,
            self._polls(host),
            open_session=self._open_session,
            report=self._send,
            limiter=self._limiter,
            clock=active(self._vnic, "collector").resources.clock,
            settings=self._settings.worker,
        )
        job = self._scope.start(worker.run, f"polls of {host.host_id}")
        self._running[host.key] = _Running(worker, job)
        _log.info("host %s of target %s is polled", host.host_id, host.target_id)

    async def _stop(self, keys: Iterable[HostKey]) -> None:
        for running in [self._running.pop(key) for key in tuple(keys)]:
            await running.job.stop()

    def _polls(self, host: PolledHost) -> Iterator[tuple[PollId, Poll]]:
        for profile in self._settings.catalogue.for_links(host.links_id):
            for poll in profile.polls.values():
                yield PollId(profile.name, poll.name), poll

    async def _open_session(self, protocol: str, access: Access) -> CollectorProtocol:
        resources = active(self._vnic, "collector").resources
        factory = session_factory(resources, protocol)
        credential = Credential()
        if access.credential_set:
            credential = await resources.security.credential(access.credential_set, protocol)
        session: CollectorProtocol = factory(
            HostAddress(
                access.address,
                access.port,
                credential,
                access.timeout or self._settings.timeout,
            )
        )
        return session

    def _send(self, outcome: Outcome) -> None:
        """Pass an outcome on; failures are not for the parser, the state of the host tells them."""
        if outcome.error:
            return
        resources = active(self._vnic, "collector").resources
        try:
            job = make_job(outcome, resources.codec)
        except EncodeError as error:
            _log.warning(
                "answer of host %s to poll %s is lost: %s",
                outcome.host.host_id,
                outcome.poll_id.poll,
                error,
            )
            return
        parser = self._settings.links.route(outcome.host.links_id).parser
        self._courier(parser).put((*outcome.host.key, *outcome.poll_id), job)

    def _courier(self, parser: ServiceKey) -> Courier:
        courier = self._couriers.get(parser)
        if courier is None:
            courier = self._couriers[parser] = Courier(
                active(self._vnic, "collector"),
                parser,
                Action.POST,
                MulticastMode.PROXIMITY,
                self._settings.courier,
            )
            self._scope.start(courier.run, f"answers to {parser}")
        return courier
