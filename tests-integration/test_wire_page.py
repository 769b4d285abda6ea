# SPDX-License-Identifier: Apache-2.0
"""The page about the native wire profile says what the code does: its examples are real bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from l8types.constants import DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, Priority, TransactionState
from l8types.errors import HandshakeError
from l8types.frozen import replace
from l8types.values import Message, ServiceKey, Transaction
from layer8_net._core import mesh_wire, records
from layer8_net._core.control import Controls
from layer8_net._core.frame import decode_message, encode_message, node_bytes
from layer8_net._core.handshake import Acceptor, Dialler, Endpoint
from layer8_net._core.pack import messages_of, packed
from layer8_net._core.stream import INITIAL_BYTES, INITIAL_PARTS
from layer8_net._core.switch_events import Pressure
from layer8_net._core.usual import Repeated

PAGE = (Path(__file__).parent.parent / "docs" / "wire.md").read_text(encoding="utf-8")
A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
SWITCH = "cccccccc-0000-4000-8000-000000000003"


def _examples() -> dict[str, bytes]:
    found = {}
    for name, body in re.findall(r"```text\n# ([a-z-]+)\n(.*?)```", PAGE, re.DOTALL):
        found[name] = bytes.fromhex(re.sub(r"#.*", "", body))
    return found


EXAMPLES = _examples()
BOOKS = {"service": "Books", "area": 3}

MESSAGES: dict[str, dict[str, object]] = {
    "request": {
        **BOOKS,
        "source": A,
        "destination": B,
        "action": Action.GET,
        "identity": "vera",
        "sequence": 7,
        "timeout": 2.5,
        "request": True,
        "data": b"\x01\x02\x03",
    },
    "answer": {
        **BOOKS,
        "source": B,
        "destination": A,
        "action": Action.REPLY,
        "identity": "vera",
        "sequence": 7,
        "reply": True,
        "data": b"\x04",
    },
    "failure": {
        **BOOKS,
        "source": SWITCH,
        "destination": A,
        "action": Action.GET,
        "sequence": 7,
        "request": True,
        "reply": True,
        "failure": "unavailable: no node",
    },
    "any": {
        **BOOKS,
        "source": A,
        "destination": DESTINATION_SINGLE,
        "priority": Priority.P1,
        "mode": MulticastMode.ROUND_ROBIN,
        "action": Action.GET,
        "sequence": 8,
        "request": True,
    },
    "multicast": {
        **BOOKS,
        "source": A,
        "action": Action.NOTIFY,
        "sequence": 9,
        "data": b"n",
    },
    "transaction": {
        "source": A,
        "destination": B,
        "service": "Books",
        "action": Action.POST,
        "sequence": 10,
        "request": True,
        "data": b"d",
        "transaction": Transaction(
            state=TransactionState.RUNNING, id="t1", epoch=4, created=1, timeout=30
        ),
    },
    "stream-request": {
        **BOOKS,
        "source": A,
        "destination": B,
        "action": Action.GET,
        "sequence": 11,
        "timeout": 30.0,
        "request": True,
        "stream": True,
    },
}


def test_every_example_is_known() -> None:
    """No example of the page goes unproved."""
    controls = {"part", "end", "credit", "cancel", "echo", "echo-answer"}
    handshake = {"hello", "challenge", "proof", "welcome", "refused"}
    assert EXAMPLES.keys() == MESSAGES.keys() | controls | handshake | {
        "report",
        "statement",
        "pack",
    }


@pytest.mark.feature("WIR-01", "WIR-03", "WIR-05", "WIR-06", "WIR-09")
@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str) -> None:
    """A message of the page has the fields that its text says, and is made of them again."""
    message = Message(vnet=SWITCH, **MESSAGES[name])  # type: ignore[arg-type]
    assert decode_message(EXAMPLES[name]) == message
    assert encode_message(message) == EXAMPLES[name]


@pytest.mark.feature("WIR-03")
def test_pack() -> None:
    """A pack stands for the messages that its text tells, and is made of them again."""
    like = Message(source=A, vnet=SWITCH, destination=B, service="Books", area=3)
    messages = [replace(like, sequence=21, data=b"x"), replace(like, sequence=22)]
    frames = [encode_message(one) for one in messages]
    assert messages_of(EXAMPLES["pack"]) == frames
    repeated = Repeated()
    repeated.learn((), frames[0], b"x")
    letters = [repeated.letter((), one.sequence, 0.0, one.data) for one in messages]
    assert packed([one for one in letters if one is not None]) == EXAMPLES["pack"]


def test_messages_about_requests() -> None:
    """Parts, credit, cancellation and echoes are made as the page shows them."""
    asking, answering = Controls(node_bytes(A)), Controls(node_bytes(B))
    asking.switch = answering.switch = node_bytes(SWITCH)
    stream = Message(source=A, service="Books", area=3, sequence=11)
    assert EXAMPLES["part"] == answering.part_frame(stream, b"p1")
    assert EXAMPLES["end"] == answering.part_frame(stream, b"", last=True)
    provider = node_bytes(B)
    grant = asking.credit_frame(provider, "Books", 3, 11, (32, 65_536))
    assert EXAMPLES["credit"] == grant
    assert EXAMPLES["cancel"] == asking.cancel_frame(provider, "Books", 3, 7)
    assert EXAMPLES["echo"] == asking.echo_request_frame(B, 12)
    assert EXAMPLES["echo-answer"] == answering.echo_frame(node_bytes(A), 12)


def test_credit_of_the_page() -> None:
    """The credit that both sides begin with is the one of the page."""
    text = f"{INITIAL_PARTS} parts and {INITIAL_BYTES:,} bytes".replace(",", " ")
    assert text in " ".join(PAGE.split())


def test_handshake() -> None:
    """Both sides say what the page shows, and believe each other."""
    dialler = Dialler(Endpoint(A, "alpha", 5.0), b"secret", bytes(range(32)))
    me = Endpoint(SWITCH, "switch", 5.0, is_switch=True)
    acceptor = Acceptor(me, b"secret", bytes(range(32, 64)))
    assert dialler.start() == EXAMPLES["hello"]
    assert acceptor.receive(EXAMPLES["hello"]) == EXAMPLES["challenge"]
    assert dialler.receive(EXAMPLES["challenge"]) == EXAMPLES["proof"]
    acceptor.receive(EXAMPLES["proof"])
    assert acceptor.welcome() == EXAMPLES["welcome"]
    dialler.receive(EXAMPLES["welcome"])
    assert dialler.done
    other = Dialler(Endpoint(A, "alpha", 5.0), b"secret", bytes(32))
    other.start()
    with pytest.raises(HandshakeError, match="the peer refused the connection: no"):
        other.receive(EXAMPLES["refused"])


def test_directory() -> None:
    """A report and a statement of a switch read as the page says."""
    [record] = records.decode_records(EXAMPLES["report"])
    assert record == records.own_record(A, {ServiceKey("Books", 3): "Book"})
    change = mesh_wire.decode_change(EXAMPLES["statement"])
    assert change == mesh_wire.Change(
        incarnation=5,
        number=1,
        addresses=[mesh_wire.Address(SWITCH, "10.0.0.7", 10_005)],
        pressures=[(node_bytes(A), Pressure.HIGH)],
    )
    assert mesh_wire.encode_change(change) == EXAMPLES["statement"]
