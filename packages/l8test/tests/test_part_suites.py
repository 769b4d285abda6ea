# SPDX-License-Identifier: Apache-2.0
"""The suites about the parts of a node pass what keeps its promises and catch each mutant."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from l8test import FakeClock
from l8test.conformance import (
    ClockConformance,
    CollectorConformance,
    Device,
    MetricsConformance,
    ParsingRuleConformance,
    ResourcesConformance,
    RuleCase,
    SwitchConformance,
)
from l8types.protocols.collection import (
    HostAddress,
    PollOperation,
    PollRequest,
    PollResult,
    RuleContext,
)
from l8types.values import NodeInfo

from .fake_parts import (
    FakeCollector,
    FakeExchange,
    FakeMetrics,
    FakeResources,
    FakeRule,
    FakeSwitch,
)
from .harness import Fixtures, failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def mutant(base: type, **members: Any) -> type:
    """A class that differs in these members."""
    return type("Mutant", (base,), members)


class Clocks(ClockConformance):
    """The capability of the clock of tests."""

    runs = False


def clocks(**members: Any) -> Fixtures:
    """Fixtures with a clock that differs in these members."""
    return {"clock": mutant(FakeClock, **members)}


def metrics(**members: Any) -> Fixtures:
    """Fixtures with a sink that differs in these members."""
    return {"metrics": mutant(FakeMetrics, **members)}


def collectors(**members: Any) -> Fixtures:
    """Fixtures with sessions that differ in these members."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Device]:
        yield Device(
            factory=mutant(FakeCollector, **members),
            host=HostAddress("router"),
            silent=HostAddress("silent", timeout=0.02),
            request=PollRequest("name", PollOperation.GET, ("name",)),
            expected=PollResult({"name": "router"}),
            nonsense=PollRequest("name", PollOperation.COMMAND, ("reboot",)),
        )

    return {"open_device": lambda: opened}


def rules(**members: Any) -> Fixtures:
    """Fixtures with a rule that differs in these members."""

    def case() -> RuleCase:
        rule = mutant(FakeRule, **members)()
        context = RuleContext("Box", "b1", {"to": "label"})
        return RuleCase(rule, PollResult({"name": " x "}), context, {"label": "x"})

    return {"rule_case": case}


def resources(**members: Any) -> Fixtures:
    """Fixtures with parts of a node that differ in these members."""

    def made() -> FakeResources:
        found: FakeResources = mutant(FakeResources, **members)(Path(tempfile.gettempdir()))
        return found

    return {"resources": made}


def switches(**members: Any) -> Fixtures:
    """Fixtures with switches that differ in these members."""
    return {"exchange": lambda: FakeExchange(mutant(FakeSwitch, **members))}


def set_to(self: FakeMetrics, name: str, value: float = 1.0, **labels: str) -> None:
    """A counter that is set."""
    self.values[self.series(name, labels, "counter")] = value


def highest(self: FakeMetrics, name: str, value: float, **labels: str) -> None:
    """A gauge that never goes down."""
    key = self.series(name, labels, "gauge")
    self.values[key] = max(self.values.get(key, value), value)


def without_labels(self: FakeMetrics, name: str, value: float = 1.0, **labels: str) -> None:
    """A counter that leaves the labels out."""
    FakeMetrics.count(self, name, value)


def unsampled(self: FakeMetrics, name: str, value: float, **labels: str) -> None:
    """A histogram that keeps the last sample alone."""
    self.samples[self.series(name, labels, "histogram")] = [value]


def in_its_order(self: FakeMetrics, name: str, **labels: str) -> Callable[[float], None]:
    """A series per order of the labels."""
    self.kinds[name] = "histogram"
    written = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return self.samples[name, written].append


async def deaf(self: FakeCollector) -> None:
    """A wait without an end."""
    if self.host.host == "silent":
        await asyncio.Event().wait()


async def impatient(self: FakeCollector) -> None:
    """A time-out of Python's own."""
    if self.host.host == "silent":
        raise TimeoutError


async def stubborn(self: FakeCollector) -> None:
    """A wait that cannot be given up."""
    try:
        await WAIT(self)
    except asyncio.CancelledError:
        return


WAIT = FakeCollector.wait


async def empty_answer(self: FakeCollector, request: PollRequest) -> PollResult:
    """A session that says nothing instead of why not."""
    if request.operation is not PollOperation.GET or not self.running:
        return PollResult()
    return await FakeCollector.poll(self, request)


LAST: list[FakeCollector] = []


async def end_all(self: FakeCollector, *_: object) -> None:
    """A session that takes the others along."""
    for session in LAST:
        session.running = False


async def begin_listed(self: FakeCollector) -> FakeCollector:
    """A session that others know of."""
    LAST.append(self)
    return await FakeCollector.__aenter__(self)


def trusting(self: FakeRule, result: PollResult, context: RuleContext) -> dict[str, object]:
    """A rule that takes every value for a text."""
    value: Any = result.values.get("name")
    return {} if value is None else {context.parameters["to"]: value.strip()}


def consuming(self: FakeRule, result: Any, context: RuleContext) -> Any:
    """A rule that uses up the answer."""
    found = FakeRule.apply(self, result, context)
    result.values.clear()
    return found


def remembering(self: Any, result: PollResult, context: RuleContext) -> Any:
    """A rule that adds what it found before."""
    self.found = {**getattr(self, "found", {}), **FakeRule.apply(self, result, context)}
    return self.found if result.values else self.found.update(extra=1) or {}


def register_alone(self: FakeResources, *models: type) -> None:
    """A registration that forgets what is inside."""
    for model in models:
        self.registry.register(model)
        self.introspector.inspect(model)


