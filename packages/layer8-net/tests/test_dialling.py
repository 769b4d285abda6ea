# SPDX-License-Identifier: Apache-2.0
"""Who dials whom, over real sockets on loopback."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from l8types.enums import Action
from l8types.frozen import replace
from l8types.settings import NodeSettings
from l8types.values import ServiceKey

from .fakes import make_switch, node, resources, until

TESTS = ServiceKey("Tests")
FAST = NodeSettings(keep_alive=0.5, request_timeout=10.0)


class TestDialling:
    """Who dials whom."""

    async def test_peers_of_the_settings(self) -> None:
        """The peers of the settings are linked, in whatever order the switches start."""
        async with AsyncExitStack() as stack:
            first = resources(settings=FAST)
            async with make_switch(first) as probe:
                port = probe.port
            settings = replace(FAST, peers=(("127.0.0.1", port),))
            late = await stack.enter_async_context(make_switch(resources(settings=settings)))
            await until(lambda: late.statistics().failed_dials >= 1)
            await stack.enter_async_context(make_switch(resources(port, FAST)))
            await until(lambda: late.statistics().links == 1)

    @pytest.mark.feature("NET-10")
    @pytest.mark.parametrize(
        ("host", "advertised", "known"),
        [
            ("0.0.0.0", "", "127.0.0.1"),  # noqa: S104 - closed when the test ends
            ("0.0.0.0", "localhost", "localhost"),  # noqa: S104 - as above
            ("::1", "", "::1"),
        ],
    )
    async def test_where_others_find_it(self, host: str, advertised: str, known: str) -> None:
        """A switch is dialled where it says, or else where its connections come from."""
        settings = replace(FAST, host=host, advertise_host=advertised, insecure=True)
        async with (
            make_switch(resources(settings=settings)) as hub,
            make_switch(resources(settings=settings)) as one,
            make_switch(resources(settings=settings)) as other,
        ):
            for switch in (one, other):
                await switch.connect("::1" if host == "::1" else "127.0.0.1", hub.port)
            await until(lambda: one.statistics().links == other.statistics().links == 2)
            targets = other._peers._book._targets
            await until(lambda: (known, one.port) in targets)

    async def test_both_dial(self) -> None:
        """Two switches that dial each other at once end up with one link and stay with it."""
        for _ in range(5):
            async with (
                make_switch(resources(settings=FAST)) as one,
                make_switch(resources(settings=FAST)) as other,
            ):
                await one.connect("127.0.0.1", other.port)
                await other.connect("127.0.0.1", one.port)
                await until(lambda: one.statistics().links == other.statistics().links == 1)
                async with node(one, TESTS), node(other) as caller:
                    await until(lambda: len(caller.directory.providers(TESTS)) == 1)
                    assert (await caller.request("", "Tests", 0, Action.GET, 1)).first == 1
                await until(lambda: len(one._connections) == len(other._connections) == 1)
                assert one.statistics().duplicate_links == 0

    async def test_itself(self) -> None:
        """A switch that dials itself notices, and does not do it again."""
        async with make_switch(resources(settings=FAST)) as switch:
            await switch.connect("127.0.0.1", switch.port)
            await until(lambda: switch.statistics().dials == 1)
            await until(
                lambda: switch._peers._book.next_due() is None and not switch._peers._dialling
            )
            assert switch.statistics().failed_dials == 0
            assert switch.statistics().links == 0

    async def test_strange_hosts(self, caplog: pytest.LogCaptureFixture) -> None:
        """A host that is no host costs nothing but a line in the log."""
        async with make_switch(resources(settings=replace(FAST, insecure=True))) as switch:
            for host in ("a..b", "\0", "x" * 300):
                switch._peers.learn(host, 1)
            await until(lambda: switch.statistics().failed_dials >= 3)
            assert switch.running
        assert "cannot dial 'a..b'" in caplog.text

    async def test_another_network(self, caplog: pytest.LogCaptureFixture) -> None:
        """A switch with another secret is not linked, and one line says what to do."""
        parts = resources(settings=FAST)
        parts.security.secret = b"another secret"
        async with make_switch(parts) as stranger, make_switch(resources(settings=FAST)) as one:
            await one.connect("127.0.0.1", stranger.port)
            await until(lambda: one.statistics().failed_dials >= 2)
            assert one.statistics().links == 0
        lines = [one for one in caplog.records if one.name == "layer8_net._peers"]
        assert len(lines) == 1
        assert "set the same secret on both" in lines[0].getMessage()
