# SPDX-License-Identifier: Apache-2.0
"""What differs between the wire profiles, so that the shells know neither.

A shell asks the profile of its settings for everything that depends on the format: the cores, the
handshakes, how a stream is cut into frames, and which of two frames goes first. A new use of a core
by a shell is added to the protocols here; every profile then has to answer it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.enums import WireProfile
from l8types.protocols.runtime import Resources
from l8types.protocols.security import SecurityProvider
from layer8_net._core import framing
from layer8_net._core.frame import LENGTH_SIZE
from layer8_net._core.handshake import HANDSHAKE_LIMIT, NONCE_SIZE, Acceptor, Dialler, Endpoint
from layer8_net._core.switch import SwitchCore
from layer8_net._core.vnic import VNicCore
from layer8_net._exposure import is_loopback
from layer8_net._go import handshake as go_handshake
from layer8_net._go.handshake import GoAcceptor, GoDialler, GoEndpoint, go_endpoint
from layer8_net._go.header import LENGTH, read_priority
from layer8_net._go.switch import GoSwitchCore
from layer8_net._go.vnic import GoVNicCore
from layer8_net._machines import (
    AcceptorSide,
    Decoder,
    DiallerSide,
    EndpointFactory,
    SwitchMachine,
    VNicMachine,
    Waiter,
)

if TYPE_CHECKING:
    from l8types.settings import NodeSettings

__all__ = ["GO", "NATIVE", "Profile", "profile_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one wire profile is spoken."""

    wire: WireProfile
    length_size: int
    """Bytes of the length in front of a frame; they do not count as part of its size."""
    handshake_limit: int
    """Largest frame in bytes before the peer is authenticated."""
    decoder: Callable[[int], Decoder]
    """Cuts a stream into frames of up to so many bytes."""
    priority: Callable[[bytes], int]
    """Level of a message frame in the send queue, 7 goes first."""
    endpoint: EndpointFactory
    """What this side tells about itself."""
    dialler: Callable[[Endpoint, SecurityProvider], DiallerSide]
    """The handshake of the end that dials."""
    acceptor: Callable[[Endpoint, SecurityProvider], AcceptorSide]
    """The handshake of the end that is dialled."""
    vnic: Callable[[Endpoint, Resources], VNicMachine]
    """Core of an interface."""
    switch: Callable[[Endpoint, Resources], SwitchMachine]
    """Core of a switch."""


def _native_endpoint(settings: NodeSettings, *, is_switch: bool) -> Endpoint:
    return Endpoint(settings.uuid, settings.alias, settings.keep_alive, is_switch)


def _native_vnic(me: Endpoint, resources: Resources) -> VNicCore[Waiter]:
    return VNicCore(me, started=resources.clock.now())


def _native_switch(me: Endpoint, resources: Resources) -> SwitchCore:
    return SwitchCore(me, started=resources.clock.now())


NATIVE: Final = Profile(
    wire=WireProfile.NATIVE,
    length_size=LENGTH_SIZE,
    handshake_limit=HANDSHAKE_LIMIT,
    decoder=framing.FrameDecoder,
    priority=lambda frame: frame[6] >> 4,
    endpoint=_native_endpoint,
    dialler=lambda me, guard: Dialler(me, guard.network_secret(), secrets.token_bytes(NONCE_SIZE)),
    acceptor=lambda me, guard: Acceptor(
        me, guard.network_secret(), secrets.token_bytes(NONCE_SIZE)
    ),
    vnic=_native_vnic,
    switch=_native_switch,
)


def profile_of(settings: NodeSettings) -> Profile:
    """The profile that settings name."""
    return _PROFILES[settings.profile]


def _go_endpoint(settings: NodeSettings, *, is_switch: bool) -> Endpoint:
    distant = "" if is_switch or is_loopback(settings.host) else settings.host
    return GoEndpoint(
        settings.uuid, settings.alias, settings.keep_alive, is_switch, distant=distant
    )


def _go_vnic(me: Endpoint, resources: Resources) -> GoVNicCore[Waiter]:
    return GoVNicCore(go_endpoint(me), resources.security, started=resources.clock.now())


def _go_switch(me: Endpoint, resources: Resources) -> GoSwitchCore:
    return GoSwitchCore(go_endpoint(me), resources.security, started=resources.clock.now())


GO: Final = Profile(
    wire=WireProfile.GO,
    length_size=LENGTH.size,
    handshake_limit=go_handshake.HANDSHAKE_LIMIT,
    decoder=lambda limit: framing.FrameDecoder(limit, LENGTH),
    priority=read_priority,
    endpoint=_go_endpoint,
    dialler=GoDialler,
    acceptor=GoAcceptor,
    vnic=_go_vnic,
    switch=_go_switch,
)


_PROFILES: Final = {profile.wire: profile for profile in (NATIVE, GO)}
