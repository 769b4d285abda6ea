# SPDX-License-Identifier: Apache-2.0
"""What the generated modules do on the installed protobuf runtime."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8types import pb

from .strategies import INT32, filled

CLASSES: list[type[Message]] = [getattr(pb, name) for name in pb.__all__]

# {"Svc": areas {7: true, 1: false}, models {7: "M"}} as a Go node encodes it.
GO_SERVICES = bytes.fromhex("0a1a0a0353766312130a04080210000a04080e10011205080e12014d")


def varint(number: int) -> bytes:
    """Encode a number of at most 64 bits in the base-128 form of the wire format."""
    out = bytearray()
    number &= 2**64 - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def zigzag(number: int) -> bytes:
    """Encode a number of at most 32 bits so that small negative ones are short as well."""
    return varint(number * 2 if number >= 0 else -number * 2 - 1)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_message_survives_the_wire(cls: type[Message], data: st.DataObject) -> None:
    """A message with any content is equal after encoding and decoding, and encodes the same."""
    message = data.draw(filled(cls.DESCRIPTOR))
    decoded = cls.FromString(message.SerializeToString())
    assert decoded == message
    again = decoded.SerializeToString(deterministic=True)
    assert again == message.SerializeToString(deterministic=True)


@pytest.mark.feature("TYP-52")
def test_fields_of_a_newer_peer_survive() -> None:
    """A record keeps fields that this contract does not know when it is sent on."""
    unknown = varint(1000 << 3) + varint(5)
    record = pb.L8Health.FromString(pb.L8Health(alias="a").SerializeToString() + unknown)
    assert record.alias == "a"
    assert record.SerializeToString().endswith(unknown)


def test_services_of_a_go_node_are_understood() -> None:
    """Bytes of a Go node decode to the services, areas and models that were encoded.

    The order of map entries differs between languages, so bytes are never compared.
    """
    areas = pb.L8ServiceAreas(areas={7: True, 1: False}, models={7: "M"})
    expected = pb.L8Services(service_to_areas={"Svc": areas})
    decoded = pb.L8Services.FromString(GO_SERVICES)
    assert decoded == expected
    assert len(expected.SerializeToString()) == len(GO_SERVICES)
    assert pb.L8Services.FromString(expected.SerializeToString()) == decoded


@given(area=INT32)
def test_areas_of_the_service_table_are_zigzag(area: int) -> None:
    """The keys of the two area maps are zig-zag encoded."""
    entry = b"\x08" + zigzag(area) + b"\x10\x01"
    encoded = pb.L8ServiceAreas(areas={area: True}).SerializeToString()
    assert encoded == b"\x0a" + varint(len(entry)) + entry
    entry = b"\x08" + zigzag(area) + b"\x12\x01M"
    encoded = pb.L8ServiceAreas(models={area: "M"}).SerializeToString()
    assert encoded == b"\x12" + varint(len(entry)) + entry


@given(area=INT32.filter(bool))
def test_area_of_the_replication_index_is_zigzag_and_others_are_not(area: int) -> None:
    """The third zig-zag field is the index's area; a service's area elsewhere is plain."""
    assert pb.L8ReplicationIndex(service_area=area).SerializeToString() == b"\x10" + zigzag(area)
    assert pb.L8WebService(service_area=area).SerializeToString() == b"\x10" + varint(area)


def test_announcement_carries_one_kind_of_data() -> None:
    """Setting one member of a system message's data clears the other."""
    message = pb.L8SystemMessage(route_table=pb.L8RouteTable(rows={"a": "b"}))
    assert message.WhichOneof("data") == "route_table"
    message.service_data.serviceName = "Svc"
    assert message.WhichOneof("data") == "service_data"
    assert not message.HasField("route_table")


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_generated_code_loads_on_the_installed_runtime(implementation: str) -> None:
    """Both implementations of the installed runtime load all modules without a warning."""
    code = (
        "from google.protobuf.internal import api_implementation as used;"
        "from l8types import pb;"
        "print(used.Type(), len(pb.__all__))"
    )
    environment = os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (result.stdout, result.stderr) == (f"{implementation} 108\n", ""), version("protobuf")


def test_generated_code_is_not_tied_to_one_runtime() -> None:
    """No module asks the runtime to be as new as the compiler."""
    modules = sorted(Path(pb.__path__[0]).glob("*_pb2.py"))
    assert len(modules) == 13
    for module in modules:
        assert "runtime_version" not in module.read_text(encoding="utf-8"), module.name
