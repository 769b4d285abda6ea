# SPDX-License-Identifier: Apache-2.0
"""Nodes elect leaders over a network, follow them, replace them and hand over."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest

from l8services._election._memory import load_epochs, save_epochs
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import InvalidInputError, PermissionDeniedError, UnavailableError
from l8types.settings import NodeSettings
from l8types.values import Message, ServiceKey

from .model import Book
from .network import BOOKS, FakeNetwork, FakeNode
from .virtual import run, until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

GROUP = ServiceKey("Library")
FILMS = ServiceKey("Films", 2)


def now() -> float:
    """Virtual time."""
    return asyncio.get_running_loop().time()


def leads(nodes: Sequence[FakeNode], leader: str, key: ServiceKey = BOOKS) -> Callable[[], bool]:
    """Whether all of them know that leader."""
    return lambda: {node.services.leader(key) for node in nodes} == {leader}


async def serving(network: FakeNetwork, names: str, **options: object) -> list[FakeNode]:
    """Nodes with the sample service, started one after the other; the first one leads."""
    nodes = []
    for name in names:
        nodes.append(network.node(name))
        await nodes[-1].serve(**options)
        await until(leads(nodes, nodes[0].uuid), "the first leads")
    return nodes


async def deliver(node: FakeNode, action: Action, source: str, *values: object) -> FakeNode:
    """Let a request of the election come in; raises what it is answered."""
    message = Message(source=source, service=BOOKS.name, action=action, request=True)
    answer = await node.services.handle(node.resources.elements.of(*values), message, node.nic)
    assert answer is not None
    answer.raise_for_error()
    return node


@pytest.mark.feature(
    "ELE-03",
    "ELE-06",
    "ELE-13",
    "PAR-01",
    "PAR-02",
    "PAR-05",
    "SVC-22",
    "layer8-net:ELE-06",
    "layer8-net:PAR-02",
)
def test_first_one_leads_and_newcomers_learn_it() -> None:
    """A newcomer takes the leader that is there, whatever the ids; all know the same epoch."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            outsider = network.node("x")
            assert (outsider.services.leader(BOOKS), outsider.services.epoch(BOOKS)) == ("", 0)
            a = (await serving(network, "a"))[0]
            begun = now()
            c, b = network.node("c"), network.node("b")
            await c.serve()
            await b.serve()
            await until(leads([a, b, c], a.uuid), "all follow the first", 1.0)
            assert now() - begun < 0.1
            epochs = {node.services.epoch(BOOKS) for node in (a, b, c)}
            assert len(epochs) == 1
            assert epochs != {0}
            for node in (a, b, c):
                assert node.services.participants(BOOKS) == (a.uuid, b.uuid, c.uuid)
            assert a.services.placement(BOOKS, 2) == (a.uuid, b.uuid)
            assert a.services.placement(BOOKS, 2) == (c.uuid, a.uuid)
            await asyncio.sleep(20)
            assert leads([a, b, c], a.uuid)()

    run(scenario())


