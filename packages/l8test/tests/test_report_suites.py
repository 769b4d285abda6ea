# SPDX-License-Identifier: Apache-2.0
"""The suites of logs, events and messages to people pass what is right, and catch each mutant."""

from __future__ import annotations

from typing import Any

import pytest

from l8test.conformance import (
    EventsConformance,
    IntegrationsConformance,
    LoggerConformance,
    NotifierConformance,
)
from l8types.pb import DeliveryResult, EventRecord, IntegrationConfig
from l8types.pb.l8events_pb2 import EventState
from l8types.pb.l8notify_pb2 import DeliveryStatus

from .fake_reports import (
    FakeEvents,
    FakeIntegrations,
    FakeLogger,
    FakeNotifier,
    events,
    integrations,
    loggers,
    notifiers,
)
from .harness import Fixtures, failures


def unnamed(self: FakeLogger, msg: object, *args: object) -> None:
    """A warning that is written as information."""
    self.info(msg, *args)


def braces(self: FakeLogger, level: str, msg: object, args: tuple[object, ...]) -> None:
    """A logger that looks for places of arguments in every text."""
    self.lines.append(f"{level}: {str(msg) % args}")


def later(self: Any, level: str, msg: object, args: tuple[object, ...]) -> None:
    """A logger that writes a line when it is read."""
    self.lines.append(lambda: f"{level}: {str(msg) % args if args else msg}")


def late_text(self: Any) -> str:
    """The lines as they are now."""
    return "\n".join(line() for line in self.lines)


def batched(self: FakeLogger, level: str, msg: object, args: tuple[object, ...]) -> None:
    """A logger that loses every two hundredth line, when its buffer is emptied."""
    if len(self.lines) % 200 != 199:
        WRITE(self, level, msg, args)
    else:
        self.lines.append("")


def urgent_first(self: FakeLogger, level: str, msg: object, args: tuple[object, ...]) -> None:
    """A logger in which errors overtake what was logged before."""
    WRITE(self, level, msg, args)
    if level == "error":
        self.lines.insert(max(0, len(self.lines) - 2), self.lines.pop())


WRITE = FakeLogger.write


def reason_only(self: FakeLogger, msg: object, *args: object) -> None:
    """A logger that tells of an exception what it says, and not where it came from."""
    self.error(msg, *args)
    self.lines.append("invalid literal for int()")


def stateless(self: FakeEvents, record: EventRecord, attributes: Any) -> None:
    """Events without a state."""
    record.state = EventState.EVENT_STATE_UNSPECIFIED
    KEEP(self, record, attributes)


def seventh_first(self: FakeEvents, record: EventRecord, attributes: Any) -> None:
    """Events of which every seventh overtakes the one before."""
    KEEP(self, record, attributes)
    if len(self.records) % 7 == 0:
        self.records.insert(-1, self.records.pop())


def shared(self: FakeEvents, record: EventRecord, attributes: Any) -> None:
    """Events that look at their attributes when the next one comes."""
    for earlier in self.records:
        earlier.attributes.update(attributes)
    KEEP(self, record, attributes)


KEEP = FakeEvents.keep


async def doubtful(self: FakeNotifier, *arguments: Any, **more: Any) -> DeliveryResult:
    """A notifier that sends again when it is not sure."""
    await SEND(self, *arguments, **more)
    return await SEND(self, *arguments, **more)


async def plain(self: FakeNotifier, *arguments: Any, attributes: Any = None) -> DeliveryResult:
    """A notifier that forgets the attributes."""
    return await SEND(self, *arguments)


async def newest_first(self: FakeNotifier, *arguments: Any, **more: Any) -> DeliveryResult:
    """A notifier whose messages are put on top."""
    result = await SEND(self, *arguments, **more)
    self.received.insert(0, self.received.pop())
    return result


SEND = FakeNotifier.send


def raises(self: FakeNotifier, why: str) -> DeliveryResult:
    """A notifier that raises where it should report."""
    raise ConnectionError(why)


def optimistic(self: FakeNotifier, why: str) -> DeliveryResult:
    """A notifier for which everything is sent."""
    return DeliveryResult(status=DeliveryStatus.DELIVERY_STATUS_SENT, sent_at=1)


def reticent(self: FakeNotifier, why: str) -> DeliveryResult:
    """A notifier that does not say why it failed."""
    return DeliveryResult(status=DeliveryStatus.DELIVERY_STATUS_FAILED)


def any_case(self: FakeIntegrations, name: str) -> IntegrationConfig:
    """Integrations whose names are compared without their case."""
    known = {one.lower(): one for one in self.kept}
    return INTEGRATION(self, known.get(name.lower(), name))


def once(self: FakeIntegrations, name: str) -> IntegrationConfig:
    """Integrations that are handed out for good."""
    found = INTEGRATION(self, name)
    del self.kept[name]
    return found


def the_first_as_well(self: FakeIntegrations) -> tuple[IntegrationConfig, ...]:
    """A list that begins anew at its end."""
    return (*INTEGRATIONS(self), INTEGRATIONS(self)[0])


def as_kept(self: FakeIntegrations) -> tuple[IntegrationConfig, ...]:
    """A list of what is kept, for everybody to change."""
    return tuple(self.kept.values())


INTEGRATION, INTEGRATIONS = FakeIntegrations.integration, FakeIntegrations.integrations

SOUND: list[tuple[type, Fixtures]] = [
    (LoggerConformance, loggers()),
    (EventsConformance, events()),
    (NotifierConformance, notifiers()),
    (IntegrationsConformance, integrations()),
]

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (LoggerConformance, loggers(warning=unnamed), "test_levels"),
    (LoggerConformance, loggers(write=batched), "test_order"),
    (LoggerConformance, loggers(write=urgent_first), "test_order"),
    (LoggerConformance, loggers(write=braces), "test_as_it_is"),
    (LoggerConformance, loggers(write=later, text=late_text), "test_lazy"),
    (LoggerConformance, loggers(exception=reason_only), "test_exception"),
    (EventsConformance, events(keep=stateless), "test_arrives"),
    (EventsConformance, events(node=""), "test_own"),
    (EventsConformance, events(keep=seventh_first), "test_order"),
    (EventsConformance, events(number=lambda self: "1"), "test_order"),
    (EventsConformance, events(keep=shared), "test_own_copy"),
    (NotifierConformance, notifiers(send=doubtful), "test_delivered"),
    (NotifierConformance, notifiers(send=plain), "test_attributes"),
    (NotifierConformance, notifiers(send=newest_first), "test_order"),
    (NotifierConformance, notifiers(failed=raises), "test_refused"),
    (NotifierConformance, notifiers(failed=optimistic), "test_refused"),
    (NotifierConformance, notifiers(failed=reticent), "test_no_channel"),
    (IntegrationsConformance, integrations(integration=once), "test_by_name"),
    (IntegrationsConformance, integrations(integration=any_case), "test_unknown"),
    (IntegrationsConformance, integrations(integrations=the_first_as_well), "test_all"),
    (IntegrationsConformance, integrations(integrations=as_kept), "test_own_copies"),
]


@pytest.mark.feature("l8types:TYP-45", "l8types:TYP-46")
@pytest.mark.parametrize(("suite", "fixtures"), SOUND)
def test_sound(suite: type, fixtures: Fixtures) -> None:
    """What keeps its promises passes."""
    assert failures(suite, fixtures) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """What breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
