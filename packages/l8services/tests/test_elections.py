# SPDX-License-Identifier: Apache-2.0
"""Nodes elect leaders over a network, follow them, replace them and hand over."""

from __future__ import annotations

import asyncio
import logging

import pytest

from l8types.enums import Action, MulticastMode

from .electing import FILMS, GROUP, Plain, leads, now, serving
from .model import Book
from .network import BOOKS, FakeNetwork
from .virtual import run, until


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
    """W-01: a leader that is listed but not heard is given up; heard again, it gives in."""
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
    """W-03: both parts had one; the one of the lower epoch gives in at once, in every service."""

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
    """W-19: one leader, known by the name of each service; each keeps its own providers."""

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