@pytest.mark.feature(
    "ELE-01", "ELE-05", "ELE-09", "PAR-03", "PAR-04", "layer8-net:ELE-01", "layer8-net:ELE-04"
)
def test_lost_leader_is_replaced_within_two_seconds() -> None:
    """The greatest voter that is left leads in a higher epoch; who does not vote follows."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = await serving(network, "abc")
            quiet = network.node("z")
            await quiet.serve(voter=False)
            left = [b, c, quiet]
            await until(leads(left, a.uuid), "all follow")
            epoch = c.services.epoch(BOOKS)
            network.kill(a)
            begun = now()
            await until(leads(left, c.uuid), "another one leads", 2.0)
            assert now() - begun < 2.0
            assert {node.services.epoch(BOOKS) > epoch for node in left} == {True}
            await c.services.deactivate(BOOKS)
            await until(leads([b, quiet], b.uuid), "the last voter leads", 2.0)
            assert b.services.participants(BOOKS) == (b.uuid, quiet.uuid)
            await b.services.deactivate(BOOKS)
            await until(leads([quiet], ""), "nobody leads")
            await asyncio.sleep(10)
            assert quiet.services.leader(BOOKS) == ""
            await a.services.aclose()

    run(scenario())


@pytest.mark.feature("ELE-04", "ELE-05")
def test_silent_leader_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """A leader that is listed but not heard is given up; when it is heard again it gives in."""
    caplog.set_level(logging.INFO, "l8services._election")

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = await serving(network, "abc")
            network.lose = lambda sent: a.uuid in {sent.source, sent.target}
            begun = now()
            await until(leads([b, c], c.uuid), "another one leads")
            assert 3.0 < now() - begun < 8.0
            assert f"leader {a.uuid} was silent for 5 s" in caplog.text
            network.lose = lambda _: False
            await until(leads([a, b, c], c.uuid), "the old one follows", 5.0)

    run(scenario())


@pytest.mark.feature("SVC-21")
def test_one_leader_is_left_when_networks_meet() -> None:
    """Both parts had one; the one of the lower epoch gives in at once, in every service."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = await serving(network, "abc")
            network.isolate(a)
            await until(leads([b, c], c.uuid), "the others elect", 2.0)
            assert a.services.leader(BOOKS) == a.uuid
            assert a.services.epoch(BOOKS) < c.services.epoch(BOOKS)
            network.heal(a)
            await until(leads([a, b, c], c.uuid), "one of them is left", 1.0)
            assert len({node.services.epoch(BOOKS) for node in (a, b, c)}) == 1

    run(scenario())


@pytest.mark.feature("ELE-07")
def test_planned_hand_over_fails_no_request() -> None:
    """While leaders leave one after the other, every request for the leader is answered."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            nodes = await serving(network, "abcd")
            client = network.node("x")
            await client.serve(name="Other")
            asked: list[asyncio.Task[object]] = []

            async def load() -> None:
                for number in range(400):
                    book = Book(isbn=str(number))
                    asked.append(
                        group.create_task(
                            client.request(MulticastMode.LEADER, "Books", 0, Action.POST, book)
                        )
                    )
                    await asyncio.sleep(0.005)

            async with asyncio.TaskGroup() as group:
                loading = group.create_task(load())
                for leader in (nodes[0], nodes[3], nodes[2]):
                    await asyncio.sleep(0.4)
                    assert leader.services.leader(BOOKS) == leader.uuid
                    assert await leader.services.hand_over(BOOKS) != leader.uuid
                await asyncio.sleep(0.1)
                await nodes[3].services.deactivate(BOOKS)
                await loading
            assert len(asked) == 400
            assert all(task.exception() is None for task in asked)

    run(scenario())


@pytest.mark.feature("ELE-07")
def test_leader_leads_until_its_successor_does() -> None:
    """There is no moment without a leader when one hands over, and nobody else is disturbed."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = await serving(network, "abc")
            seen: list[str] = []
            watch = b.services.watch_leader(lambda key, leader, epoch: seen.append(leader))
            assert await a.services.hand_over(BOOKS) == c.uuid
            await until(leads([a, b, c], c.uuid), "the successor leads", 1.0)
            assert seen == [c.uuid]
            assert await b.services.hand_over(BOOKS) == c.uuid
            watch.close()
            await c.services.deactivate(BOOKS)
            await until(leads([a, b], b.uuid), "the next one leads", 1.0)
            assert seen == [c.uuid]

    run(scenario())


def test_nobody_else_can_lead() -> None:
    """Whoever is the last voter keeps leading, and is told so."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            (a,) = await serving(network, "a")
            assert await a.services.hand_over(BOOKS) == a.uuid
            quiet = network.node("z")
            await quiet.serve(voter=False)
            begun = now()
            assert await a.services.hand_over(BOOKS) == a.uuid
            assert now() - begun < 0.5
            assert await quiet.services.hand_over(BOOKS) == a.uuid

    run(scenario())


def test_drained_leader_is_replaced() -> None:
    """An interface that drains withdraws the services; who leads then hands over by that."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = await serving(network, "abc")
            await a.drain()
            await until(leads([a, b, c], c.uuid), "another one leads", 1.0)
            answer = await b.request(MulticastMode.LEADER, "Books", 0, Action.POST, Book(isbn="1"))
            assert not answer.error

    run(scenario())


