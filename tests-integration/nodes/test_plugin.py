# SPDX-License-Identifier: Apache-2.0
"""The fixtures of the pytest plugin with the parts that are installed: real nodes and sockets."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from l8test import conformance
from l8test.models import SAMPLES
from l8test.replicated import ReplicatedCountingService, replicated_sla
from l8test.transactional import TransactionalCountingService, transactional_sla
from l8test.wait import until
from l8types.constants import Plugin
from l8types.enums import Action, MulticastMode, SerializerMode
from l8types.errors import ConflictError
from l8types.values import ServiceKey

from .support import announce, environment, run_program
from .test_readmes import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8test import FakeClock
    from l8test.network import Network
    from l8test.services import CountingService
    from l8types.protocols.runtime import Resources
    from l8types.sla import ServiceLevelAgreement

ROOT = Path(__file__).parents[2]
TESTS = ServiceKey("Tests")


@pytest.mark.feature("TST-02")
def test_the_parts_of_a_node(l8_resources: Callable[..., Resources], l8_clock: FakeClock) -> None:
    """One call makes them all, with the sample models known and the clock of the test."""
    resources = l8_resources(clock=l8_clock, settings={"alias": "mine"})
    assert (resources.settings.alias, resources.clock) == ("mine", l8_clock)
    for sample in SAMPLES:
        item = sample.build(3)
        assert resources.introspector.primary_key(item) == "string-3"
        assert resources.registry.info(sample.name).model is sample.model
    text = resources.serializer(SerializerMode.JSON).marshal(SAMPLES[1].build(3))
    assert b"string-3" in text


@pytest.mark.feature("TST-11", "TST-12", "TST-17", "TST-27")
async def test_a_service_on_all_nodes(
    l8_network: Callable[..., Network], l8_counting: Callable[..., ServiceLevelAgreement]
) -> None:
    """Each has an instance of its own; messages are counted by node, service and action."""
    async with l8_network(switches=2, nodes=2) as net:
        handlers = cast("list[CountingService]", await net.activate(l8_counting()))
        assert [one.instance for one in handlers] == [node.alias for node in net.nodes.values()]
        one, other = net.node(1, 1), net.node(2, 2)
        await one.vnic.request(other.uuid, "Tests", 0, Action.POST, ["a"])
        assert [one.counts[Action.POST] for one in handlers] == [0, 0, 0, 1]
        assert net.messages.total(node=other.alias, service=TESTS, action=Action.POST) == 1
        assert net.messages.total(service=TESTS, action=Action.POST) == 1
        assert net.handlers(TESTS) == handlers
        handlers[0].failing = True
        net.reset()
        assert net.messages.total(service=TESTS) == 0
        assert [one.counts.total() for one in handlers] == [0, 0, 0, 0]
        assert not handlers[0].failing


@pytest.mark.feature("TST-18", "TST-19")
async def test_a_node_comes_back(
    l8_network: Callable[..., Network], l8_counting: Callable[..., ServiceLevelAgreement]
) -> None:
    """With a new id and its services; a service that was stopped is offered again as it was."""
    async with l8_network(nodes=2) as net:
        await net.activate(l8_counting())
        before = net.node(1, 2)
        after = await net.renew(before)
        assert after is net.node(1, 2)
        assert after.alias == before.alias
        assert after.uuid != before.uuid
        asker = net.node(1, 1).vnic
        answer = await asker.request(after.uuid, "Tests", 0, Action.POST, ["again"])
        assert list(answer.values) == ["again"]

        await after.deactivate(TESTS)
        await net.converged()
        assert after.uuid not in asker.directory.providers(TESTS)
        handler = cast("CountingService", await after.reactivate(TESTS))
        await net.converged()
        await asker.request(after.uuid, "Tests", 0, Action.POST, ["again"])
        assert handler.counts[Action.POST] == 1


@pytest.mark.feature("TST-03", "TST-20")
async def test_each_node_has_its_part_of_the_log(l8_network: Callable[..., Network]) -> None:
    """All log to one place, which knows who it was; one call sets the level of all."""
    async with l8_network(nodes=2, level=logging.ERROR) as net:
        first, second = net.node(1, 1), net.node(1, 2)
        assert not net.log.records
        net.log.set_level(logging.INFO)
        await net.renew(second)
        told = net.log.of(second.alias)
        assert told
        assert all(record.levelno >= logging.INFO for record in net.log.records)
        net.log.set_level(logging.ERROR)
        net.log.clear()
        await net.stop(net.node(1, 2))
        assert net.log.of(first.alias) == []


@pytest.mark.feature("TST-08")
async def test_a_sample_service_with_transactions(l8_network: Callable[..., Network]) -> None:
    """What one writes is on all instances; what one instance refuses is on none."""
    sample = SAMPLES[1]
    async with l8_network(nodes=3) as net:
        handlers = cast(
            "list[TransactionalCountingService]",
            await net.activate(transactional_sla(model=sample.model)),
        )
        vnic = net.node(1, 3).vnic

        async def write(number: int) -> None:
            item = sample.build(number)
            await vnic.request(MulticastMode.PROXIMITY, "Tests", 1, Action.POST, item)

        await write(1)
        await until(lambda: [one.changed["string-1"] for one in handlers] == [1, 1, 1])
        handlers[0].failing = True
        with pytest.raises(ConflictError):
            await write(2)
        assert [sorted(one.items) for one in handlers] == [["string-1"]] * 3
        handlers[0].failing = False
        await write(3)
        await until(lambda: all(sorted(one.items) == ["string-1", "string-3"] for one in handlers))
        answer = await vnic.request(MulticastMode.PROXIMITY, "Tests", 1, Action.GET, None)
        assert len(answer.values) == 2


@pytest.mark.feature("TST-09", "l8types:TYP-21")
async def test_a_sample_service_with_replicas(l8_network: Callable[..., Network]) -> None:
    """Each item is on two of the nodes, which know their number, and is found from all of them."""
    sample = SAMPLES[1]
    async with l8_network(nodes=3) as net:
        handlers = cast(
            "list[ReplicatedCountingService]",
            await net.activate(replicated_sla(model=sample.model)),
        )
        vnic = net.node(1, 2).vnic
        keys = [f"string-{number}" for number in range(6)]
        for number in range(6):
            item = sample.build(number)
            await vnic.request(MulticastMode.PROXIMITY, "Tests", 2, Action.POST, item)
        for key in keys:
            wrote = [number for one in handlers for (k, number) in one.replicas if k == key]
            assert sorted(wrote) == [0, 1]
        await until(lambda: sum(len(one.items) for one in handlers) == 12)
        assert all(sum(key in one.items for one in handlers) == 2 for key in keys)
        for node in net.nodes.values():
            found = await node.vnic.request(
                MulticastMode.PROXIMITY, "Tests", 2, Action.GET, sample.build(3)
            )
            assert sample.read(found.first, "my_string") == "string-3"
        question = vnic.resources.elements.query(sample.query())
        answer = await vnic.request(MulticastMode.PROXIMITY, "Tests", 2, Action.GET, question)
        assert [sample.read(item, "my_string") for item in answer.values] == keys


def pytest_files(folder: Path, files: dict[str, str]) -> None:
    """Lay out what pytest needs, in a folder that has nothing else."""
    options = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    for name, text in (files | {"pytest.ini": f"[pytest]\n{options}pythonpath = .\n"}).items():
        (folder / name).write_text(text, encoding="utf-8")


async def run_pytest(folder: Path, **variables: str) -> str:
    """Run its tests; what they printed, after all passed."""
    arguments = ("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    ended = await run_program(*arguments, cwd=folder, env=environment(folder) | variables)
    assert ended.code == 0, ended.out + ended.err
    return ended.out


def blocks(page: str) -> list[str]:
    """The Python code that a page shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [found[1] for found in BLOCK.finditer(text)]


