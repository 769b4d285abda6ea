# SPDX-License-Identifier: Apache-2.0
"""Short names of messages."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from l8srlz import ObjectCodec
from l8types.pb import L8MetaData, L8Query

from .fakes import FakeRegistry

NAMES = [
    ("L8MetaData", "L8MetaData"),
    ("Outer.Inner", "Outer_Inner"),
    ("Outer.inner", "OuterInner"),
    ("k8s_pod", "K8SPod"),
    ("_x", "XX"),
    ("a_b_c", "ABC"),
    ("foo_2", "Foo_2"),
    ("foo_Bar", "Foo_Bar"),
    ("HTTP_code", "HTTPCode"),
    ("x__y", "X_Y"),
    ("A.b.C", "AB_C"),
]


@pytest.mark.feature("SRZ-15")
@pytest.mark.parametrize("package", ["", "one.two"])
@pytest.mark.parametrize(("name", "short"), NAMES)
def test_unregistered_messages_travel_under_their_go_name(
    package: str, name: str, short: str
) -> None:
    """The name is that of the Go type: without the package, nested names joined."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}{name}.proto", package=package)
    parts = name.split(".")
    message = file.message_type.add(name=parts[0])
    for part in parts[1:]:
        message = message.nested_type.add(name=part)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    full = f"{package}.{name}".removeprefix(".")
    model = message_factory.GetMessageClass(pool.FindMessageTypeByName(full))
    data = ObjectCodec(FakeRegistry()).encode(model())
    assert data == (
        bytes.fromhex("00000016fffffffe") + len(short).to_bytes(4, "big") + short.encode()
    )


@pytest.mark.parametrize("message", [L8Query(text="x"), L8MetaData(), L8Query()])
def test_own_messages_need_no_registration(message: object) -> None:
    """The messages that every container may hold are always understood."""
    codec = ObjectCodec(FakeRegistry())
    assert codec.decode(codec.encode(message)) == message
