# SPDX-License-Identifier: Apache-2.0
"""What Go nodes were recorded to say is understood as it was meant, and said again as it was."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

import pytest

from l8types.enums import Action, Kind, WireProfile
from l8types.pb import L8Health, L8NotificationSet
from l8types.pb import TestProto as Sample
from l8types.settings import NodeSettings
from l8types.values import NodeInfo, NodeStatistics, ServiceKey
from l8utils import NodeResources
from layer8_net._core.vnic_events import Completed, Connected, FramesReceived, Ready
from layer8_net._go.body import unpack_body
from layer8_net._go.codec import decode_frame, encode_message
from layer8_net._go.handshake import GoAcceptor, GoDialler, GoEndpoint
from layer8_net._go.records import apply_notice, changed_notice
from layer8_net._go.values import NOTHING, pack_scalar, read_messages, read_value
from layer8_net._go.vnic import GoVNicCore
from layer8_net.go import CfbCipher

from .captures import MESSAGES, NAMES, SECRET, cipher_of, load, some

if TYPE_CHECKING:
    from l8types.protocols.security import SecurityProvider
    from l8types.values import Message

    from .captures import Json

SETTINGS: Final = NodeSettings(
    alias="test", profile=WireProfile.GO, plugins={"layer8.security": "shallow"}
)
KEY: Final = b"XWdwYcD1cDp14gx3m8gzBQ=="
CIPHER: Final = CfbCipher(KEY)


def frame_of(name: str) -> bytes:
    """The bytes of a recorded message."""
    return bytes.fromhex(load(name)["hex"])


def message_of(name: str) -> Message:
    """A recorded message."""
    return decode_frame(frame_of(name), CIPHER)


ELEMENTS: Final = [name for name in NAMES if load(name).get("elements")]
"""Recordings whose data are elements; one has a single byte that is none."""


@pytest.fixture(scope="module")
def resources() -> NodeResources:
    """The parts of a node of a Go network."""
    made = NodeResources(SETTINGS)
    made.register(Sample)
    return made


@pytest.mark.feature("WIR-02", "WIR-04", "WIR-05")
@pytest.mark.parametrize("name", some(MESSAGES))
def test_bytes(name: str) -> None:
    """Every recorded message is decoded, and encoded again to the same bytes."""
    recorded = load(name)
    cipher = cipher_of(KEY, recorded["iv_hex"])
    frame = bytes.fromhex(recorded["hex"])
    assert encode_message(decode_frame(frame, cipher), cipher) == frame


HEADER: Final = {
    "source uuid": "source",
    "vnet uuid (source vnet)": "vnet",
    "destination": "destination",
}
BODY: Final = {"aaa id (36, zero padded)": "identity", "fail message": "failure"}
TRANSACTION: Final = {
    "tr id (36)": "id",
    "tr error": "error",
    "tr created (int64 BE)": "created",
    "tr queued (int64 BE)": "queued",
    "tr running (int64 BE)": "running",
    "tr end (int64 BE)": "end",
    "tr timeout (int64 BE)": "timeout",
    "tr replica": "replica",
    "tr is replica": "is_replica",
}


@pytest.mark.feature("WIR-03", "WIR-06", "WIR-07")
@pytest.mark.parametrize("name", some(MESSAGES))
def test_fields(name: str) -> None:
    """Every field of a recorded message has the value that the recording tells."""
    recorded, message = load(name), message_of(name)
    told = {field["name"]: field.get("value") for field in recorded["fields"]}
    for label, attribute in HEADER.items():
        assert getattr(message, attribute) == told[label]
    assert message.service == told["service name (10, zero padded)"]
    assert message.area == told["service area"]
    both = told["priority<<4 | multicast mode"]
    assert both == f"priority {message.priority:d} mode {message.mode:d}"

    inside = {field["name"]: field.get("value") for field in recorded["body_fields"]}
    assert inside["action"].split()[0] == str(int(message.action))
    for label, attribute in BODY.items():
        assert getattr(message, attribute) == inside[label]
    assert message.sequence == inside["sequence (uint32 BE)"]
    assert message.timeout == inside["timeout (uint16 BE)"]
    flags = inside["flags: bit0 request, bit1 reply"]
    assert message.request + 2 * message.reply == flags
    part = message.transaction
    assert (part.state if part else 0) == inside["transaction state"]
    if part is not None:
        for label, attribute in TRANSACTION.items():
            assert getattr(part, attribute) == inside[label]


@pytest.mark.parametrize("name", some(MESSAGES))
def test_bodies(name: str) -> None:
    """The decrypted body is the recorded one, and its data too."""
    recorded = load(name)
    sealed = frame_of(name)[128:]
    assert CIPHER.decrypt(sealed).hex() == recorded["body_hex"]
    if "data_hex" in recorded:
        body = unpack_body(bytes.fromhex(recorded["body_hex"]))
        assert body.data.hex() == recorded["data_hex"]


@pytest.mark.feature("WIR-09")
@pytest.mark.parametrize("name", some(ELEMENTS))
def test_elements(name: str, resources: NodeResources) -> None:
    """The data of a recording are elements with the recorded values, keys and errors."""
    recorded = load(name)
    data = bytes.fromhex(recorded.get("data_hex") or recorded["hex"])
    elements = resources.elements.decode(data)
    told = {part["name"]: part for part in recorded["elements"]}
    assert len(elements) == told["count"]["value"]
    for index, entry in enumerate(elements):
        assert entry.error == told[f"[{index}].error"]["value"]
        assert entry.key == told[f"[{index}].key"]["value"]
        _check_value(entry.value, told[f"[{index}].element"]["value"])


def _check_value(value: object, told: Json) -> None:
    if told is None:
        assert value is None
        return
    (name,) = (key for key in told if not key.startswith("_"))
    assert type(value).__name__ == name
    recorded = type(value).FromString(bytes.fromhex(told.get("_pb_hex", "")))  # type: ignore[attr-defined]
    assert value == recorded


@pytest.mark.feature("SEC-04")
def test_cipher(resources: NodeResources) -> None:
    """The permissive provider and the cipher for own keys have the recorded key and text."""
    recorded = load("crypto")
    assert recorded["secret"].encode() == SECRET == resources.security.network_secret()
    assert recorded["key_ascii"].encode() == KEY
    text = recorded["sample_base64"].encode()
    plain = recorded["sample_plain"].encode()
    assert resources.security.decrypt(text) == CIPHER.decrypt(text) == plain
    assert cipher_of(KEY, recorded["sample_iv_hex"]).encrypt(plain) == text


KINDS: Final = {
    "int": Kind.INT,
    "int32": Kind.INT32,
    "int64": Kind.INT64,
    "uint64": Kind.UINT64,
    "float64": Kind.FLOAT64,
    "bool-true": Kind.BOOL,
    "bool-false": Kind.BOOL,
    "enum": Kind.INT32,
}


def test_values(resources: NodeResources) -> None:
    """Single values are read by the overlay as by the codec of the node, and written the same."""
    for recorded in load("object-encodings")["values"]:
        wire = bytes.fromhex(recorded["hex"])
        value = read_value(wire)
        if recorded["name"] in KINDS:
            assert pack_scalar(KINDS[recorded["name"]], value) == wire  # type: ignore[arg-type]
        if isinstance(value, (int, float, str, bytes)):
            assert value == resources.codec.decode(wire)
    assert bytes.fromhex(load("elements-nil")["hex"]) == NOTHING


class _Replay:
    """A provider whose encryption starts as that of a recorded side did, step by step."""

    def __init__(self, starts: list[str]) -> None:
        ready = iter([bytes.fromhex(start) for start in starts])
        self.encrypt = CfbCipher(KEY, lambda: next(ready)).encrypt
        self.decrypt = CIPHER.decrypt

    @staticmethod
    def network_secret() -> bytes:
        """The public secret."""
        return SECRET


@pytest.mark.feature("NIC-01", "NIC-21")
def test_handshake() -> None:
    """Both ends of the recorded handshake are played by ours, byte for byte."""
    frames = load("handshake-vnic-vnet")["frames"]
    sides: dict[str, list[Json]] = {"connecting side": [], "accepting side": []}
    for frame in frames:
        sides[frame["dir"].split(" -> ")[0]].append(frame)
    node, switch = sides.values()
    starts = [[frame["iv_hex"] for frame in side] for side in (node, switch)]
    plugin = {ServiceKey("Plugin"): ""}
    me = GoEndpoint(node[1]["plain"], node[3]["plain"], 30.0, services=plugin)
    hub = GoEndpoint(switch[1]["plain"], switch[3]["plain"], 30.0, is_switch=True)
    dialler = GoDialler(me, _as_provider(_Replay(starts[0])))
    acceptor = GoAcceptor(hub, _as_provider(_Replay(starts[1])))
    written = [dialler.start()], [acceptor.start()]
    for step in range(6):
        written[0].append(dialler.receive(bytes.fromhex(switch[step]["hex"])))
        written[1].append(acceptor.receive(bytes.fromhex(node[step]["hex"])))
    written[1].append(acceptor.welcome())
    for side, own in zip((node, switch), written, strict=True):
        assert [one.hex() for one in own if one] == [frame["hex"] for frame in side]
    assert dialler.done
    assert (dialler.peer, acceptor.peer) != (None, None)
    assert dialler.peer is not None
    assert dialler.peer.alias == hub.alias


def _as_provider(replay: _Replay) -> SecurityProvider:
    return replay  # type: ignore[return-value]


@pytest.mark.feature("HLT-02", "HLT-03", "NIC-11")
def test_what_a_switch_tells() -> None:
    """The recorded report and notices make up the directory of a node."""
    report = message_of("health-report")
    core: GoVNicCore[str] = GoVNicCore(GoEndpoint(report.destination, "go-b", 30.0), CIPHER)
    core.step(Connected(GoEndpoint(report.source, "vnet", 30.0, is_switch=True)), 0.0)
    effects = core.step(FramesReceived([frame_of("health-report")]), 1.0)
    assert isinstance(effects[-1], Ready)
    nodes = {node.alias: node for node in core.directory.nodes()}
    assert set(nodes) == {"go-a", "go-b", "vnet-29100"}
    assert nodes["vnet-29100"].is_switch
    assert set(nodes["go-a"].services) == {
        ServiceKey(name) for name in ("Health", "Plugin", "Tests")
    }
    for name in ("health-notify-post", "health-notify-patch"):
        assert core.step(FramesReceived([frame_of(name)]), 2.0)
    (patch,) = read_messages(message_of("health-notify-patch").data, L8NotificationSet)
    node = core.directory.node(patch.model_key)
    assert node is not None
    told = {one.property_id.split(">.")[1]: one.newValue for one in patch.notification_list}
    assert node.statistics.tx_messages == read_value(told["stats.txmsgcount"])
    assert node.statistics.memory_bytes == read_value(told["stats.memoryusage"])
    assert not node.is_switch
    assert core.counters.malformed == 0


def test_notices_of_ours() -> None:
    """Our notice of a change has the recorded ids, in the recorded form, and the recorded kinds."""
    (recorded,) = read_messages(message_of("health-notify-patch").data, L8NotificationSet)
    key = recorded.model_key
    old = NodeInfo(key, "go-a", recorded.source, is_switch=True)
    figures = NodeStatistics(-1.0, -1, -1, -1, -1, 1, -1.0)
    new = apply_notice(recorded, lambda _: old)
    assert new is not None
    ours = changed_notice(
        NodeInfo(key, "go-a", recorded.source, is_switch=True, statistics=figures, started=-1.0),
        new,
        source=recorded.source,
        area=0,
        sequence=recorded.sequence,
    )
    assert ours is not None
    kinds = {one.property_id: one.newValue[:4] for one in ours.notification_list}
    for one in recorded.notification_list:
        assert kinds[one.property_id] == one.newValue[:4]
    values = {one.property_id: one.newValue for one in ours.notification_list}
    numbers = [one for one in recorded.notification_list if one.newValue[3] != Kind.MAP]
    assert numbers
    for one in numbers:
        assert values[one.property_id] == one.newValue


def test_progress_of_a_transaction() -> None:
    """Of the recorded answers to a transactional request only the last one ends it."""
    reply = message_of("tr-10-final-reply")
    core: GoVNicCore[str] = GoVNicCore(GoEndpoint(reply.destination, "go-c", 30.0), CIPHER)
    core.step(Connected(GoEndpoint(reply.vnet, "vnet", 30.0, is_switch=True)), 0.0)
    core.pending._sequence = reply.sequence - 1
    core.open_request("who", reply.source.encode(), 30.0, 0.0)
    for name in ("tr-2-created-reply", "tr-4-queued-reply", "tr-5-running-reply"):
        message = message_of(name)
        if message.destination == reply.destination:
            assert core.step(FramesReceived([frame_of(name)]), 1.0) == []
    (effect,) = core.step(FramesReceived([frame_of("tr-10-final-reply")]), 2.0)
    assert isinstance(effect, Completed)
    assert effect.answers == [("who", None, reply.data)]


def test_every_recording_is_tested() -> None:
    """Each recording is a message, elements, or one of those with a test of their own."""
    if not NAMES:
        load("index")
    rest = {name for name in NAMES if name not in {*MESSAGES, *ELEMENTS}}
    assert rest == {"handshake-vnic-vnet", "crypto", "object-encodings"}


def test_actions() -> None:
    """The recordings cover the messages of a whole life, so that these tests mean something."""
    if not MESSAGES:
        load("index")
    actions = {message_of(name).action for name in MESSAGES}
    assert {Action.POST, Action.GET, Action.REPLY, Action.NOTIFY, Action.SERVICE_QUERY} <= actions
    base64.b64decode(frame_of("request")[128:], validate=True)
    records = read_messages(message_of("keepalive").data, L8Health)
    assert records[0].stats.tx_msg_count > 0
