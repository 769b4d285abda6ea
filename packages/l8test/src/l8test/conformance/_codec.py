# SPDX-License-Identifier: Apache-2.0
"""Conformance of what turns values into bytes and back: object codecs and serializers."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from l8test.conformance._base import ModelConformance, Stranger
from l8types.enums import Kind, SerializerMode
from l8types.errors import DecodeError, EncodeError

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.data import ObjectCodec
    from l8types.protocols.models import Serializer

__all__ = ["ObjectCodecConformance", "SerializerConformance"]

VALUES: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**62,
    -(2**63),
    0.0,
    -1.5,
    1e300,
    "",
    "text with ünïcödé \U0001f409",
    [1, "two", 3.0, None],
    [[1, 2], [3]],
    {"a": 1, "b": [2]},
    {1: "one", 2: "two"},
)


class ObjectCodecConformance(ModelConformance):
    """What every ``ObjectCodec`` promises.

    Fixture:
        codec: An ``ObjectCodec`` that knows the sample models and their parts, not ``Stranger``.
    """

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_round_trip(self, codec: ObjectCodec, value: object) -> None:
        """A scalar, list or map, or nothing, comes back as it was, with its type."""
        found = codec.decode(codec.encode(value))
        assert found == value
        assert type(found) is type(value)

    def test_models(self, codec: ObjectCodec, sample: Sample) -> None:
        """A model instance comes back as an equal instance of its class."""
        for item in (sample.build(3), sample.make()):
            found = codec.decode(codec.encode(item))
            assert type(found) is sample.model
            assert found == item

    def test_models_in_containers(self, codec: ObjectCodec, sample: Sample) -> None:
        """Lists and maps may hold model instances."""
        value = [sample.build(1), {"key": sample.build(2)}]
        assert codec.decode(codec.encode(value)) == value

    @pytest.mark.parametrize(
        ("kind", "value"),
        [(Kind.INT32, -5), (Kind.INT64, 2**40), (Kind.UINT32, 7), (Kind.FLOAT32, 1.5)],
    )
    def test_exact_kinds(self, codec: ObjectCodec, kind: Kind, value: object) -> None:
        """A number of an exact kind comes back, alone and in a list."""
        assert codec.decode(codec.encode(value, kind=kind)) == value
        assert codec.decode(codec.encode([value, value], kind=kind)) == [value, value]

    def test_out_of_range(self, codec: ObjectCodec) -> None:
        """A number that does not fit its kind is refused."""
        for kind, value in ((Kind.INT32, 2**31), (Kind.UINT32, -1), (Kind.INT64, 2**63)):
            with pytest.raises(EncodeError):
                codec.encode(value, kind=kind)

    def test_unsupported(self, codec: ObjectCodec) -> None:
        """A value of no supported type is refused, at any depth."""
        for value in (object(), [object()], {"key": object()}):
            with pytest.raises(EncodeError):
                codec.encode(value)

    def test_unknown_type(self, codec: ObjectCodec) -> None:
        """An instance of a class that is not registered does not travel."""
        with pytest.raises((EncodeError, DecodeError)):
            codec.decode(codec.encode(Stranger()))

    def test_memoryview(self, codec: ObjectCodec, sample: Sample) -> None:
        """A view of bytes is decoded as the bytes are."""
        data = codec.encode(sample.build(1))
        assert codec.decode(memoryview(data)) == sample.build(1)

    def test_truncated(self, codec: ObjectCodec, sample: Sample) -> None:
        """Bytes that end early give a value or the one error, nothing else."""
        data = codec.encode([sample.build(1), "text", {1: 2.5}])
        for end in range(len(data)):
            value_or_error(codec, data[:end])

    def test_any_bytes(self, codec: ObjectCodec, sample: Sample) -> None:
        """Any bytes give a value or the one error, nothing else."""
        numbers = random.Random(2)  # noqa: S311 - noise, not a secret
        data = codec.encode([sample.build(1), "text", {1: 2.5}])
        for _ in range(500):
            value_or_error(codec, numbers.randbytes(numbers.randrange(24)))
            broken = bytearray(data)
            broken[numbers.randrange(len(broken))] = numbers.randrange(256)
            value_or_error(codec, bytes(broken))


def value_or_error(codec: ObjectCodec, data: bytes) -> object:
    """What a codec makes of any bytes; another exception than ``DecodeError`` fails the test."""
    try:
        return codec.decode(data)
    except DecodeError:
        return None


class SerializerConformance(ModelConformance):
    """What every ``Serializer`` promises.

    Fixture:
        serializer: A ``Serializer`` that knows the sample models.
    """

    def test_round_trip(self, serializer: Serializer, sample: Sample) -> None:
        """An instance becomes bytes and comes back."""
        for item in (sample.build(4), sample.make()):
            data = serializer.marshal(item)
            assert isinstance(data, bytes)
            assert isinstance(serializer.mode, SerializerMode)
            found: object = serializer.unmarshal(data, sample.model)
            assert type(found) is sample.model
            assert found == item

    def test_marshal_is_pure(self, serializer: Serializer, sample: Sample) -> None:
        """Marshalling leaves the instance alone, and doing it twice gives the same instance."""
        item = sample.build(2)
        first, second = serializer.marshal(item), serializer.marshal(item)
        assert item == sample.build(2)
        assert serializer.unmarshal(first, sample.model) == serializer.unmarshal(
            second, sample.model
        )

    def test_unsupported(self, serializer: Serializer) -> None:
        """What cannot be represented is refused."""
        with pytest.raises(EncodeError):
            serializer.marshal(object())

    def test_misfit(self, serializer: Serializer, sample: Sample) -> None:
        """Bytes that do not fit the model are refused."""
        for data in (b"\xff\xff\xff\xff", b"\x00{", b"{[<"):
            with pytest.raises(DecodeError):
                serializer.unmarshal(data, sample.model)
