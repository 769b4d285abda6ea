# SPDX-License-Identifier: Apache-2.0
"""Values to bytes and back: the object codec, the ``Elements`` container, and the serializers."""

from l8srlz._binary import BinarySerializer
from l8srlz._by_type import SerializerByType, TextForm
from l8srlz._codec import ObjectCodec
from l8srlz._elements import Elements
from l8srlz._factory import ElementsFactory
from l8srlz._json import JsonSerializer
from l8srlz._plugins import (
    create_binary_serializer,
    create_codec,
    create_elements,
    create_json_serializer,
    create_text_serializer,
)
from l8srlz._scalars import Float32, Int32, Int64, UInt8, UInt32, UInt64
from l8srlz._streams import ObjectReader, ObjectWriter
from l8srlz._wire import NATIVE_MODEL, Limits

__all__ = [
    "NATIVE_MODEL",
    "BinarySerializer",
    "Elements",
    "ElementsFactory",
    "Float32",
    "Int32",
    "Int64",
    "JsonSerializer",
    "Limits",
    "ObjectCodec",
    "ObjectReader",
    "ObjectWriter",
    "SerializerByType",
    "TextForm",
    "UInt8",
    "UInt32",
    "UInt64",
    "create_binary_serializer",
    "create_codec",
    "create_elements",
    "create_json_serializer",
    "create_text_serializer",
]
