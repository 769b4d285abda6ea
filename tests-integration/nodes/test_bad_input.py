# SPDX-License-Identifier: Apache-2.0
"""Bad input at each door: one clear line that says what to do, the right code, no traceback."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx
import pytest

from collect.model import L8PTarget, NetworkDevice
from l8types.enums import Action
from l8types.errors import (
    ConfigurationError,
    L8Error,
    NotFoundError,
    QueryError,
    UnavailableError,
)
from l8types.values import Credential, ServiceKey
from layer8 import Node, make_switch
from probler._targets import COMMUNITY, target_of
from probler.sim import profiles_named

from .network import COPIES, EVERYTHING, INVENTORY, Network
from .support import environment, run_program, taken_port, until

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from l8secure import LocalSecurity

INVENTORY_PATH: Final = f"/api/{INVENTORY.area}/{INVENTORY.name}"


class Line(NamedTuple):
    """A command line and what its one line of refusal says."""

    arguments: tuple[str, ...]
    says: str
    file: str = ""
    """Content of ``layer8.toml``, to which ``LAYER8_CONFIG`` points."""


LINES: Final = {
    "broken TOML": Line(("layer8", "status"), "is not a TOML file", "[node"),
    "unknown table": Line(("layer8", "status"), "unknown table 'nodes'", "[nodes]"),
    "unknown setting": Line(("layer8", "status"), "unknown setting 'prot'", "[node]\nprot = 1"),
    "port out of range": Line(("layer8", "vnet", "--port", "99999"), "not in 0..65535"),
    "no file": Line(("layer8", "status", "--config", "absent.toml"), "cannot read absent.toml"),
    "unknown plug-in": Line(
        ("layer8", "vnet", "--port", "0"),
        "did you mean 'layer8-net'",
        '[plugins]\n"layer8.switch" = "layer9-net"',
    ),
    "unknown security": Line(
        ("layer8", "vnet", "--port", "0"),
        "candidates: local, shallow",
        '[plugins]\n"layer8.security" = "global"',
    ),
    "nobody at the port": Line(("layer8", "status"), "is it running?"),
    "beyond loopback": Line(("layer8", "vnet", "--host", "192.0.2.1"), "set up certificates"),
}


@pytest.mark.parametrize("name", LINES)
async def test_a_command_refuses_in_one_line(name: str, tmp_path: Path) -> None:
    """Exit code 2 and one line on standard error."""
    line = LINES[name]
    (tmp_path / "layer8.toml").write_text(line.file)
    env = environment(tmp_path, config=tmp_path / "layer8.toml", port=1, request_timeout=0.5)
    ended = await run_program("-m", *line.arguments, cwd=tmp_path, env=env)
    assert line.says in ended.refused()


@pytest.mark.feature("layer8-net:NET-01", "layer8-net:SEC-01")
async def test_a_switch_refuses_a_taken_port_and_strangers(tmp_path: Path) -> None:
    """A second switch on the port, and a node that does not know the network's secret."""
    network = Network(tmp_path / "ours")
    async with make_switch(network.settings("switch")):
        env = environment(tmp_path, port=network.port, request_timeout=5)
        second = await run_program("-m", "layer8", "vnet", cwd=tmp_path, env=env)
        assert f"port {network.port} on 127.0.0.1 is in use" in second.refused()
        stranger = await run_program("-m", "layer8", "status", cwd=tmp_path, env=env)
        assert "the network secrets of the two sides differ" in stranger.refused()


@pytest.mark.feature("l8web:SRV-03")
async def test_a_taken_web_port_is_told(tmp_path: Path) -> None:
    """The example ends at once; a node of one's own gets an error and works on without it."""
    with taken_port() as port:
        arguments = ("-m", "probler", "demo", "--data", "data", "--web-port", str(port))
        ended = await run_program(*arguments, cwd=tmp_path, env=environment(tmp_path))
        assert f"web port {port} is in use; choose another" in ended.refused()
        settings = Network(tmp_path).settings("web")
        async with Node(settings=settings, web_port=port) as node:
            with pytest.raises(ConfigurationError, match=f"web port 127.0.0.1:{port} is in use"):
                await node.open_gateway()
            assert node.url == ""
            assert node.vnic.connected


class Request(NamedTuple):
    """A request to the gateway and how it is refused."""

    method: str
    path: str
    status: int
    code: str
    says: str
    query: str = ""
    body: str = ""


REFUSED: Final = (
    Request("GET", INVENTORY_PATH, 400, "query", "found 'form'", "select * form NetworkDevice"),
    Request("GET", INVENTORY_PATH, 400, "query", "no model 'Router'", "select * from Router"),
    Request(
        "GET",
        INVENTORY_PATH,
        400,
        "query",
        "'weight'",
        "select * from NetworkDevice where weight=1",
    ),
    Request("GET", INVENTORY_PATH, 400, "invalid-input", "needs a query"),
    Request("GET", "/api/0/Nothing", 404, "not-found", "no service 0/Nothing", EVERYTHING),
    Request("GET", "/api/999/NCache", 400, "invalid-input", "not in 0..255", EVERYTHING),
    Request("DELETE", INVENTORY_PATH, 404, "not-found", "'nobody'", body='{"id": "nobody"}'),
    Request("POST", INVENTORY_PATH, 400, "invalid-input", "truncated", body="{"),
    Request("POST", INVENTORY_PATH, 400, "invalid-input", "weight", body='{"weight": 1}'),
    Request("POST", INVENTORY_PATH, 400, "property", "empty primary key", body="{}"),
    Request("TRACE", INVENTORY_PATH, 405, "invalid-input", "not allowed"),
    Request(
        *("POST", "/api/91/Targets", 404, "not-found", "links id 'X'"),
        body='{"targetId": "x", "linksId": "X"}',
    ),
)


