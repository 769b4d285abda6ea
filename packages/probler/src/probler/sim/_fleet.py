# SPDX-License-Identifier: Apache-2.0
"""Many simulated devices in one process, each on a UDP port of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from l8types.errors import (
    BusyError,
    ClosedError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from probler.sim._agent import DEFAULT_MESSAGE_BYTES, SnmpAgent
from probler.sim._identity import identify
from probler.sim._mib import Mib
from probler.sim._values import Oid, Value, as_value, parse_oid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from probler.sim._agent import AgentStatistics
    from probler.sim._profiles import Profile

__all__ = ["SimDevice", "SimulatedFleet"]

_LOG = logging.getLogger(__name__)

_MAX_DATAGRAM_BYTES = 65_535
# A flood on one port must not starve the other devices: the rest waits for the next turn.
_DATAGRAMS_PER_TURN = 32


@dataclass(frozen=True, slots=True)
class SimDevice:
    """Where to reach a device.

    Attributes:
        id: Unique name within the fleet.
        host: Address.
        port: UDP port.
        community: SNMP community that it answers.
    """

    id: str
    host: str
    port: int
    community: str


@dataclass(slots=True)
class _Station:
    """A device while it is simulated."""

    device: SimDevice
    mib: Mib
    agent: SnmpAgent
    socket: socket.socket
    running: bool = True


class SimulatedFleet:
    """A fleet of simulated devices; it exists from entering to leaving the context.

    All devices live in the event loop that enters the context; the methods are to be called there.

    Args:
        profiles: One profile for each device.
        seed: Equal seeds give equal devices with equal readings at equal times.
        community: SNMP community of all devices.
        host: Address to listen on.
        base_port: Port of the first device, the others follow; 0 gives each a free port.
        clock: Source of time in seconds; readings count from its value on entering.
        max_message_bytes: Largest answer, see :class:`SnmpAgent`.

    Example:
        ::

            async with SimulatedFleet(profiles_named(["router", "switch"], 5)) as fleet:
                for device in fleet.devices:
                    print(device.id, device.port)
    """

    def __init__(
        self,
        profiles: Sequence[Profile],
        *,
        seed: int = 0,
        community: str = "public",
        host: str = "127.0.0.1",
        base_port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
    ) -> None:
        if not 0 <= base_port <= 65_536 - max(len(profiles), 1):
            msg = f"no {len(profiles)} ports from {base_port} on: choose a lower base port"
            raise InvalidInputError(msg)
        self._profiles = tuple(profiles)
        self._seed = seed
        self._community = community
        self._host = host
        self._base_port = base_port
        self._clock = clock
        self._max_message_bytes = max_message_bytes
        self._started = 0.0
        self._stations: dict[str, _Station] = {}

    async def __aenter__(self) -> Self:
        """Open the ports.

        Raises:
            BusyError: A port is in use, or the fleet is already entered.
            UnavailableError: The address cannot be used.
            NotFoundError: A recording is not there.
            InvalidInputError: A recording is malformed.
        """
        if self._stations:
            msg = "this fleet already runs: make another one"
            raise BusyError(msg)
        self._started = self._clock()
        try:
            for number, profile in enumerate(self._profiles, start=1):
                self._add(profile, number)
                # Preparing a device takes some milliseconds: let the others answer meanwhile.
                await asyncio.sleep(0)
        except BaseException:
            self._close()
            raise
        _LOG.info("simulating %d devices on %s", len(self._stations), self._host)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all ports."""
        self._close()

    @property
    def devices(self) -> tuple[SimDevice, ...]:
        """The devices, in the order of their profiles."""
        return tuple(station.device for station in self._stations.values())

    def stop_device(self, device_id: str) -> None:
        """Silence a device: it keeps its port but answers nothing, as behind a cut link.

        Raises:
            NotFoundError: There is no such device.
        """
        self._station(device_id).running = False

    def start_device(self, device_id: str) -> None:
        """Let a silenced device answer again; what was asked meanwhile stays unanswered.

        Raises:
            NotFoundError: There is no such device.
        """
        self._station(device_id).running = True

    def set(self, device_id: str, oid: Oid | str, value: Value | int | str | bytes) -> None:
        """Give an object instance a fixed value, in place of what was recorded or simulated.

        Args:
            device_id: Which device.
            oid: Which instance; one that is not there is added.
            value: A plain value takes the type that the instance has. A new instance becomes
                INTEGER or OCTET STRING unless a typed value is given.

        Raises:
            NotFoundError: There is no such device.
            InvalidInputError: The OID is malformed or the value does not fit the type.
        """
        mib = self._station(device_id).mib
        arcs = _arcs(oid)
        kind = mib.value(arcs, self._now()).kind if arcs in mib else None
        mib.put(arcs, as_value(value, kind))

    def remove(self, device_id: str, oid: Oid | str) -> None:
        """Remove an object instance.

        Raises:
            NotFoundError: There is no such device or instance.
        """
        mib = self._station(device_id).mib
        arcs = _arcs(oid)
        if arcs not in mib:
            msg = f"device {device_id!r} has no instance {oid!r}"
            raise NotFoundError(msg)
        mib.remove(arcs)

    def value(self, device_id: str, oid: Oid | str) -> Value:
        """Value that an object instance has right now.

        Raises:
            NotFoundError: There is no such device or instance.
        """
        mib = self._station(device_id).mib
        arcs = _arcs(oid)
        if arcs not in mib:
            msg = f"device {device_id!r} has no instance {oid!r}"
            raise NotFoundError(msg)
        return mib.value(arcs, self._now())

    def statistics(self, device_id: str) -> AgentStatistics:
        """What happened to the datagrams of a device so far; a copy.

        Raises:
            NotFoundError: There is no such device.
        """
        return replace(self._station(device_id).agent.statistics)

    def _now(self) -> float:
        return self._clock() - self._started

    def _station(self, device_id: str) -> _Station:
        if not self._stations:
            msg = "the fleet is not running: enter its context first"
            raise ClosedError(msg)
        try:
            return self._stations[device_id]
        except KeyError as error:
            msg = f"no device {device_id!r}: there are {', '.join(self._stations)}"
            raise NotFoundError(msg) from error

    def _add(self, profile: Profile, number: int) -> None:
        """Prepare a device and open its port."""
        identity = identify(profile.name, number, self._seed)
        mib = Mib(profile.sources(identity))
        agent = SnmpAgent(mib, community=self._community, max_message_bytes=self._max_message_bytes)
        port = self._base_port and self._base_port + number - 1
        endpoint = _bind(self._host, port)
        device = SimDevice(identity.id, self._host, endpoint.getsockname()[1], self._community)
        station = _Station(device, mib, agent, endpoint)
        self._stations[device.id] = station
        asyncio.get_running_loop().add_reader(endpoint, self._serve, station)

    def _serve(self, station: _Station) -> None:
        """Answer what has arrived for a device."""
        for _ in range(_DATAGRAMS_PER_TURN):
            try:
                datagram, sender = station.socket.recvfrom(_MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error about an earlier answer: its reader is gone
                _LOG.debug("%s: %s", station.device.id, error)
                continue
            if not station.running:
                continue
            answer = station.agent.answer(datagram, self._now())
            if answer is not None:
                self._send(station, answer, sender)

    @staticmethod
    def _send(station: _Station, answer: bytes, receiver: tuple[object, ...]) -> None:
        """Send an answer; one that cannot be sent is lost, as UDP allows, and asked for again."""
        try:
            station.socket.sendto(answer, receiver)
        except OSError as error:
            _LOG.debug("%s: answer lost: %s", station.device.id, error)

    def _close(self) -> None:
        loop = asyncio.get_running_loop()
        for station in self._stations.values():
            loop.remove_reader(station.socket)
            station.socket.close()
        self._stations.clear()


def _arcs(oid: Oid | str) -> Oid:
    return parse_oid(oid) if isinstance(oid, str) else oid


def _bind(host: str, port: int) -> socket.socket:
    """Non-blocking UDP socket on an address."""
    endpoint = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        endpoint.setblocking(False)
        endpoint.bind((host, port))
    except OSError as error:
        endpoint.close()
        if error.errno == errno.EADDRINUSE:
            msg = (
                f"udp port {port} on {host} is in use: choose another base port, or 0 for free ones"
            )
            raise BusyError(msg) from error
        msg = f"cannot listen on {host}, udp port {port}: {error.strerror or error}"
        raise UnavailableError(msg) from error
    return endpoint
