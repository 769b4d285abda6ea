# SPDX-License-Identifier: Apache-2.0
"""Messages that share a frame are treated like the same messages one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.constants import DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, Priority
from l8types.errors import DecodeError
from l8types.frozen import replace
from l8types.values import Message, ServiceKey
from layer8_net._core.frame import HEADER_SIZE, encode_message
from layer8_net._core.pack import count_of, messages_of, packed
from layer8_net._core.switch_events import FramesReceived, Pressure, PressureChanged
from layer8_net._core.usual import Letter, Repeated
from layer8_net._core.vnic import VNicCore
from layer8_net._core.vnic_events import Completed, Connected, Deliver
from layer8_net._core.vnic_events import FramesReceived as Received

from .virtual import SWITCH, VirtualNet

if TYPE_CHECKING:
    from .virtual import VirtualNode

S = ServiceKey("S")
PARTS = st.lists(
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 60_000), st.binary(max_size=20)),
    min_size=1,
    max_size=9,
)
MODES = list(MulticastMode)[:5]


def _letters(like: Message, parts: list[tuple[int, int, bytes]]) -> list[Letter]:
    """Messages like one, with numbers, milliseconds and data of their own."""
    repeated = Repeated()
    repeated.learn((1,), encode_message(like), like.data)
    letters = [repeated.letter((1,), number, ms / 1000, data) for number, ms, data in parts]
    return [letter for letter in letters if letter is not None]


def _same(like: Message, parts: list[tuple[int, int, bytes]]) -> list[Message]:
    return [replace(like, sequence=n, timeout=ms / 1000, data=data) for n, ms, data in parts]


@given(
    st.builds(
        Message,
        source=st.just(SWITCH.uuid),
        service=st.sampled_from(["", "Books"]),
        area=st.integers(0, 255),
        identity=st.sampled_from(["", "me"]),
        request=st.booleans(),
        priority=st.sampled_from(Priority),
        data=st.just(b"of the first"),
    ),
    PARTS,
)
def test_cut_again(like: Message, parts: list[tuple[int, int, bytes]]) -> None:
    """A pack is cut into the very frames that it stands for."""
    letters = _letters(like, parts)
    frame = packed(letters)
    assert count_of(frame) == len(parts)
    assert messages_of(frame) == [bytes(letter) for letter in letters]
    assert messages_of(frame) == [encode_message(one) for one in _same(like, parts)]


@given(PARTS, st.integers(0, 10_000), st.integers(0, 255))
def test_damage(parts: list[tuple[int, int, bytes]], where: int, value: int) -> None:
    """A damaged pack is refused, or is another one; never read beyond its end."""
    frame = bytearray(packed(_letters(Message(service="S"), parts)))
    frame[where % len(frame)] = value
    for cut in (bytes(frame), bytes(frame[: where % len(frame)])):
        core = _core()
        core.step(Received([cut]), 0.0)
        try:
            messages = messages_of(cut)
        except DecodeError:
            assert core.counters.malformed == 1
        else:
            assert sum(map(len, messages)) <= len(cut) + len(messages) * HEADER_SIZE * 2


def _core() -> VNicCore[str]:
    core: VNicCore[str] = VNicCore(replace(SWITCH, uuid="n" * 36, is_switch=False))
    core.step(Connected(SWITCH), 0.0)
    return core


class TestReading:
    """At the end of a way."""

    @given(PARTS, st.booleans())
    def test_messages(self, parts: list[tuple[int, int, bytes]], request: bool) -> None:
        """What is delivered is the same, for the first pack and for the next ones."""
        like = Message(source="a" * 36, vnet=SWITCH.uuid, service="S", request=request)
        core, pack = _core(), packed(_letters(like, parts))
        effects = [*core.step(Received([pack]), 0.0), *core.step(Received([pack]), 0.0)]
        delivered = [
            one for effect in effects if isinstance(effect, Deliver) for one in effect.messages
        ]
        assert delivered == _same(like, parts) * 2
        assert core.counters.packed == 2 * (len(parts) - 1)

    def test_answers(self) -> None:
        """Each answer wakes who asked; one that nobody waits for any more is counted."""
        core, peer = _core(), "p" * 36
        numbers = [core.open_request(name, peer.encode(), 5.0, 0.0) for name in "abc"]
        core.pending.close(numbers[1])
        like = Message(source=peer, vnet=SWITCH.uuid, service="S", action=Action.REPLY, reply=True)
        parts = [(number, 0, b"%d" % number) for number in numbers]
        [effect] = core.step(Received([packed(_letters(like, parts))]), 0.0)
        assert isinstance(effect, Completed)
        assert effect.answers == [("a", None, b"%d" % numbers[0]), ("c", None, b"%d" % numbers[2])]
        assert core.counters.late == 1

    def test_a_pack_of_what_is_not_plain(self) -> None:
        """Failures travel alone."""
        core = _core()
        like = Message(source="a" * 36, service="S", reply=True, failure="why")
        core.step(Received([packed(_letters(like, [(1, 0, b"")]))]), 0.0)
        assert core.counters.malformed == 1


class TestRouting:
    """On the way: a switch does with a pack what it does with its messages."""

    @pytest.mark.feature("NET-08")
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("destination", ["", DESTINATION_SINGLE, SWITCH.uuid, "x" * 36, "node"])
    @pytest.mark.parametrize("full", [False, True])
    def test_as_one_by_one(self, destination: str, mode: MulticastMode, full: bool) -> None:
        """The same messages reach the same nodes, or come back with the same reasons."""
        heard = []
        for together in (True, False):
            net = VirtualNet()
            nodes = [net.join(S, uuid=mark * 36) for mark in "abc"]
            if full:
                net.step(PressureChanged(nodes[1].number, Pressure.FULL))
            to = nodes[1].uuid if destination == "node" else destination
            _send(nodes[0], to, mode, together=together)
            heard.append([_all_of(node) for node in nodes])
            assert net.core.counters.forwarded + net.core.counters.returned >= 5
        assert heard[0] == heard[1]
        assert sum(map(len, heard[0])) >= 5

    def test_answers_to_nobody(self) -> None:
        """Each message of a pack that is dropped counts."""
        net = VirtualNet()
        node = net.join(S)
        like = node.message(destination="y" * 36, reply=True)
        net.step(
            FramesReceived(node.number, [packed(_letters(like, [(n, 0, b"") for n in (1, 2)]))])
        )
        assert net.core.counters.dropped == 2

    def test_claims(self) -> None:
        """A number of messages that cannot be is a broken frame, not a figure in the metrics."""
        net = VirtualNet()
        a, b = net.join(S), net.join(S)
        frame = bytearray(packed(_letters(a.message(destination=b.uuid), [(1, 0, b"")])))
        frame[12] = 255
        before = net.core.counters.forwarded
        net.step(FramesReceived(a.number, [bytes(frame)]))
        assert a.closed
        assert net.core.counters.forwarded == before


def _send(node: VirtualNode, to: str, mode: MulticastMode, *, together: bool) -> None:
    parts = [(number, 0, b"%d" % number) for number in range(1, 6)]
    like = node.message(destination=to, mode=mode)
    frames = (
        [packed(_letters(like, parts))] if together else list(map(bytes, _letters(like, parts)))
    )
    node.net.step(FramesReceived(node.number, frames))


def _all_of(node: VirtualNode) -> list[tuple[int, str, bytes]]:
    return sorted((one.sequence, one.failure, one.data) for one in node.received)
