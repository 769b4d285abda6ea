# SPDX-License-Identifier: Apache-2.0
"""Each part of a node is exchanged in a network that runs, by nothing but its settings."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from collect import RuleRegistry
from collect._sessions import session_factory
from l8services import BaseService
from l8types.constants import Plugin
from l8types.enums import Action, SerializerMode
from l8types.protocols.collection import HostAddress, PollResult, RuleContext
from l8types.sla import ServiceLevelAgreement
from l8types.values import TimeSeriesPoint
from layer8 import load_settings

from .support import announce, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from l8test.network import Network, NetworkNode
    from l8types.protocols.stores import OrmFactory, TimeSeriesFactory
    from l8types.protocols.web import WebServerFactory
    from l8utils import NodeResources

Installer = Callable[[Plugin], set[str]]
WITNESS: Final = Path(__file__).parent / "plugins" / "witness.py"


@dataclass
class Shelf:
    """What the service of these tests keeps."""

    name: str = ""
    books: int = 0


AGREEMENT: Final = ServiceLevelAgreement(
    name="Shelves", handler=BaseService, model=Shelf, primary_keys=("name",)
)


async def write_and_read(net: Network) -> None:
    """Write on one node, change what is there, and find it on the other one."""
    one, other = net.nodes.values()

    async def ask(target: NetworkNode, action: Action, payload: object) -> list[object]:
        answer = await one.vnic.request(target.uuid, "Shelves", 0, action, payload)
        return list(answer.values)

    async def found() -> list[object]:
        return await ask(other, Action.GET, "select * from Shelf where books>2")

    await ask(one, Action.POST, [Shelf("a", 1), Shelf("b", 3)])
    await ask(one, Action.PATCH, Shelf("a", 4))
    await ask(one, Action.DELETE, Shelf("b"))
    await until(found, lambda shelves: shelves == [Shelf("a", 4)])


async def represent(node: NetworkNode) -> None:
    """As JSON, there and back."""
    json = node.resources.serializer(SerializerMode.JSON)
    assert json.unmarshal(json.marshal(Shelf("a", 4)), Shelf) == Shelf("a", 4)


async def store(node: NetworkNode) -> None:
    """In a database in memory."""
    orm = await cast("OrmFactory", node.resources.create(Plugin.ORM)).open("sqlite://")
    try:
        await orm.prepare(Shelf)
        await orm.storage(Shelf).put("a", Shelf("a", 4))
        assert await orm.storage(Shelf).get("a") == Shelf("a", 4)
    finally:
        await orm.aclose()


async def sample(node: NetworkNode) -> None:
    """In a series in memory."""
    factory = cast("TimeSeriesFactory", node.resources.create(Plugin.TIME_SERIES))
    series = await factory.open("sqlite://")
    try:
        await series.append("shelf<{24}{24}a>.books", [TimeSeriesPoint(1, 4.0)])
        found = await series.latest("shelf<{24}{24}a>.books", 1)
        assert found == [TimeSeriesPoint(1, 4.0)]
    finally:
        await series.aclose()


async def show(node: NetworkNode) -> None:
    """On the web."""
    factory = cast("WebServerFactory", node.resources.create(Plugin.WEB))
    async with factory.create(node.vnic) as server:
        assert server.url.startswith("http")


async def poll(node: NetworkNode) -> None:
    """A session with a host, by the protocol that targets name."""
    session = session_factory(node.resources, "snmp")(HostAddress("127.0.0.1"))
    assert session.name == "snmp"


async def parse(node: NetworkNode) -> None:
    """By a rule that polls name; a rule is added, it does not replace another one."""
    rule = RuleRegistry.installed(node.resources).rule("witness")
    context = RuleContext("Shelf", "a", {"attribute": "books"})
    assert rule.apply(PollResult({"1.3": 4}), context) == {"books": 4}


SWAPS: Final[dict[Plugin, tuple[str, Callable[[NetworkNode], Awaitable[None]] | None]]] = {
    Plugin.REGISTRY: ("register", None),
    Plugin.INTROSPECTOR: ("primary_key", None),
    Plugin.CLONER: ("clone", None),
    Plugin.UPDATER: ("diff", None),
    Plugin.CODEC: ("encode", None),
    Plugin.ELEMENTS: ("decode", None),
    Plugin.SERIALIZER: ("marshal", represent),
    Plugin.QUERY: ("from_wire", None),
    Plugin.CACHE: ("create", None),
    Plugin.NOTIFICATION: ("decode", None),
    Plugin.SECURITY: ("authorize", None),
    Plugin.SERVICES: ("handle", None),
    Plugin.VNIC: ("request", None),
    Plugin.SWITCH: ("__aenter__", None),
    Plugin.ORM: ("open", store),
    Plugin.TIME_SERIES: ("open", sample),
    Plugin.WEB: ("create", show),
    Plugin.METRICS: ("observe", None),
    Plugin.COLLECTOR: ("__call__", poll),
    Plugin.RULE: ("apply", parse),
}
"""By group: a member that has to be used, and what uses it if a service does not."""

NAMED: Final = {
    Plugin.SERIALIZER: [f"{Plugin.SERIALIZER}.json"],
    Plugin.COLLECTOR: [f"{Plugin.COLLECTOR}.snmp"],
    Plugin.RULE: [],
}
"""Groups of many: one is named by what it is for; of rules, all that are installed are used."""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """Installs a witness of one group, and gives what it is asked."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(WITNESS, folder)

    def install(group: Plugin) -> set[str]:
        announce(folder, "witness", group, f"witness = witness:factories.{group.name.lower()}")
        monkeypatch.syspath_prepend(str(folder))
        return cast("set[str]", import_module("witness").ASKED)

    yield install
    sys.modules.pop("witness", None)


@pytest.mark.feature("l8utils:RES-01")
@pytest.mark.parametrize("group", Plugin)
async def test_a_part_is_exchanged(
    group: Plugin,
    asked: Installer,
    l8_network: Callable[..., Network],
) -> None:
    """It is named in the settings of all nodes, asked, and nothing else changes."""
    members = asked(group)
    member, use = SWAPS[group]
    plugins = dict.fromkeys(NAMED.get(group, [str(group)]), "witness")
    assert load_settings(environment={}, plugins=plugins).plugins.items() >= plugins.items()
    async with l8_network(nodes=2, settings={"plugins": plugins}) as net:
        for node in net.nodes.values():
            cast("NodeResources", node.resources).check_plugins()
        await net.activate(AGREEMENT)
        await write_and_read(net)
        if use is not None:
            await use(net.node())
    assert member in members


def test_every_part_has_its_exchange() -> None:
    """A new group is not forgotten here."""
    assert set(SWAPS) == set(Plugin)
