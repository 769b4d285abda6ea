# SPDX-License-Identifier: Apache-2.0
"""Whole nodes in a network of the go profile: what works with models that Go nodes can read."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

import layer8
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.errors import EncodeError, L8Error, NotFoundError
from l8types.pb import TestProto as Sample
from l8types.settings import NodeSettings
from l8types.values import ServiceKey
from l8utils import NodeResources
from layer8_net import TcpSwitch

if TYPE_CHECKING:
    from collections.abc import Callable

SHALLOW = {"layer8.security": "shallow"}
GO = NodeSettings(profile=WireProfile.GO, keep_alive=1.0, request_timeout=10.0, plugins=SHALLOW)
SAMPLES = ServiceKey("Samples")


@dataclass
class Book:
    """A model that only Python nodes can read."""

    isbn: str = ""


def settings(alias: str, port: int) -> NodeSettings:
    """Settings of one node."""
    fresh = NodeSettings(alias=alias, port=port)
    return replace(GO, alias=alias, port=port, uuid=fresh.uuid)


def make(alias: str, port: int) -> layer8.Node:
    """A node that needs the switch on this port."""
    return layer8.Node(alias, settings=settings(alias, port), bring_switch=False)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.feature("NIC-07", "NIC-09", "WIR-09")
async def test_a_replicated_service() -> None:
    """Two nodes keep the items of a protobuf model together; a third one asks and writes."""
    async with (
        TcpSwitch(NodeResources(settings("switch", 0))) as switch,
        make("one", switch.port) as one,
        make("two", switch.port) as two,
        make("asker", switch.port) as asker,
    ):
        asker.resources.register(Sample)
        for node in (one, two):
            await node.serve(Sample, key="myString", name="Samples")
        await until(lambda: len(asker.vnic.directory.providers(SAMPLES)) == 2)
        await asker.post("Samples", Sample(myString="first", myInt32=7))
        await asker.patch("Samples", Sample(myString="first", myInt32=8))

        async def on(node: layer8.Node) -> list[object]:
            query = "select * from TestProto where myInt32=8"
            answer = await asker.vnic.request(node.vnic.uuid, "Samples", 0, Action.GET, query)
            return [value for value in answer.values if value is not None]

        async with asyncio.timeout(20):
            for node in (one, two):
                while not await on(node):
                    await asyncio.sleep(0.01)
        (found,) = await on(two)
        assert isinstance(found, Sample)
        assert (found.myString, found.myInt32) == ("first", 8)


@pytest.mark.feature("NET-09")
async def test_errors() -> None:
    """What cannot travel is an error of the caller; what the other side answers is one too."""
    async with (
        TcpSwitch(NodeResources(settings("switch", 0))) as switch,
        make("one", switch.port) as one,
        make("asker", switch.port) as asker,
    ):
        with pytest.raises(L8Error, match="10"):
            await one.serve(Sample, key="myString", name="TooLongAName")
        await one.serve(Sample, key="myString", name="Samples")
        await until(lambda: bool(asker.vnic.directory.providers(SAMPLES)))
        asker.resources.register(Book)
        with pytest.raises(EncodeError, match="Book"):
            await asker.post("Samples", Book("1"))
        target = one.vnic.uuid
        with pytest.raises(NotFoundError):
            await asker.vnic.request(target, "Others", 0, Action.GET, Sample())
        with pytest.raises(L8Error, match="Others"):
            await asker.vnic.request(MulticastMode.LEADER, "Others", 0, Action.GET, Sample())


async def test_the_log_tells_the_truth(caplog: pytest.LogCaptureFixture) -> None:
    """A network without real security says so once per node, and nothing else."""
    with caplog.at_level(logging.WARNING):
        async with (
            TcpSwitch(NodeResources(settings("switch", 0))) as switch,
            make("one", switch.port) as one,
        ):
            await one.serve(Sample, key="myString", name="Samples")
            await until(lambda: one.vnic.uuid in switch.directory.providers(SAMPLES))
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "node switch runs with shallow security: everybody may do everything",
        "node one runs with shallow security: everybody may do everything",
    ]