@pytest.mark.feature("l8web:SRV-08", "l8web:SRV-16", "l8types:TYP-49", "l8web:UI-04")
async def test_rest_refuses_with_a_status_and_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is not known is not let in; whoever asks nonsense is told what is wrong with it."""
    async with Network(tmp_path) as network, httpx.AsyncClient() as client:
        await network.start_store()
        await network.start_inventory("inventory-1")
        await network.start_web()
        client.base_url = httpx.URL(network.url)

        account = {"user": "admin", "pass": "wrong"}
        for user in ("admin", "nobody"):
            answer = await client.post("/auth", json=account | {"user": user})
            told = {"error": "authentication", "message": "wrong user or password"}
            assert (answer.status_code, answer.json()) == (401, told)
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            answer = await client.get(INVENTORY_PATH, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "authentication")

        answer = await client.post("/auth", json=account | {"pass": network.password})
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        await until(lambda: served(client, INVENTORY_PATH, "/api/91/Targets"))
        for request in REFUSED:
            query = {"query": request.query} if request.query else {}
            answer = await client.request(
                request.method, request.path, params=query, content=request.body
            )
            told = answer.json()
            assert (answer.status_code, told["error"]) == (request.status, request.code), told
            # What follows the first line of a query's error shows the place in the query.
            assert request.says in told["message"].splitlines()[0]
        answer = await client.get(
            INVENTORY_PATH, params={"query": "select * from NetworkDevice where id=nobody"}
        )
        assert (answer.status_code, answer.json()["list"]) == (200, [])
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def served(client: httpx.AsyncClient, *paths: str) -> bool:
    """Whether the gateway knows these services."""
    answer = await client.get("/api/services")
    return {one["path"] for one in answer.json()["list"]} >= set(paths)


@pytest.mark.feature("layer8-gsql:GQ-33", "layer8-net:NET-09", "l8utils:CAC-10")
async def test_a_node_refuses_with_errors_of_the_ecosystem(tmp_path: Path) -> None:
    """A call in the network tells what is wrong as the class of the error, on both ends alike."""
    async with Network(tmp_path) as network:
        near = await network.start_inventory("inventory-1")
        far = await network.join("caller")
        for node in (near, far):
            told = await refused(node.get("select * form NetworkDevice"), QueryError)
            assert told.startswith("expected the end of the query")
            assert "(line 1, column 10)" in told
            told = await refused(node.get("select * from Router"), QueryError)
            assert "there is no model 'Router'" in told
            told = await refused(node.get("select * from L8PTarget"), NotFoundError)
            assert told == "no live node serves L8PTarget; start one that does"
            nothing = ServiceKey("Nothing", 7)
            told = await refused(node.call(nothing, Action.GET, EVERYTHING), UnavailableError)
            assert told == "no live provider of service 'Nothing' area 7"
            stranger = NetworkDevice(id="nobody")
            told = await refused(node.delete(INVENTORY.name, stranger), NotFoundError)
            assert told == "service NCache--0 has no item 'nobody' to delete"


async def refused(call: Awaitable[object], kind: type[L8Error]) -> str:
    """First line of the error with which a call ends."""
    with pytest.raises(kind) as caught:
        await call
    return caught.value.message.splitlines()[0]


@pytest.mark.feature("layer8-collect:COL-18", "layer8-collect:TGT-17")
async def test_what_cannot_be_polled_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong community, a set of credentials that is not there, a device that is not there."""
    caplog.set_level(logging.WARNING)
    async with Network(tmp_path, profiles_named(["server"], 1)) as network:
        await network.start()
        await network.poll_fleet()
        device = network.fleet.devices[0]
        await network.complete("inventory-1", {device.id: 3})
        security: LocalSecurity = network.nodes["store"].resources.security  # type: ignore[assignment]
        security.credentials.put("wrong", "snmp", Credential(secret=COMMUNITY[::-1]))
        caplog.clear()
        with taken_port() as nobody:
            bad = {
                "wrong-community": target_of(
                    "wrong-community", device.host, device.port, credential_set="wrong"
                ),
                "no-credentials": target_of(
                    "no-credentials", device.host, device.port, credential_set="absent"
                ),
                "nobody-there": target_of("nobody-there", "127.0.0.1", nobody),
            }
            await network.poll(*bad.values())
            await network.see(
                COPIES[0],
                lambda found: states_of(found) == {device.id: 1} | dict.fromkeys(bad, 2),
            )
        for name in bad:
            lines = [one for one in caplog.messages if name in one]
            assert len(lines) == 1, caplog.messages
            assert "\n" not in lines[0]
        assert [record for record in caplog.records if record.exc_info] == []
        told = await refused(network.poll(L8PTarget(target_id="x", links_id="X")), NotFoundError)
        assert "no route for links id 'X'" in told


def states_of(devices: list[NetworkDevice]) -> dict[str, int]:
    """State of each device as a number."""
    return {device.id: int(device.equipmentinfo.device_status) for device in devices}