@pytest.mark.feature("SVC-20", "PAR-07", "layer8-net:ELE-03")
def test_services_of_a_group_share_a_leader_and_participants() -> None:
    """The group has one leader, known by the name of each service; each keeps its own providers."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b, c = (network.node(name) for name in "abc")
            await a.serve(group="Library")
            await b.serve(name=FILMS.name, area=FILMS.area, group="Library")
            await c.serve(group="Library")
            await c.serve(name=FILMS.name, area=FILMS.area, group="Library")
            for key in (GROUP, BOOKS, FILMS):
                await until(leads([c], a.uuid, key), "the first leads")
            await until(leads([a], a.uuid), "it knows")
            await until(leads([b], a.uuid, FILMS), "the other service knows")
            assert c.services.participants(GROUP) == (a.uuid, b.uuid, c.uuid)
            assert c.services.participants(BOOKS) == (a.uuid, c.uuid)
            assert c.services.participants(FILMS) == (b.uuid, c.uuid)
            outsider = network.node("x")
            await outsider.serve(name="Other")
            await until(leads([outsider], a.uuid), "one who does not know the group learns it")
            network.kill(a)
            await until(leads([b, c], c.uuid, FILMS), "another one leads", 2.0)
            await c.services.deactivate(FILMS)
            assert c.services.leader(BOOKS) == c.uuid
            await c.services.deactivate(BOOKS)
            await until(leads([b], b.uuid, FILMS), "the last one leads", 2.0)
            assert b.services.participants(GROUP) == (b.uuid,)
            await a.services.aclose()

    run(scenario())


def test_node_votes_as_long_as_a_service_of_the_group_does() -> None:
    """A second service may bring the vote, and take it away again."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve(group="Library", voter=False)
            await b.serve(group="Library", voter=False)
            await asyncio.sleep(3)
            assert a.services.leader(BOOKS) == ""
            await a.serve(name=FILMS.name, area=FILMS.area, group="Library")
            await until(leads([a, b], a.uuid), "it leads", 2.0)
            await a.services.deactivate(FILMS)
            await until(leads([a, b], ""), "nobody leads", 2.0)

    run(scenario())


def test_group_may_have_the_name_of_a_service() -> None:
    """Then they share the leader of that service, also when the service itself is gone."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = network.node("a"), network.node("b")
            await a.serve()
            await b.serve(name=FILMS.name, area=FILMS.area, group=BOOKS.name)
            await until(leads([b], a.uuid, FILMS), "it follows")
            await a.serve(name=FILMS.name, area=FILMS.area, group=BOOKS.name)
            await a.services.deactivate(BOOKS)
            await until(lambda: a.services.leader(FILMS) == b.services.leader(FILMS) != "", "one")
            assert a.services.participants(BOOKS) == (a.uuid, b.uuid)

    run(scenario())


@pytest.mark.feature("ELE-12")
def test_closing_stops_everything() -> None:
    """After the last service nothing of the elections runs, and it may begin again."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await serving(network, "ab")
            await b.services.deactivate(BOOKS)
            assert not [task for task in asyncio.all_tasks() if "elections" in task.get_name()][4:]
            await a.services.aclose()
            assert not [task for task in asyncio.all_tasks() if "elections" in task.get_name()]
            assert a.listeners == []
            await a.serve()
            await until(leads([a], a.uuid), "it leads again")

    run(scenario())


