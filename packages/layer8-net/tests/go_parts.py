# SPDX-License-Identifier: Apache-2.0
"""What the tests of the go profile share: the public key of Go networks, and peers on paper."""

from __future__ import annotations

import base64
import hashlib
import pickle
import struct
from typing import TYPE_CHECKING, NamedTuple

from l8types.values import Message, ServiceKey
from layer8_net._core.switch_events import (
    Changed,
    Close,
    Effect,
    Event,
    FramesReceived,
    Hold,
    Linked,
    PeerJoined,
    PeerLost,
    Release,
    Send,
    Tick,
    Unlinked,
)
from layer8_net._go.codec import decode_frame, encode_message
from layer8_net._go.handshake import GoEndpoint
from layer8_net._go.switch import GoSwitchCore
from layer8_net._go.values import read_entries
from layer8_net.go import CfbCipher

from .fakes import FakeElements, FakeElementsFactory, FakeSecurity, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.enums import Action
    from l8types.values import DirectoryEvent

SECRET = b"Shallow Security Provider"
"""The public secret of Go networks without real security."""
KEY = base64.b64encode(hashlib.md5(SECRET, usedforsecurity=False).digest())
"""The 24 characters themselves are the key."""
CIPHER = CfbCipher(KEY)

ANN = "aaaaaaaa-1111-4111-8111-00000000000a"
BOB = "bbbbbbbb-1111-4111-8111-00000000000b"
SWITCH = "cccccccc-1111-4111-8111-00000000000c"
OTHER = "dddddddd-1111-4111-8111-00000000000d"
SONGS = ServiceKey("Songs")
NIL_DATA = bytes.fromhex(
    "00000002 0000000000000001 00000016ffffffff 00000016ffffffff 0000001800000000"
    "00000016 00000014 0000000a 4c384d657461446174610a120a100a05546f74616c11000000000000f03f"
    "00000016ffffffff"
)
"""The container of one entry without a value, as Go nodes write it."""


class GoSecurity(FakeSecurity):
    """Admits everybody who knows the public secret."""

    def __init__(self, secret: bytes = SECRET) -> None:
        super().__init__(secret)
        self.encrypt = CIPHER.encrypt
        self.decrypt = CIPHER.decrypt


class GoElementsFactory(FakeElementsFactory):
    """Reads also the containers in which the network itself answers."""

    def decode(self, data: bytes | memoryview) -> FakeElements:
        try:
            return super().decode(data)
        except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError):
            entries = read_entries(bytes(data))
            error = next((entry.error for entry in entries if entry.error), "")
            return FakeElements((), error)


class Plain(NamedTuple):
    """A frame taken apart by its offsets alone, without any of the code under test."""

    size: int
    source: str
    vnet: str
    destination: str
    service: str
    area: int
    priority: int
    mode: int
    action: int
    state: int
    sequence: int
    timeout: int
    flags: int
    failure: bytes
    data: bytes
    rest: bytes


def take_apart(frame: bytes) -> Plain:
    """The fields of a frame; fails on whatever a Go node would fail on."""
    (size,) = struct.unpack_from(">q", frame)
    assert size == len(frame) - 8
    assert size > 120
    ends = (frame[at : at + 36] for at in (8, 44, 80))
    body = CIPHER.decrypt(frame[128:])
    flags, failure_size = body[44], body[45]
    start = 46 + failure_size
    (data_size,) = struct.unpack_from(">I", body, start)
    end = start + 4 + data_size
    assert end <= len(body)
    sequence, timeout = struct.unpack_from(">IH", body, 38)
    source, vnet, destination, service = (
        part.rstrip(b"\0").decode() for part in (*ends, frame[116:126])
    )
    return Plain(
        size,
        source,
        vnet,
        destination,
        service,
        frame[126],
        frame[127] >> 4,
        frame[127] & 15,
        body[0],
        body[1],
        sequence,
        timeout,
        flags,
        body[46:start],
        body[start + 4 : end],
        body[end:],
    )


