# SPDX-License-Identifier: Apache-2.0
"""Models as plain bytes: protobuf for messages, MessagePack for the others.

Unlike the object codec the bytes do not say what they are; the reader brings the model.
"""

from typing import TypeVar, cast, final

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import EncodeError as ProtobufEncodeError
from google.protobuf.message import Message

from l8srlz._faults import Fault
from l8srlz._native import NativeBodies, is_native
from l8types.enums import SerializerMode
from l8types.errors import DecodeError, EncodeError

T = TypeVar("T")


@final
class BinarySerializer:
    """Protobuf bytes of messages, MessagePack of dataclass and ``msgspec.Struct`` instances.

    Equal messages give equal bytes. May be shared by threads.
    """

    __slots__ = ("_bodies",)

    def __init__(self) -> None:
        self._bodies = NativeBodies()

    @property
    def mode(self) -> SerializerMode:
        """Which representation: BINARY."""
        return SerializerMode.BINARY

    def marshal(self, value: object) -> bytes:
        """Bytes of a model instance.

        Raises:
            EncodeError: No model instance, or an attribute that has no representation.
        """
        try:
            if isinstance(value, Message):
                return value.SerializeToString(deterministic=True)
            if is_native(type(value)):
                return self._bodies.write(value)
        except Fault as fault:
            raise EncodeError(f"cannot encode {fault.path('the value')}: {fault.reason}") from fault
        except (ProtobufEncodeError, ValueError) as error:
            raise EncodeError(f"cannot encode {type(value).__name__}: {error}") from error
        raise EncodeError(
            f"a {type(value).__name__} is no model; give a message, a dataclass or a struct"
        )

    def unmarshal(self, data: bytes, model: type[T]) -> T:
        """Instance of ``model`` from bytes.

        Raises:
            DecodeError: The bytes do not fit the model; names the attribute where it is known.
        """
        try:
            if issubclass(model, Message):
                return cast("T", model.FromString(data))
            return cast("T", self._bodies.read(model, data))
        except (Fault, ProtobufDecodeError) as error:
            raise DecodeError(f"cannot decode {model.__name__}: {error}") from error
