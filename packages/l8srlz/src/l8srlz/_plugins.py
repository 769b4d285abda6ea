# SPDX-License-Identifier: Apache-2.0
"""What the entry points of this package name: one factory per interface."""

from l8srlz._binary import BinarySerializer
from l8srlz._by_type import SerializerByType
from l8srlz._codec import ObjectCodec
from l8srlz._factory import ElementsFactory
from l8srlz._json import JsonSerializer
from l8types.enums import SerializerMode, WireProfile
from l8types.protocols import data, models
from l8types.protocols.runtime import Resources


def _codec(resources: Resources, *, deterministic: bool) -> ObjectCodec:
    go_compatible = resources.settings.profile is WireProfile.GO
    return ObjectCodec(resources.registry, go_compatible=go_compatible, deterministic=deterministic)


def create_codec(resources: Resources) -> data.ObjectCodec:
    """Codec over the node's registry; Go-compatible in a network of the ``go`` profile.

    Equal messages have equal bytes: what it writes is also kept, compared and hashed.
    """
    return _codec(resources, deterministic=True)


def create_elements(resources: Resources) -> data.ElementsFactory:
    """Factory of containers over the node's registry; Go-compatible in the ``go`` profile.

    It brings its own codec: the format of a container is made of that of its values. Containers are
    sent and read, never compared, so that their messages need no order.
    """
    return ElementsFactory(_codec(resources, deterministic=False))


def create_binary_serializer(_resources: Resources) -> models.Serializer:
    """Serializer of the mode BINARY, in which types may have a form of their own."""
    return SerializerByType(SerializerMode.BINARY, BinarySerializer())


def create_json_serializer(_resources: Resources) -> models.Serializer:
    """Serializer of the mode JSON, in which types may have a form of their own."""
    return SerializerByType(SerializerMode.JSON, JsonSerializer())


def create_text_serializer(_resources: Resources) -> models.Serializer:
    """Serializer of the mode STRING; only types that are given a form have one."""
    return SerializerByType(SerializerMode.STRING)