def test_services_without_state_have_no_leader() -> None:
    """They are not elected for; a request for the leader is served by anyone."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            await a.serve(stateful=False, store=None, handler=Plain)
            client = network.node("x")
            answer = await client.request(MulticastMode.LEADER, "Books", 0, Action.GET)
            assert answer.values == []
            assert a.services.leader(BOOKS) == ""
            assert network.votes == []

    run(scenario())


class Plain:
    """Answers with what it was asked."""

    async def activate(self, sla: object, vnic: object) -> None:
        pass

    async def deactivate(self) -> None:
        pass

    async def get(self, elements: object, call: object) -> object:
        return elements


def test_request_for_a_leader_that_does_not_come_is_an_error() -> None:
    """It waits for an election to end, but not for ever."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            quiet = network.node("z")
            await quiet.serve(voter=False)
            begun = now()
            with pytest.raises(UnavailableError, match="has had no leader for 5 s"):
                await quiet.request(MulticastMode.LEADER, "Books", 0, Action.GET)
            assert 5.0 <= now() - begun < 5.1

    run(scenario())


def test_strangers_have_no_say() -> None:
    """Who does not take part neither leads nor makes a leader resign, nor drives up epochs."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await serving(network, "ab")
            epoch = a.services.epoch(BOOKS)
            stranger = network.node("s").uuid
            for action in (
                Action.LEADER_ANNOUNCEMENT,
                Action.LEADER_HEARTBEAT,
                Action.LEADER_RESIGN,
                Action.LEADER_CHALLENGE,
                Action.ELECTION_REQUEST,
            ):
                with pytest.raises(PermissionDeniedError, match="without taking part"):
                    await deliver(b, action, stranger, epoch + (1 << 40))
            await deliver(a, Action.LEADER_QUERY, stranger, epoch + (1 << 40))
            for nonsense in ([-1], ["first"], [True], [1 << 62], [1, 2]):
                with pytest.raises(InvalidInputError, match="no epoch"):
                    await deliver(b, Action.LEADER_ANNOUNCEMENT, a.uuid, *nonsense)
            a.resources.security.denied.add(("eve", Action.LEADER_RESIGN))
            message = a.message(Action.LEADER_RESIGN, identity="eve", source=b.uuid)
            answer = await a.services.handle(a.resources.elements.of(), message, a.nic)
            assert answer is not None
            assert answer.error.startswith("permission-denied")
            await asyncio.sleep(3)
            assert leads([a, b], a.uuid)()
            assert {node.services.epoch(BOOKS) for node in (a, b)} == {epoch}

    run(scenario())


def test_message_that_came_back_elects_nobody() -> None:
    """A message of an election that nobody took is no news, and none of the service."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await serving(network, "ab")
            for action in (Action.LEADER_RESIGN, Action.ELECTION_RESPONSE):
                message = b.message(action, source=a.uuid, failure="no such node", request=False)
                assert await b.services.handle(b.resources.elements.of(), message, b.nic) is None
            await asyncio.sleep(3)
            assert leads([a, b], a.uuid)()

    run(scenario())


def test_node_without_connection_keeps_its_leader() -> None:
    """Time stands still for it, so that it neither loses the leader nor makes itself one."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await serving(network, "ab")
            epoch = b.services.epoch(BOOKS)
            b.connected = False
            network.lose = lambda sent: b.uuid in {sent.source, sent.target}
            await asyncio.sleep(60)
            b.connected = True
            network.lose = lambda _: False
            await asyncio.sleep(20)
            assert leads([a, b], a.uuid)()
            assert b.services.epoch(BOOKS) == epoch

    run(scenario())


def test_why_tells_time_reason_and_round() -> None:
    """One line says who leads since when, and why."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a, b = await serving(network, "ab")
            assert b.services.why(FILMS) == ""
            why = a.services.why(BOOKS)
            assert why.startswith("2023-11-14 22:")
            assert f"Books--0: node-a ({a.uuid}) leads in round 1: nobody else takes part" in why
            network.kill(a)
            await until(leads([b], b.uuid), "the other one leads")
            assert "leads in round 2" in b.services.why(BOOKS)
            await a.services.aclose()

    run(scenario())


