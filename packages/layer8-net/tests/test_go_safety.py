# SPDX-License-Identifier: Apache-2.0
"""What is known to end the process of a Go node is never sent, whatever a caller asks for.

The frames are taken apart by offsets and with nothing of the code that made them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.constants import DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, Priority, TransactionState
from l8types.errors import EncodeError, L8Error, UnavailableError
from l8types.pb import L8Health, L8SystemMessage
from l8types.pb.system_pb2 import L8SystemAction
from l8types.values import Message, NodeInfo, NodeStatistics, ServiceKey, Transaction
from layer8_net._core.vnic_events import Connected, FramesReceived, Send
from layer8_net._go.codec import encode_message
from layer8_net._go.handshake import GoEndpoint
from layer8_net._go.records import record_of
from layer8_net._go.values import pack_elements
from layer8_net._go.vnic import GoVNicCore

from .go_parts import ANN, BOB, CIPHER, OTHER, SONGS, SWITCH, PaperNet, Plain, take_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from layer8_net._core.vnic_events import Effect

SWITCH_NAMES = {"Health", "System", "tokens", "users", "roles", "Creds"}
OFFERED_BY_SWITCH = {("Health", 0)}


def payload_of(data: bytes) -> tuple[str, bytes]:
    """Type and bytes of the only message in a container."""
    kind, count = struct.unpack_from(">iq", data)
    assert (kind, count) == (2, 1)
    kind, size, name_size = struct.unpack_from(">iii", data, 12)
    assert kind == 22
    name = data[24 : 24 + name_size].decode()
    return name, data[24 + name_size : 24 + name_size + max(size, 0)]


def check(frame: bytes) -> Plain:
    """Fail on each form that is known to end a Go node."""
    plain = take_apart(frame)
    assert plain.flags <= 3
    assert plain.mode <= 4
    assert plain.priority <= 7
    assert plain.data, "empty data"
    assert plain.action in {int(action) for action in Action}
    assert plain.service
    assert (len(plain.rest) >= 79) is bool(plain.state)
    if plain.state:
        assert len(plain.rest) == 79 + plain.rest[36]
    if plain.service == "sysMsg":
        check_system(plain)
    if plain.action == Action.NOTIFY:
        check_notice(plain)
    return plain


def check_system(plain: Plain) -> None:
    """A system message has the right type and its part, and never removes a service."""
    name, payload = payload_of(plain.data)
    assert (name, plain.area) == ("L8SystemMessage", 99)
    message = L8SystemMessage.FromString(payload)
    part = {1: "route_table", 2: "route_table", 3: "service_data"}[message.action]
    assert message.WhichOneof("data") == part


def check_notice(plain: Plain) -> None:
    """No notice for a service that the switch would take itself, and does not offer."""
    to_switch = plain.destination == SWITCH or (
        not plain.destination and plain.service in SWITCH_NAMES
    )
    if to_switch:
        assert (plain.service, plain.area) in OFFERED_BY_SWITCH
        assert payload_of(plain.data)[0] == "L8NotificationSet"


def node() -> GoVNicCore[str]:
    """An interface that is connected and knows its switch."""
    core: GoVNicCore[str] = GoVNicCore(GoEndpoint(ANN, "ann", 5.0), CIPHER)
    core.step(Connected(GoEndpoint(SWITCH, "hub", 5.0, is_switch=True)), 0.0)
    hub = NodeInfo(SWITCH, "hub", SWITCH, services={ServiceKey("Health"): ""}, is_switch=True)
    records = [hub, NodeInfo(BOB, "bob", SWITCH, services={SONGS: ""})]
    report = Message(
        source=SWITCH,
        vnet=SWITCH,
        destination=ANN,
        service="Health",
        action=Action.PATCH,
        data=pack_elements((record_of(one), one.uuid) for one in records),
    )
    core.step(FramesReceived([encode_message(report, CIPHER)]), 0.0)
    assert core.directory.node(SWITCH) is not None
    return core


def sent(effects: Iterable[Effect[str]]) -> list[bytes]:
    """The frames among effects."""
    return [frame for effect in effects if isinstance(effect, Send) for frame in effect.frames]


texts = st.text(max_size=300)
targets = st.one_of(
    st.sampled_from(["", BOB, SWITCH, OTHER]), st.sampled_from(MulticastMode), texts
)
services = st.one_of(
    st.sampled_from([*SWITCH_NAMES, "sysMsg", "Songs", "Plugin", "WebService", ""]), texts
)
areas = st.sampled_from([0, 1, 98, 99, 255]) | st.integers(-1, 300)
parts = st.none() | st.builds(
    Transaction,
    state=st.sampled_from(TransactionState),
    id=st.just(OTHER) | texts,
    error=texts,
    created=st.integers(-1, 2**64),
    replica=st.integers(-1, 300),
    is_replica=st.booleans(),
)
messages = st.builds(
    Message,
    source=st.sampled_from([ANN, BOB]),
    vnet=st.just(SWITCH),
    destination=st.one_of(st.sampled_from(["", DESTINATION_SINGLE, SWITCH, BOB]), texts),
    service=services,
    area=areas,
    priority=st.sampled_from(Priority),
    mode=st.sampled_from(MulticastMode),
    action=st.sampled_from(Action),
    identity=st.just("") | texts,
    sequence=st.integers(0, 2**33),
    timeout=st.floats(-1, 1e6),
    request=st.booleans(),
    reply=st.booleans(),
    stream=st.booleans(),
    failure=texts,
    data=st.binary(max_size=50),
    transaction=parts,
)


def attempt(make: Callable[[], list[bytes]]) -> None:
    """Send what can be sent, and check it; a refusal is an error of ours, nothing else."""
    try:
        frames = make()
    except L8Error:
        return
    for frame in frames:
        check(frame)


@pytest.mark.feature("NIC-07", "WIR-02")
@given(
    target=targets,
    one=st.booleans(),
    service=services,
    area=areas,
    action=st.sampled_from(Action),
    data=st.binary(max_size=50),
    identity=st.just("") | texts,
    timeout=st.floats(-1, 1e9),
)
def test_calls(
    *,
    target: str | MulticastMode,
    one: bool,
    service: str,
    area: int,
    action: Action,
    data: bytes,
    identity: str,
    timeout: float,
) -> None:
    """Sending and asking: any target, service, area, action, data and identity."""
    core = node()
    attempt(
        lambda: [
            core.frame(
                core.address(target, one=one),
                service,
                area,
                action,
                data,
                identity=identity,
                request=one,
                timeout=timeout,
            )
        ]
    )


@given(messages, st.binary(max_size=50), texts)
def test_messages(message: Message, data: bytes, text: str) -> None:
    """Forwarding, answering and refusing: any received or changed message."""
    core = node()
    attempt(lambda: [core.message_frame(core.stamp(message))])
    attempt(lambda: [core.reply_frame(message, data)])
    attempt(lambda: [core.refusal_frame(message, UnavailableError(text))])


@given(st.lists(st.tuples(services, areas, texts), max_size=5))
def test_offers(offers: list[tuple[str, int, str]]) -> None:
    """Offering and withdrawing: any name, area and model, before a connection and after one."""
    core = node()
    for name, area, model in offers:
        try:
            key = ServiceKey(name, area)
        except L8Error:
            continue
        attempt(lambda key=key, model=model: sent(core.offer(key, model)))  # type: ignore[misc]
    hub = GoEndpoint(SWITCH, "hub", 5.0, is_switch=True)
    for frame in [*sent(core.step(Connected(hub), 1.0)), core.report(NodeStatistics())]:
        check(frame)
    own = core.directory.node(ANN)
    assert own is not None
    for key in own.services:
        attempt(lambda key=key: sent(core.withdraw(key)))  # type: ignore[misc]


@given(received=st.lists(messages, max_size=6), link=st.booleans())
def test_switch(*, received: list[Message], link: bool) -> None:
    """W-01: a switch: whatever comes from a node or from another switch, to nodes and to switches.

    What it only forwards is its sender's, but for its own frames all of this holds.
    """
    net = PaperNet(SWITCH)
    peer = net.link(BOB) if link else net.join(SONGS, uuid=BOB)
    net.join(SONGS, uuid=ANN)
    net.link(OTHER)
    for message in received:
        try:
            frame = encode_message(message, CIPHER)
        except EncodeError:
            continue
        if not peer.closed:
            peer.raw(frame)
    net.pass_time(6.0)
    for frame in net.frames:
        if frame[8:44] == SWITCH.encode():
            check(frame)
        else:
            take_apart(frame)


@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("users", MulticastMode.ALL),
        ("tokens", MulticastMode.ALL),
        ("Creds", SWITCH),
        ("Songs", SWITCH),
        ("Health", MulticastMode.ALL),
        ("sysMsg", MulticastMode.ALL),
    ],
)
def test_refused_notices(service: str, target: str | MulticastMode) -> None:
    """A notice that would end a switch is refused with a reason."""
    core = node()
    address = core.address(target, one=False)
    with pytest.raises(EncodeError, match=r"switch|network itself"):
        core.frame(address, service, 0, Action.NOTIFY, b"x")


def test_allowed_notices() -> None:
    """Notices among the instances of a service are what they always were."""
    core = node()
    address = core.address(MulticastMode.ALL, one=False)
    frame = core.frame(address, "Songs", 0, Action.NOTIFY, b"x")
    assert check(frame).action == Action.NOTIFY


def test_checks_find_something() -> None:
    """The checks of this file fail on what they are there for."""
    bad = L8SystemMessage(action=L8SystemAction.Service_Remove)
    message = Message(source=ANN, vnet=SWITCH, service="sysMsg", area=99)
    for data in (pack_elements([(bad, None)]), pack_elements([(L8Health(), None)])):
        with pytest.raises((AssertionError, KeyError)):
            check(encode_message(Message(**{**_fields(message), "data": data}), CIPHER))  # type: ignore[arg-type]


def _fields(message: Message) -> dict[str, object]:
    return {"source": message.source, "vnet": message.vnet, "service": "sysMsg", "area": 99}
