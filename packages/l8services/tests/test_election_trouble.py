# SPDX-License-Identifier: Apache-2.0
"""Elections with strangers, failures, full disks, restarts, and nodes of the go profile."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from l8services._election._memory import load_epochs, save_epochs
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import InvalidInputError, PermissionDeniedError, UnavailableError
from l8types.settings import NodeSettings

from .network import BOOKS, FakeNetwork
from .virtual import run, until

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.values import ServiceKey

from .electing import FILMS, deliver, leads, now, serving


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
    """W-02: a message of an election that nobody took is no news, and none of the service."""

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