def test_listener_that_fails_stops_nobody() -> None:
    """Others are told all the same, and the election goes on."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            seen: list[tuple[ServiceKey, str]] = []

            def fail(*_: object) -> None:
                raise RuntimeError("a fault of its author")

            a.services.watch_leader(fail)
            a.services.watch_leader(lambda key, leader, epoch: seen.append((key, leader)))
            await a.serve()
            await until(lambda: seen == [(BOOKS, a.uuid)], "it is told")

    run(scenario())


def test_epochs_outlive_the_process(tmp_path: Path) -> None:
    """A restarted network goes on with higher epochs; what cannot be read begins anew."""

    async def epoch_of_a_new_life() -> int:
        async with FakeNetwork() as network:
            a = network.node("a")
            a.resources.directory = tmp_path
            await a.serve()
            await until(leads([a], a.uuid), "it leads")
            return a.services.epoch(BOOKS)

    first, second = run(epoch_of_a_new_life()), run(epoch_of_a_new_life())
    assert second > first > 0
    file = tmp_path / "elections.json"
    assert json.loads(file.read_text()) == {"Books--0": second}
    file.write_text("{damaged")
    assert run(epoch_of_a_new_life()) == first


def test_epochs_in_a_file_only_rise(tmp_path: Path) -> None:
    """Nodes of one directory raise them together; values that are no epochs are ignored."""
    file = tmp_path / "below" / "elections.json"
    assert load_epochs(file) == {}
    save_epochs(file, {"a": 5, "b": 1})
    save_epochs(file, {"a": 3, "c": 2})
    assert load_epochs(file) == {"a": 5, "b": 1, "c": 2}
    file.write_text('{"a": 5, "b": "x", "c": -1, "d": true, "e": 1.5}')
    assert load_epochs(file) == {"a": 5}
    file.write_text("[1]")
    assert load_epochs(file) == {}


def test_full_disk_does_not_stop_an_election(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The node leads all the same, and says what it could not keep."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("l8services._election._courier.save_epochs", fail)

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = network.node("a")
            a.resources.directory = tmp_path
            await a.serve()
            await until(leads([a], a.uuid), "it leads")

    run(scenario())
    assert "cannot be kept" in caplog.text


@pytest.mark.feature("ELE-02", "ELE-08", "ELE-10", "ELE-11", "layer8-net:ELE-02")
def test_go_profile_says_what_go_nodes_understand() -> None:
    """Empty messages; the greatest id preempts; a challenge is answered by a sign of life."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            nodes = []
            for name in "abc":
                settings = NodeSettings(
                    alias=f"node-{name}", uuid=name * 36, profile=WireProfile.GO
                )
                nodes.append(network.node(name * 36, settings))
                await nodes[-1].serve()
            await until(leads(nodes, "c" * 36), "the greatest leads", 10.0)
            assert {len(sent.elements) for sent in network.votes} == {0}
            requests = [s.source for s in network.votes if s.action is Action.ELECTION_REQUEST]
            assert len(requests) <= 3 * 6
            network.votes.clear()
            await asyncio.sleep(20.5)
            assert {sent.action for sent in network.votes} == {Action.LEADER_HEARTBEAT}
            assert len(network.votes) in range(30, 34)
            network.votes.clear()
            await deliver(nodes[2], Action.LEADER_CHALLENGE, nodes[0].uuid)
            await until(lambda: len(network.votes) >= 3, "it shows that it lives", 1.0)
            assert {sent.action for sent in network.votes} == {Action.LEADER_HEARTBEAT}
            assert await nodes[2].services.hand_over(BOOKS) == "b" * 36
            await until(leads(nodes, "b" * 36), "the next one leads")
            network.kill(nodes[1])
            await until(leads([nodes[0], nodes[2]], "c" * 36), "the greatest leads", 6.0)
            await nodes[1].services.aclose()

    run(scenario())
