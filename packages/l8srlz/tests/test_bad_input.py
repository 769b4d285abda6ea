# SPDX-License-Identifier: Apache-2.0
"""Instances that cannot travel, and bytes that do not fit: errors that name model and attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from l8srlz import BinarySerializer, JsonSerializer, ObjectCodec
from l8types.errors import DecodeError, EncodeError

from .fakes import FakeRegistry, Item, registry


@dataclass
class Part:
    """A model that may contain itself."""

    name: str = ""
    peer: Part | None = None
    parts: list[Part] = field(default_factory=list)
    named: dict[str, Part] = field(default_factory=dict)


class PartStruct(msgspec.Struct):
    """The same as a struct."""

    name: str = ""
    peer: PartStruct | None = None
    parts: list[PartStruct] = []
    named: dict[str, PartStruct] = {}


Model: TypeAlias = Any
"""One of the two; they differ in nothing that matters here."""

CODEC = ObjectCodec(FakeRegistry(Part, PartStruct))
models = pytest.mark.parametrize("model", [Part, PartStruct])


@models
def test_a_model_that_contains_itself(model: Model) -> None:
    """The error names the model, the way to the part and what to do instead."""
    whole = model(parts=[model(), model(named={"a": model()})])
    whole.parts[1].named["a"].peer = whole.parts[1]
    place = r"\.parts\[1\]\.named\['a'\]\.peer"
    reason = rf"this {model.__name__} contains itself; a value is a tree, refer to a part by its"
    with pytest.raises(EncodeError, match=rf"value \({model.__name__}\){place}: {reason}"):
        CODEC.encode(whole)
    with pytest.raises(EncodeError, match=rf"value\[0\] \({model.__name__}\){place}: {reason}"):
        CODEC.encode([whole])
    with pytest.raises(EncodeError, match=rf"{model.__name__}{place} as json: {reason}"):
        JsonSerializer().marshal(whole)
    with pytest.raises(EncodeError, match=rf"\({model.__name__}\){place}: {reason}"):
        BinarySerializer().marshal(whole)


@models
def test_a_model_that_is_too_deep(model: Model) -> None:
    """The error names the model and what to do; nothing else is raised, in either direction."""
    whole = model()
    for _ in range(5000):
        whole = model(peer=whole)
    for write in (CODEC.encode, JsonSerializer().marshal, BinarySerializer().marshal):
        with pytest.raises(EncodeError, match=rf"{model.__name__}.*peer.* nested too deep; keep"):
            write(whole)
    body = b"\x81\xa4peer" * 5000 + b"\x80"
    name = model.__name__.encode()
    head = b"".join(number.to_bytes(4, "big") for number in (64, len(body), len(name)))
    with pytest.raises(DecodeError, match=rf"no {model.__name__}: "):
        CODEC.decode(head + name + body)


def test_a_message_that_is_too_deep() -> None:
    """Messages end where protobuf ends; the error names the type and the place of its bytes."""
    file = descriptor_pb2.FileDescriptorProto(
        name="l8srlz_deep.proto", package="l8srlz_deep", syntax="proto3"
    )
    message = file.message_type.add(name="Deep")
    message.field.add(name="peer", number=1, type=11, label=1, type_name=".l8srlz_deep.Deep")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    deep = message_factory.GetMessageClass(pool.FindMessageTypeByName("l8srlz_deep.Deep"))
    body = b""
    for _ in range(500):
        size = len(body)
        body = (
            b"\x0a" + bytes([size]) + body
            if size < 128
            else (b"\x0a" + bytes([size % 128 + 128, size // 128]) + body)
        )
    head = b"".join(number.to_bytes(4, "big") for number in (22, len(body), 4))
    with pytest.raises(DecodeError, match=r"no Deep .*MaxDepth.* at byte 16"):
        ObjectCodec(FakeRegistry(deep)).decode(head + b"Deep" + body)


@models
def test_an_attribute_of_a_wrong_type(model: Model) -> None:
    """What a receiver cannot put into the model is an error that names model and attribute."""
    whole = model(parts=[model(name="a")])
    whole.parts[0].name = 5
    with pytest.raises(DecodeError, match=rf"no {model.__name__}: .* `\$\.parts\[0\]\.name`"):
        CODEC.decode(CODEC.encode(whole))
    data = JsonSerializer().marshal(whole)
    with pytest.raises(DecodeError, match=rf"{model.__name__}\.parts\[0\]\.name: expected `str`"):
        JsonSerializer().unmarshal(data, model)
    whole.parts[0].name = object()
    with pytest.raises(EncodeError, match=r"parts\[0\]\.name: a object cannot be an attribute"):
        CODEC.encode(whole)


def test_an_unknown_attribute_of_a_message() -> None:
    """JSON with a name that the message does not have is refused; nothing of it gets lost."""
    with pytest.raises(DecodeError, match=r"cannot read TestProto\.myStrin: .* no such attribute"):
        JsonSerializer().unmarshal(b'{"myStrin":"a"}', Item)


def test_a_type_that_nobody_registered() -> None:
    """The error names the type and what to do, at the sender and at the receiver."""
    with pytest.raises(EncodeError, match="type Part is not registered; register it on every node"):
        ObjectCodec(registry()).encode(Part())
    with pytest.raises(DecodeError, match=r"'Part' is not registered.* at byte"):
        ObjectCodec(registry()).decode(CODEC.encode(Part()))
