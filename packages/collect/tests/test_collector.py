# SPDX-License-Identifier: Apache-2.0
"""The collector service: targets in, jobs out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from collect import (
    Catalogue,
    CollectorHandler,
    CollectorSettings,
    CourierSettings,
    WorkerSettings,
)
from collect.model import CJob, L8PTarget, L8PTargetList
from collect.model.pollaris_pb2 import L8PTargetState
from l8types.enums import Action, MulticastMode
from l8types.errors import (
    ConfigurationError,
    EncodeError,
    InvalidInputError,
    RemoteError,
    RequestTimeoutError,
)
from l8types.protocols.collection import HostAddress, PollRequest, PollResult
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .fakes import FakeCollector, FakeElements, FakeElementsFactory, FakeVNic, until
from .targets import make_target

if TYPE_CHECKING:
    from l8types.protocols.data import Elements

SYSTEM = PollResult(values={"sysName": "lab-1", "sysUpTime": 500})
IFX = PollResult(rows={"1": {"ifName": "lo", "ifHCInOctets": 5}})
SILENCE = RequestTimeoutError("no answer from 127.0.0.1:1161 within 5 s")
PROFILE = """
name = "network"
model = "NetworkDevice"
links = ["NetDev"]
[polls.status]
protocol = "static"
operation = "get"
every = 1
ask = { status = "status" }
[polls.hang]
protocol = "snmp"
operation = "get"
every = 60
timeout = 0.01
ask = { sysName = "1.3.6.1.2.1.1.5.0:text" }
"""
SETTINGS = CollectorSettings(
    worker=WorkerSettings(retry=0.001, failures=3, interval_scale=0.00005),
    courier=CourierSettings(pause=0.001, longest_pause=0.002),
)


class Bench:
    """A collector with its network and its devices."""

    def __init__(self, settings: CollectorSettings) -> None:
        self.vnic = FakeVNic()
        self.handler = CollectorHandler(settings)
        self.answers: dict[str, PollResult | Exception] = {
            "system": SYSTEM,
            "interfaces": PollResult(),
            "ifx": IFX,
        }
        self.sessions: list[FakeCollector] = []
        self.vnic.resources.plugins["layer8.collector", "snmp"] = self.open

    def open(self, host: HostAddress) -> FakeCollector:
        """Session with a host."""
        self.sessions.append(FakeCollector(self.answers, host))
        return self.sessions[-1]

    async def call(self, action: Action, *values: object, query: str = "") -> FakeElements:
        """Call the service."""
        elements = FakeElementsFactory().of(*values) if not query else FakeElements(query=query)
        method = getattr(self.handler, action.name.lower())
        answer = await method(cast("Elements", elements), self.vnic.call(action))
        return cast("FakeElements", answer)

    def jobs(self, poll: str) -> list[CJob]:
        """What reached the parser of a poll."""
        return [job for job in self.vnic.payloads() if job.job_name == poll]

    def states(self) -> list[dict[int, bool]]:
        """What reached the parser about the state of hosts."""
        decode = self.vnic.resources.codec.decode
        return [cast("Any", decode(job.result)) for job in self.jobs("status")]

    def running(self) -> list[str]:
        """Ids of the hosts that are polled."""
        return [host.host_id for host in self.handler.hosts]


@asynccontextmanager
async def make_bench(settings: CollectorSettings = SETTINGS) -> AsyncIterator[Bench]:
    """An active collector."""
    bench = Bench(settings)
    sla = ServiceLevelAgreement(name="Coll", handler=CollectorHandler)
    await bench.handler.activate(sla, bench.vnic.real)
    try:
        yield bench
    finally:
        await bench.handler.deactivate()


@pytest.mark.feature("COL-01", "COL-02", "TGT-17")
async def test_a_target_that_is_up_is_polled_and_its_answers_go_to_the_parser() -> None:
    """With the community from the credential set that the target names."""
    async with make_bench() as bench:
        assert (await bench.call(Action.POST, make_target())).error == ""
        await until(lambda: bench.jobs("system") and bench.jobs("ifx"))
    job = bench.jobs("system")[0]
    assert (job.target_id, job.host_id, job.linksId) == ("t1", "h1", "NetDev")
    assert (job.pollaris_name, job.job_name, job.error) == ("network", "system", "")
    assert 0 < job.started <= job.ended
    assert bench.vnic.resources.codec.decode(job.result)
    sent = bench.vnic.requests[0]
    assert (sent.target, sent.service, sent.action) == (
        MulticastMode.PROXIMITY,
        ServiceKey("NPars", 0),
        Action.POST,
    )
    host = bench.sessions[0].host
    assert (host.host, host.port, host.credential.secret) == ("127.0.0.1", 1161, "hush")
    assert host.timeout == SETTINGS.timeout


@pytest.mark.feature("COL-06")
async def test_polls_are_repeated() -> None:
    """All of them, over one session."""
    async with make_bench() as bench:
        await bench.call(Action.POST, make_target())
        await until(lambda: len(bench.jobs("system")) >= 3 and len(bench.jobs("ifx")) >= 3)
        assert len(bench.sessions) == 1
        assert bench.sessions[0].running
    assert not bench.sessions[0].running


@pytest.mark.feature("COL-03", "COL-18")
@pytest.mark.parametrize("state", [L8PTargetState.Down, L8PTargetState.Maintenance])
async def test_a_target_that_goes_down_is_polled_no_more_and_told_as_offline(
    state: L8PTargetState.ValueType,
) -> None:
    """Its session is closed."""
    async with make_bench() as bench:
        await bench.call(Action.POST, make_target())
        await until(lambda: bench.jobs("system"))
        await bench.call(Action.PATCH, make_target(state=state))
        assert bench.running() == []
        assert not bench.sessions[0].running
        await until(lambda: {2: False} in bench.states())


async def test_a_deleted_target_is_polled_no_more() -> None:
    """And nothing is said about it, since it would come back in the inventory."""
    async with make_bench() as bench:
        await bench.call(Action.POST, make_target("t1"), make_target("t2"))
        await bench.call(Action.DELETE, L8PTarget(target_id="t1"))
        assert [host.target_id for host in bench.handler.hosts] == ["t2"]
        await until(lambda: bench.jobs("system"))
        assert {2: False} not in bench.states()
        with pytest.raises(InvalidInputError, match="not a query"):
            await bench.call(Action.DELETE, query="select * from L8PTarget")


async def test_a_target_that_comes_again_is_not_disturbed() -> None:
    """Only what changed is started anew."""
    async with make_bench() as bench:
        await bench.call(Action.POST, make_target(hosts=("a", "b")))
        await until(lambda: len(bench.sessions) == 2)
        await bench.call(Action.POST, make_target(hosts=("a", "b")))
        changed = make_target(hosts=("a", "c"))
        changed.hosts["c"].configs[2].port = 999
        await bench.call(Action.PUT, changed)
        await until(lambda: len(bench.sessions) == 3)
        assert bench.running() == ["a", "c"]
        assert [session.running for session in bench.sessions] == [True, False, True]
        await bench.call(Action.PATCH, make_target(hosts=("a", "c"), port=7))
        await until(lambda: len(bench.sessions) == 5)
        assert [session.host.port for session in bench.sessions] == [1161, 1161, 999, 7, 7]


async def test_targets_come_one_by_one_or_in_a_list() -> None:
    """A list message stands for its items."""
    async with make_bench() as bench:
        listing = L8PTargetList(list=[make_target("t1"), make_target("t2", hosts=("h2",))])
        await bench.call(Action.POST, listing, make_target("t3", hosts=("h3",)))
        assert bench.running() == ["h1", "h2", "h3"]
        with pytest.raises(InvalidInputError, match="holds a CJob, expected L8PTarget"):
            await bench.call(Action.POST, CJob())


async def test_an_unusable_target_does_not_hinder_the_others() -> None:
    """The answer names it."""
    async with make_bench() as bench:
        bad = make_target("bad", links="Nothing")
        answer = await bench.call(Action.POST, bad, make_target("good"))
        assert bench.running() == ["h1"]
        (entry,) = answer
        assert entry.key == "bad"
        assert entry.error.startswith("not-found: no route for links id 'Nothing'")


@pytest.mark.feature("COL-16", "COL-17")
async def test_address_and_state_of_a_host_are_told() -> None:
    """The address at once, the state with the first answer."""
    async with make_bench() as bench:
        await bench.call(Action.POST, make_target())
        await until(lambda: bench.jobs("address") and bench.jobs("status"))
        address = bench.vnic.resources.codec.decode(bench.jobs("address")[0].result)
        assert (address, bench.states()) == ("127.0.0.1", [{2: True}])


async def test_a_host_that_stops_answering_is_told_once_and_again_when_it_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line each, with the reason; its polls go on."""
    caplog.set_level(logging.INFO, logger="collect._worker")
    async with make_bench() as bench:
        bench.answers.update(dict.fromkeys(bench.answers, SILENCE))
        await bench.call(Action.POST, make_target())
        await until(lambda: bench.states() == [{2: False}])
        assert bench.jobs("system") == []
        await until(lambda: sum(len(session.asked) for session in bench.sessions) > 12)
        assert bench.states() == [{2: False}]
        bench.answers.update(dict.fromkeys(bench.answers, SYSTEM))
        await until(lambda: bench.states() == [{2: False}, {2: True}])
    assert [record.message for record in caplog.records] == [
        f"host h1 does not answer by snmp: {SILENCE}",
        "host h1 answers by snmp",
    ]