def lonely_registry(self: FakeResources, *models: type) -> None:
    """A registration that keeps the name to itself."""


async def one_try(self: FakeSwitch, host: str, port: int) -> None:
    """A link that is tried once."""
    if port in self.switches:
        await LINK(self, host, port)


LINK = FakeSwitch.connect


async def no_link(self: FakeSwitch, host: str, port: int) -> None:
    """A link that is never made."""


def forget_nobody(self: FakeSwitch, uuid: str) -> None:
    """A node that left stays in the directory."""


async def stay(self: FakeSwitch, *_: object) -> None:
    """A switch that goes on listening."""
    self.running = False
    LEFT.append(self.server)


LEFT: list[asyncio.Server] = []


async def find_others(self: FakeSwitch) -> FakeSwitch:
    """A switch that links to all it finds."""
    await FakeSwitch.__aenter__(self)
    self.links |= self.switches.keys() - {self.port}
    self.join()
    return self


def join_without_nodes(self: FakeSwitch) -> None:
    """A link that carries no nodes that were there before it."""
    JOIN(self)
    for switch in self.switches.values():
        if switch.links:
            for uuid in set(self.network.infos) - {switch.uuid, self.uuid}:
                self.network.infos[uuid] = NodeInfo(uuid, "", "", services={})


JOIN = FakeSwitch.join

STEPS = itertools.count()

SOUND: list[tuple[type, Fixtures]] = [
    (Clocks, clocks()),
    (MetricsConformance, metrics()),
    (CollectorConformance, collectors()),
    (ParsingRuleConformance, rules()),
    (ResourcesConformance, resources()),
    (SwitchConformance, switches()),
]

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (Clocks, clocks(now=lambda self: FakeClock.now(self) * 1000), "test_wall"),
    (Clocks, clocks(now=FakeClock.monotonic), "test_wall"),
    (
        Clocks,
        clocks(monotonic=lambda self: float(-next(STEPS))),
        "test_monotonic",
    ),
    (ClockConformance, clocks(), "test_runs"),
    (MetricsConformance, metrics(count=set_to), "test_count"),
    (MetricsConformance, metrics(count=without_labels), "test_labels"),
    (MetricsConformance, metrics(gauge=highest), "test_gauge"),
    (MetricsConformance, metrics(observe=unsampled), "test_observe"),
    (MetricsConformance, metrics(observer=in_its_order), "test_observer"),
    (
        MetricsConformance,
        metrics(below=lambda self, values, bound: sum(value < bound for value in values[1:])),
        "test_buckets",
    ),
    (MetricsConformance, metrics(text=lambda self, value: value), "test_any_text_as_label"),
    (
        MetricsConformance,
        metrics(render=lambda self: FakeMetrics.render(self).replace("histogram", "untyped")),
        "test_kinds_are_told",
    ),
    (
        MetricsConformance,
        metrics(render=lambda self: FakeMetrics.render(self) + "\nsuite_calls_total 0"),
        "test_nothing",
    ),
    (CollectorConformance, collectors(wait=deaf), "test_silent_host"),
    (CollectorConformance, collectors(wait=impatient), "test_silent_host"),
    (CollectorConformance, collectors(wait=stubborn), "test_cancellation"),
    (CollectorConformance, collectors(poll=empty_answer), "test_nonsense"),
    (CollectorConformance, collectors(poll=empty_answer), "test_closed"),
    (CollectorConformance, collectors(name="A Name"), "test_life"),
    (
        CollectorConformance,
        collectors(__aenter__=begin_listed, __aexit__=end_all),
        "test_sessions_side_by_side",
    ),
    (ParsingRuleConformance, rules(apply=trusting), "test_odd_answers"),
    (ParsingRuleConformance, rules(apply=consuming), "test_pure"),
    (ParsingRuleConformance, rules(apply=remembering), "test_pure"),
    (ParsingRuleConformance, rules(apply=lambda *_: {}), "test_apply"),
    (
        ParsingRuleConformance,
        rules(apply=lambda self, result, _: result.values["name"]),
        "test_nothing",
    ),
    (ParsingRuleConformance, rules(name="two words"), "test_name"),
    (
        ResourcesConformance,
        resources(elements=property(lambda self: object(), lambda *_: None)),
        "test_one_of_each",
    ),
    (
        ResourcesConformance,
        resources(serializer=lambda self, mode: next(iter(self.serializers.values()))),
        "test_serializers",
    ),
    (ResourcesConformance, resources(create=lambda *_: LAST), "test_create"),
    (ResourcesConformance, resources(create=lambda *_: object()), "test_unknown_name"),
    (ResourcesConformance, resources(create=lambda *_: object()), "test_unknown_group"),
    (ResourcesConformance, resources(register=register_alone), "test_register"),
    (ResourcesConformance, resources(register=lonely_registry), "test_register"),
    (
        ResourcesConformance,
        resources(data_directory=property(lambda self: Path("/nonexistent/here"), lambda *_: None)),
        "test_directory",
    ),
    (SwitchConformance, switches(__aexit__=stay), "test_life"),
    (SwitchConformance, switches(__aenter__=find_others), "test_each_its_own"),
    (SwitchConformance, switches(leave=forget_nobody), "test_directory"),
    (SwitchConformance, switches(connect=no_link), "test_link"),
    (SwitchConformance, switches(join=join_without_nodes), "test_link"),
    (SwitchConformance, switches(connect=one_try), "test_link_to_one_that_is_not_there_yet"),
]


@pytest.mark.parametrize(("suite", "fixtures"), SOUND)
def test_sound(suite: type, fixtures: Fixtures) -> None:
    """An implementation that keeps its promises passes."""
    assert failures(suite, fixtures) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """An implementation that breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
