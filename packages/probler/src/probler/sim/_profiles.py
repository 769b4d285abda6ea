# SPDX-License-Identifier: Apache-2.0
"""Profiles: the kinds of devices that a fleet is made of."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Protocol

from l8types.errors import NotFoundError
from probler.sim._recording import Recording
from probler.sim._template import Ports, Template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from probler.sim._identity import Identity
    from probler.sim._mib import Source
    from probler.sim._values import Oid

__all__ = ["TEMPLATES", "Profile", "Replay", "profiles_named"]


class Profile(Protocol):
    """A kind of device."""

    @property
    def name(self) -> str:
        """Short name; the ids of its devices start with it."""
        ...

    def sources(self, identity: Identity) -> Mapping[Oid, Source]:
        """Value or reading of each object instance of one device.

        Args:
            identity: Which device; the same one gives the same answer.

        Raises:
            NotFoundError: The recording is not there.
            InvalidInputError: The recording is malformed or does not fit the profile.
        """
        ...


@dataclass(frozen=True, slots=True)
class Replay:
    """A device that answers exactly what was recorded and never changes.

    Attributes:
        recording: The recording.
    """

    recording: Recording

    @property
    def name(self) -> str:
        """Name of the recording."""
        return self.recording.name

    def sources(self, identity: Identity) -> Mapping[Oid, Source]:
        """The records, whoever the device is."""
        return self.recording.records


_SPARE = frozenset({"eth1", "eth2", "eth3", "eth4", "tun0"})

TEMPLATES: tuple[Template, ...] = (
    Template(
        "router",
        recording="linux_router",
        ports=(Ports("eth1", "eth{}", count=4, first=5, speed_mbps=10_000),),
    ),
    Template(
        "switch",
        recording="linux_router",
        ports=(
            Ports("eth1", "swp{}", count=24, first=1),
            Ports("eth1", "swp{}", count=4, first=25, speed_mbps=10_000),
        ),
        without=_SPARE,
    ),
    Template("server", recording="linux_server"),
    Template(
        "firewall",
        recording="linux_router",
        ports=(Ports("eth1", "eth{}", count=6, first=1),),
        without=_SPARE - {"tun0"} | {"br0"},
    ),
    Template(
        "wifi",
        recording="linux_router",
        ports=(Ports("eth1", "wlan{}", count=2, speed_mbps=866, if_type=71),),
        without=_SPARE,
    ),
)
"""The templates that come with the package."""


def profiles_named(names: Sequence[str], count: int) -> list[Profile]:
    """Profiles for a number of devices, in turn.

    Args:
        names: Names of templates; none means all, in the order of ``TEMPLATES``.
        count: How many devices.

    Returns:
        One profile for each device.

    Raises:
        NotFoundError: There is no template of that name; the message lists those there are.
    """
    known = {template.name: template for template in TEMPLATES}
    if unknown := [name for name in names if name not in known]:
        msg = f"no device profile {unknown[0]!r}: choose from {', '.join(known)}"
        raise NotFoundError(msg)
    return list(islice(cycle([known[name] for name in names or known]), count))
