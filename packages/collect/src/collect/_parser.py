# SPDX-License-Identifier: Apache-2.0
"""The parser service: turns answers of devices into partial items for the inventory."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collect._catalogue import Catalogue
from collect._courier import Courier, CourierSettings
from collect._handler import items_of
from collect._links import DEFAULT_LINKS, Links, Route
from collect._rules._engine import ParseReport, RulesEngine
from collect._rules._registry import RuleRegistry
from collect._tasks import TaskScope
from collect._wire import decode_result
from collect.model import CJob, CMap, CTable
from l8types.enums import Action, DecoratorType, MulticastMode
from l8types.errors import ClosedError, InvalidInputError, L8Error, PermissionDeniedError

if TYPE_CHECKING:
    from collect._outbox import OutboxStatistics
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import ServiceKey

__all__ = ["JobParser", "Parsed", "ParserHandler", "ParserSettings"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ParserSettings:
    """Settings of a parser service."""

    catalogue: Catalogue = field(default_factory=Catalogue.builtin)
    """What was asked, and what becomes of it; the same as that of the collectors."""
    links: Links = DEFAULT_LINKS
    """Where the items go."""
    mode: MulticastMode = MulticastMode.LEADER
    """Which instance of the inventory takes the changes. One for all, so that the parts of an item
    never meet in two places at once."""
    courier: CourierSettings = field(default_factory=CourierSettings)
    """How items are sent to the inventory."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What came of one job."""

    item: object
    """Holds its key and what was read."""
    route: Route
    report: ParseReport


class JobParser:
    """Parses jobs, without network.

    Args:
        resources: Parts of the node; the introspector, the codec and the registry are used.
        catalogue: What was asked.
        links: The models.
        rules: Rules by name; by default the built-in ones.
    """

    def __init__(
        self,
        resources: Resources,
        catalogue: Catalogue,
        links: Links = DEFAULT_LINKS,
        rules: RuleRegistry | None = None,
    ) -> None:
        self._resources = resources
        self._catalogue = catalogue
        self._links = links
        self._engine = RulesEngine(resources.introspector, rules or RuleRegistry())
        self._declared: set[str] = set()
        resources.register(CJob, CMap, CTable)

    def parse(self, job: CJob) -> Parsed:
        """Parse the answer of a job.

        Raises:
            DecodeError: The result is no answer to the poll.
            InvalidInputError: The job failed, or names no host.
            NotFoundError: The poll or the links id is unknown.
        """
        if job.error or not job.host_id:
            raise InvalidInputError(job.error or f"job {job.job_name!r} names no host")
        route = self._links.route(job.linksId)
        profile = self._catalogue.profile(job.pollaris_name)
        poll = profile.poll(job.job_name)
        self._declare(route)
        compiled = self._engine.compiled(profile, poll, route.model)
        result = decode_result(job.result, poll, self._resources.codec)
        item, report = compiled.apply(result, job.host_id)
        return Parsed(item, route, report)

    def _declare(self, route: Route) -> None:
        """Make the model known with its key, unless the application did."""
        if route.links_id in self._declared:
            return
        self._declared.add(route.links_id)
        introspector = self._resources.introspector
        self._resources.register(route.model)
        if introspector.fields(route.model, DecoratorType.PRIMARY) is None:
            introspector.decorate(route.model, DecoratorType.PRIMARY, *route.primary_keys)


class ParserHandler:
    """Handler of the parser service; implements ``ServiceHandler``.

    POST takes jobs and answers at once; what was read goes to the inventory as a PATCH of a partial
    item. A job that cannot be used is logged and counted, and does not touch the others.

    Args:
        settings: Settings.
    """

    def __init__(self, settings: ParserSettings | None = None) -> None:
        self._settings = settings or ParserSettings()
        self._parser: JobParser | None = None
        self._scope = TaskScope("parser")
        self._couriers: dict[ServiceKey, Courier] = {}

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Load the rules and get ready.

        Raises:
            ConfigurationError: An installed rule fails to load.
        """
        rules = RuleRegistry.installed(vnic.resources)
        self._parser = JobParser(
            vnic.resources, self._settings.catalogue, self._settings.links, rules
        )
        await self._scope.open()
        _log.info("parser %s is ready", sla.key)

    async def deactivate(self) -> None:
        """Stop; what the inventory did not take yet is lost and read again by the next polls."""
        await self._scope.aclose()
        self._couriers.clear()
        self._parser = None

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Parse jobs.

        Raises:
            ClosedError: The service is not active.
            InvalidInputError: The request holds something else.
        """
        if self._parser is None:
            raise ClosedError("the parser is not active on this node")
        resources = call.vnic.resources
        for job in items_of(elements, CJob):
            try:
                self._take(job, self._parser, call.vnic)
            except L8Error as error:
                resources.metrics.count("collect_jobs_refused_total")
                _log.warning(
                    "job %s of host %s cannot be parsed: %s", job.job_name, job.host_id, error
                )
        return resources.elements.of()

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Not offered.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _refusal(call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Not offered.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _refusal(call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Not offered.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _refusal(call)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Not offered.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _refusal(call)

    async def notify(self, elements: Elements, call: Call) -> None:
        """Nothing is shared between parsers, so there is nothing to take notice of."""

    async def failed(self, elements: Elements, call: Call) -> None:
        """Items are sent as requests, which tell of failures themselves."""

    def statistics(self) -> dict[ServiceKey, OutboxStatistics]:
        """Counters of the items on their way, by the service that they go to."""
        return {key: courier.statistics() for key, courier in self._couriers.items()}

    def _take(self, job: CJob, parser: JobParser, vnic: VNic) -> None:
        parsed = parser.parse(job)
        report = parsed.report
        vnic.resources.metrics.count("collect_properties_total", report.written)
        for error in report.errors[:1]:
            _log.info(
                "job %s of host %s: %d values do not fit, the first is %s",
                job.job_name,
                job.host_id,
                len(report.errors),
                error,
            )
        if report.written:
            key = (job.host_id, job.pollaris_name, job.job_name)
            self._courier(parsed.route, vnic).put(key, parsed.item)

    def _courier(self, route: Route, vnic: VNic) -> Courier:
        courier = self._couriers.get(route.cache)
        if courier is None:
            courier = self._couriers[route.cache] = Courier(
                vnic, route.cache, Action.PATCH, self._settings.mode, self._settings.courier
            )
            self._scope.start(courier.run, f"items to {route.cache}")
        return courier


def _refusal(call: Call) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"service {call.key} takes jobs by POST only, not {call.action.name}"
    )
