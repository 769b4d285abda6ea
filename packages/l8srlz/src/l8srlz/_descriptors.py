# SPDX-License-Identifier: Apache-2.0
"""What both directions of the JSON mapping ask of protobuf descriptors."""

from typing import Final, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

WRAPPERS: Final = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
TEXTS: Final = frozenset(
    f"google.protobuf.{kind}" for kind in ("Duration", "FieldMask", "Timestamp")
)
"""Types that the runtime turns to text and back itself."""
DYNAMIC: Final = frozenset(
    f"google.protobuf.{kind}" for kind in ("Any", "ListValue", "Struct", "Value")
)
"""Types without a fixed form; rare enough to be left to the runtime's slow way."""


def descriptor_of(message: Message) -> Descriptor:
    """Descriptor of a message; the stubs know of two classes, which are alike."""
    return cast("Descriptor", message.DESCRIPTOR)


def message_type(field: FieldDescriptor) -> Descriptor:
    """Descriptor of the messages that an attribute holds, for one that holds messages."""
    return cast("Descriptor", field.message_type)
