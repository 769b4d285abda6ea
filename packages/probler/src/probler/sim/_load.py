# SPDX-License-Identifier: Apache-2.0
"""The readings of a simulated device: uptime, traffic of its interfaces, processor, memory.

Only instances that were recorded get a reading, so a device never shows more than its recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from probler.sim import _interfaces as mib
from probler.sim._motion import Flow, Wave, counter, gauge, ticks
from probler.sim._values import Kind, Oid, Value, parse_oid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from probler.sim._identity import Identity
    from probler.sim._mib import Reading

__all__ = ["readings"]

_SYS_UP_TIME = parse_oid("1.3.6.1.2.1.1.3.0")
_HR_SYSTEM_UPTIME = parse_oid("1.3.6.1.2.1.25.1.1.0")
_HR_PROCESSOR_LOAD = parse_oid("1.3.6.1.2.1.25.3.3.1.2")
_HR_MEMORY_SIZE = parse_oid("1.3.6.1.2.1.25.2.3.1.5.1")
_HR_MEMORY_USED = parse_oid("1.3.6.1.2.1.25.2.3.1.6.1")

_IN_OCTETS = (parse_oid("1.3.6.1.2.1.2.2.1.10"), parse_oid("1.3.6.1.2.1.31.1.1.1.6"))
_IN_PACKETS = (parse_oid("1.3.6.1.2.1.2.2.1.11"), parse_oid("1.3.6.1.2.1.31.1.1.1.7"))
_OUT_OCTETS = (parse_oid("1.3.6.1.2.1.2.2.1.16"), parse_oid("1.3.6.1.2.1.31.1.1.1.10"))
_OUT_PACKETS = (parse_oid("1.3.6.1.2.1.2.2.1.17"), parse_oid("1.3.6.1.2.1.31.1.1.1.11"))
"""Each a 32-bit column and the 64-bit column that counts the same."""

_UP = 1
_OCTETS_PER_MBIT = 125_000


def readings(records: Mapping[Oid, Value], identity: Identity) -> dict[Oid, Reading]:
    """Readings that replace recorded values.

    Args:
        records: What the device shows.
        identity: Which device it is; its seed decides about rates and loads.

    Returns:
        Reading of each instance that changes with time.
    """
    candidates = {
        **dict.fromkeys((_SYS_UP_TIME, _HR_SYSTEM_UPTIME), ticks(identity.uptime)),
        **dict(_traffic(records, identity)),
        **dict(_processors(records, identity)),
        **dict(_memory(records, identity)),
    }
    return {oid: reading for oid, reading in candidates.items() if oid in records}


def _number(records: Mapping[Oid, Value], oid: Oid) -> int:
    """Recorded number, 0 when there is none."""
    value = records.get(oid)
    return value.content if value is not None and isinstance(value.content, int) else 0


def _traffic(records: Mapping[Oid, Value], identity: Identity) -> Iterator[tuple[Oid, Reading]]:
    """Octet and packet counters of the interfaces that are up."""
    depth = len(mib.IF_OPER_STATUS)
    for oid, value in records.items():
        if oid[:depth] == mib.IF_OPER_STATUS and value.content == _UP:
            index = oid[-1]
            mbps = max(_number(records, (*mib.IF_HIGH_SPEED, index)), 1)
            for octets, packets in ((_IN_OCTETS, _IN_PACKETS), (_OUT_OCTETS, _OUT_PACKETS)):
                random = identity.random(f"traffic {octets} {index}")
                # Most links are nearly idle, few are busy: between 0.1 % and 20 % of the speed.
                mean = mbps * _OCTETS_PER_MBIT * 10 ** random.uniform(-3.0, -0.7)
                flow = Flow(Wave.drawn(random, mean, mean * random.uniform(0.1, 0.9)))
                yield from _counters(octets, index, flow, identity.uptime)
                size = random.uniform(200.0, 1200.0)
                yield from _counters(packets, index, flow.scaled(1 / size), identity.uptime)


def _counters(
    columns: tuple[Oid, Oid], index: int, flow: Flow, uptime: float
) -> Iterator[tuple[Oid, Reading]]:
    """The 32-bit and the 64-bit counter of one flow."""
    yield (*columns[0], index), counter(Kind.COUNTER32, flow, uptime)
    yield (*columns[1], index), counter(Kind.COUNTER64, flow, uptime)


def _processors(records: Mapping[Oid, Value], identity: Identity) -> Iterator[tuple[Oid, Reading]]:
    """Load of each processor, in percent."""
    depth = len(_HR_PROCESSOR_LOAD)
    for oid in records:
        if oid[:depth] == _HR_PROCESSOR_LOAD:
            random = identity.random(f"processor {oid[-1]}")
            wave = Wave.drawn(random, random.uniform(10.0, 60.0), random.uniform(5.0, 25.0))
            yield oid, gauge(Kind.INTEGER, wave, identity.uptime, high=100)


def _memory(records: Mapping[Oid, Value], identity: Identity) -> Iterator[tuple[Oid, Reading]]:
    """Used physical memory, in the units of its row."""
    size = _number(records, _HR_MEMORY_SIZE)
    random = identity.random("memory")
    wave = Wave.drawn(random, size * random.uniform(0.3, 0.8), size * random.uniform(0.01, 0.1))
    yield _HR_MEMORY_USED, gauge(Kind.INTEGER, wave, identity.uptime, high=size)