class PaperPeer:
    """A node or switch at a switch core: what it received, and what was done to it."""

    def __init__(self, net: PaperNet, number: int, endpoint: GoEndpoint) -> None:
        self.net = net
        self.number = number
        self.endpoint = endpoint
        self.frames: list[bytes] = []
        self.closed = ""
        self.held = False

    @property
    def uuid(self) -> str:
        return self.endpoint.uuid

    @property
    def messages(self) -> list[Message]:
        """Everything that was received."""
        return [decode_frame(frame, CIPHER) for frame in self.frames]

    def of(self, service: str, *actions: Action) -> list[Message]:
        """What was received of one service."""
        return [
            one
            for one in self.messages
            if one.service == service and (not actions or one.action in actions)
        ]

    def message(self, **fields: object) -> Message:
        """A message of this peer."""
        own: dict[str, object] = {
            "source": self.uuid,
            "vnet": self.uuid if self.endpoint.is_switch else SWITCH,
            "service": "Songs",
            "data": NIL_DATA,
        }
        return Message(**(own | fields))  # type: ignore[arg-type]

    def send(self, **fields: object) -> list[Effect]:
        """Send a message."""
        return self.raw(encode_message(self.message(**fields), CIPHER))

    def raw(self, *frames: bytes) -> list[Effect]:
        """Send bytes."""
        return self.net.step(FramesReceived(self.number, list(frames)))

    def leave(self) -> None:
        """Lose the connection."""
        self.net.peers.pop(self.number, None)
        self.net.step(PeerLost(self.number))


KEEP_ALIVE = 5.0
"""Seconds between two reports of a switch on paper."""


class PaperNet:
    """A switch core that is stepped by hand, with a clock on paper."""

    def __init__(self, uuid: str = SWITCH) -> None:
        self.core = GoSwitchCore(
            GoEndpoint(uuid, "switch", KEEP_ALIVE, is_switch=True), CIPHER, started=50.0
        )
        self.now = 1000.0
        self.peers: dict[int, PaperPeer] = {}
        self.count = 0
        self.events: list[DirectoryEvent] = []
        self.effects: list[Effect] = []
        self.frames: list[bytes] = []
        """All that the switch ever sent."""

    def join(
        self, *services: ServiceKey, uuid: str = "", address: str = "::1", distant: str = ""
    ) -> PaperPeer:
        """Connect a node that told these services in its handshake."""
        own = GoEndpoint(
            uuid or new_id(), "node", 5.0, services=dict.fromkeys(services, ""), distant=distant
        )
        return self._joined(own, address, dialled=False)

    def link(self, uuid: str = "", *, dialled: bool = False) -> PaperPeer:
        """Connect another switch."""
        own = GoEndpoint(uuid or new_id(), "other switch", 5.0, is_switch=True)
        return self._joined(own, "::1", dialled=dialled)

    def _joined(self, endpoint: GoEndpoint, address: str, *, dialled: bool) -> PaperPeer:
        self.count += 1
        peer = PaperPeer(self, self.count, endpoint)
        self.peers[peer.number] = peer
        self.step(PeerJoined(peer.number, endpoint, address, 77.0, dialled))
        return peer

    def step(self, event: Event) -> list[Effect]:
        """Take one step and carry out its effects."""
        self.effects = self.core.step(event, self.now)
        for effect in self.effects:
            self._perform(effect)
        return self.effects

    def pass_time(self, seconds: float) -> None:
        """Let time pass without anybody saying anything; the switch looks at the clock."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + KEEP_ALIVE / 4)
            self.step(Tick())

    def stall(self, seconds: float) -> None:
        """Let time pass in which the switch does not run; then it looks at the clock."""
        self.step(Tick())
        self.now += seconds
        self.step(Tick())

    def clear(self) -> None:
        """Forget what the peers received."""
        for peer in self.peers.values():
            peer.frames.clear()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(number, frames):
                assert number in self.peers, "a frame for a connection that is gone"
                self._deliver(self.peers[number], frames)
            case Close(number, reason):
                peer = self.peers.pop(number, None)
                if peer is not None:
                    peer.closed = reason
            case Hold(number):
                assert not self.peers[number].held
                self.peers[number].held = True
            case Release(number):
                assert self.peers[number].held
                self.peers[number].held = False
            case Changed(events):
                self.events += events
            case Linked() | Unlinked():
                pass

    def _deliver(self, peer: PaperPeer, frames: Iterable[bytes]) -> None:
        peer.frames += frames
        self.frames += frames