async def test_the_first_test_of_a_user_runs(tmp_path: Path) -> None:
    """As the README shows it."""
    (code,) = [code for code in blocks("packages/l8test/README.md") if "l8_network" in code]
    pytest_files(tmp_path, {"test_page.py": code})
    assert "1 passed" in await run_pytest(tmp_path)


async def test_the_part_that_the_guide_implements_is_one(tmp_path: Path) -> None:
    """It passes the suite, is installed, and is used when it is named."""
    part, tests = blocks("docs/implementing.md")
    pytest_files(tmp_path, {"tally.py": part, "test_tally.py": tests})
    announced = '[project.entry-points."layer8.metrics"]\ntally = "tally:create_metrics"\n'
    assert announced in (ROOT / "docs/implementing.md").read_text(encoding="utf-8")
    announce(tmp_path, "tally", "layer8.metrics", "tally = tally:create_metrics")
    assert "10 passed" in await run_pytest(tmp_path, PYTHONPATH=str(tmp_path))


def test_the_guide_lists_all_that_can_be_replaced() -> None:
    """Each group has a line, with suites that are there."""
    text = (ROOT / "docs/implementing.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(layer8\.\w+)` \| .* \| ([^|]+) \|$", text, re.MULTILINE))
    assert sorted(rows) == sorted(map(str, Plugin))
    named = {name for row in rows.values() for name in re.findall(r"`(\w+)`", row)}
    assert named <= set(conformance.__all__)
