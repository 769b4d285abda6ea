# SPDX-License-Identifier: Apache-2.0
"""Scenarios of the web gateway: who may log in, and services from before it and after it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from l8secure import ADMIN_PASSWORD_FILE
from l8services import BaseService
from l8test import until
from l8test.faults import lasting_port
from l8types.enums import SerializerMode
from l8types.errors import AuthenticationError, NotFoundError, UnavailableError
from l8types.pb import TestProto as Sample
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from l8web import RestClient
from layer8 import Node, load_settings, web_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from l8secure import LocalSecurity

EARLY, LATE = ServiceKey("Early"), ServiceKey("Late", 3)


@asynccontextmanager
async def network(folder: Path) -> AsyncIterator[Callable[[str], Awaitable[Node]]]:
    """Lets nodes join a network, the first of which brings the switch."""
    port = lasting_port()
    async with AsyncExitStack() as stack:

        async def join(alias: str) -> Node:
            settings = load_settings(
                alias=alias, port=port, data_directory=folder, keep_alive=1.0, environment={}
            )
            return await stack.enter_async_context(Node(settings=settings))

        yield join


async def offer(node: Node, service: ServiceKey) -> None:
    """Offer a service that shows on the web."""
    node.resources.register(Sample)
    agreement = ServiceLevelAgreement(
        name=service.name,
        area=service.area,
        handler=BaseService,
        model=Sample,
        primary_keys=("myString",),
        web=web_of(service, Sample),
    )
    await node.activate(agreement)


@pytest.mark.feature("l8web:SRV-05", "l8web:AUT-01", "l8web:REG-03")
async def test_services_from_before_and_after_the_gateway(tmp_path: Path) -> None:
    """T-01: the right password opens the gateway. T-02: a wrong one is told to be wrong.

    T-03: a service that was there before the gateway takes a post. T-04: so does one that came
    afterwards, T-06: on another node. What was posted is kept there. One that is withdrawn is gone.
    """
    async with network(tmp_path) as join:
        first = await join("first")
        await offer(first, EARLY)
        web = await join("web")
        web.resources.register(Sample)
        security = cast("LocalSecurity", web.resources.security)
        security.bootstrap()
        url = (await web.open_gateway()).url
        json = web.resources.serializer(SerializerMode.JSON)
        password = (tmp_path / "security" / ADMIN_PASSWORD_FILE).read_text(encoding="ascii").strip()
        async with RestClient(url, json, timeout=10) as client:
            with pytest.raises(AuthenticationError):
                await client.login("admin", "wrong")
            await client.login("admin", password)
            await check(client, EARLY)
            later = await join("later")
            await offer(later, LATE)
            await check(client, LATE)
            assert await later.get("select * from TestProto") == [Sample(myString="Hello")]
            await later.resources.services.deactivate(LATE)

            async def gone() -> bool:
                try:
                    await client.get(LATE.name, "select * from TestProto", Sample, area=3)
                except NotFoundError:
                    return True
                except UnavailableError:
                    # The network knows already, the gateway is about to.
                    return False
                return False

            await until(gone, 10.0, message="a service that is gone")


async def check(client: RestClient, service: ServiceKey) -> None:
    """A service takes a post and shows it, as soon as the gateway knows it."""

    async def posted() -> bool:
        try:
            await client.post(service.name, Sample(myString="Hello"), area=service.area)
        except NotFoundError:
            return False
        return True

    await until(posted, 10.0, message=f"{service} on the web")
    found = await client.get(service.name, "select * from TestProto", Sample, area=service.area)
    assert [item.myString for item in found] == ["Hello"]