async def test_a_host_that_answers_with_an_error_is_there() -> None:
    """The poll failed, the host did not."""
    async with make_bench() as bench:
        bench.answers.update(dict.fromkeys(bench.answers, RemoteError("tooBig")))
        await bench.call(Action.POST, make_target())
        await until(lambda: bench.states() == [{2: True}])
        assert bench.jobs("system") == []


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"system": InvalidInputError("not an OID")}, "not an OID"),
        ({"system": ZeroDivisionError("oops")}, "ZeroDivisionError: oops"),
    ],
)
async def test_a_poll_that_cannot_be_asked_says_nothing_about_the_host(
    answers: Mapping[str, Exception], message: str
) -> None:
    """And does not end the other polls."""
    async with make_bench() as bench:
        bench.answers.update(answers)
        await bench.call(Action.POST, make_target())
        await until(lambda: len(bench.jobs("ifx")) >= 2)
        assert {2: False} not in bench.states()
        jobs = await bench.call(Action.GET)
        system = next(job for job in jobs.values if cast("CJob", job).job_name == "system")
        assert message in cast("CJob", system).error


@pytest.mark.parametrize(
    ("credential", "plugin", "reason"),
    [
        ("none", True, "no credential set 'none'"),
        ("lab", False, "no layer8.collector 'snmp'"),
        ("", object(), "makes a object; it has to make a factory"),
    ],
)
async def test_what_is_missing_on_this_node_is_told_in_one_line(
    credential: str, plugin: object, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A credential or the collector of a protocol; the host counts as offline."""
    async with make_bench() as bench:
        if plugin is False:
            bench.vnic.resources.plugins.clear()
        elif plugin is not True:
            bench.vnic.resources.plugins["layer8.collector", "snmp"] = plugin
        await bench.call(Action.POST, make_target(credential=credential))
        await until(lambda: bench.states() == [{2: False}])
    lines = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lines) == 1
    assert reason in lines[0]


@pytest.mark.feature("COL-04")
async def test_polls_of_a_host_follow_each_other_and_few_run_at_once() -> None:
    """The limit holds over all hosts of the node."""
    active, most = 0, 0

    class Slow(FakeCollector):
        async def poll(self, request: object) -> PollResult:
            nonlocal active, most
            active += 1
            most = max(most, active)
            self.asked.append("x")
            for _ in range(3):
                await asyncio.sleep(0)
            active -= 1
            return PollResult()

    settings = CollectorSettings(concurrent_polls=2, worker=SETTINGS.worker)
    async with make_bench(settings) as bench:

        def open_slow(host: HostAddress) -> FakeCollector:
            bench.sessions.append(Slow({}, host))
            return bench.sessions[-1]

        bench.vnic.resources.plugins["layer8.collector", "snmp"] = open_slow
        targets = [make_target(f"t{number}") for number in range(6)]
        await bench.call(Action.POST, *targets)
        await until(lambda: len(bench.sessions) == 6 and all(s.asked for s in bench.sessions))
        assert most == 2


class Hung(FakeCollector):
    """Never answers."""

    async def poll(self, request: PollRequest) -> PollResult:
        await asyncio.Event().wait()
        return PollResult()


async def test_a_poll_that_hangs_is_ended(tmp_path: Path) -> None:
    """Its time limit is that of the catalogue; the host counts as offline."""
    file = tmp_path / "network.toml"
    file.write_text(PROFILE, encoding="utf-8")
    settings = CollectorSettings(catalogue=Catalogue.builtin(file), worker=SETTINGS.worker)
    async with make_bench(settings) as bench:
        bench.vnic.resources.plugins["layer8.collector", "snmp"] = lambda host: Hung({}, host)
        await bench.call(Action.POST, make_target())
        await until(lambda: bench.states() == [{2: False}])
        jobs = (await bench.call(Action.GET, query="hang")).values
        assert cast("CJob", jobs[0]).error == "poll 'hang' did not end within 0.01 s"


async def test_get_answers_the_jobs_of_this_node() -> None:
    """Without results; filtered by a query."""
    async with make_bench() as bench:
        bench.answers["ifx"] = SILENCE
        await bench.call(Action.POST, make_target())
        await until(lambda: sum(len(session.asked) for session in bench.sessions) >= 6)
        jobs = [cast("CJob", job) for job in (await bench.call(Action.GET)).values]
        by_name = {job.job_name: job for job in jobs}
        assert set(by_name) == {"address", "status", "system", "interfaces", "ifx"}
        assert by_name["ifx"].error == str(SILENCE)
        assert by_name["ifx"].error_count >= 1
        assert by_name["system"].error_count == 0
        assert list(by_name["system"].cadence.cadences) == [300]
        assert not any(job.result for job in jobs)
        (one,) = (await bench.call(Action.GET, query="ifx")).values
        assert cast("CJob", one).job_name == "ifx"


async def test_an_answer_that_cannot_be_encoded_is_lost_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, without its content."""
    async with make_bench() as bench:
        encode = bench.vnic.resources.codec.encode

        def refuse(value: object, **kind: object) -> bytes:
            if value == "secret":
                raise EncodeError("too big")
            return encode(value, **cast("Any", kind))

        bench.vnic.resources.codec.encode = refuse  # type: ignore[method-assign]
        bench.answers["system"] = PollResult(values={"sysName": "secret"})
        await bench.call(Action.POST, make_target())
        await until(lambda: len(bench.jobs("ifx")) >= 2)
        assert bench.jobs("system") == []
    assert "answer of host h1 to poll system is lost: too big" in caplog.text
    assert "secret" not in caplog.text


async def test_messages_that_come_back_or_tell_of_others_change_nothing() -> None:
    """Collectors share nothing, and learn of failures by themselves."""
    async with make_bench() as bench:
        elements = cast("Elements", FakeElementsFactory().of(make_target()))
        await bench.handler.notify(elements, bench.vnic.call(Action.NOTIFY))
        await bench.handler.failed(elements, bench.vnic.call(Action.POST))
        assert bench.running() == []
        assert bench.handler.statistics() == {}


@pytest.mark.parametrize("values", [{"concurrent_polls": 0}, {"timeout": 0.0}])
def test_settings_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    """When they are made."""
    with pytest.raises(ConfigurationError, match="above zero"):
        CollectorSettings(**values)
