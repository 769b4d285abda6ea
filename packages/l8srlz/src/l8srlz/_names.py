# SPDX-License-Identifier: Apache-2.0
"""The short name under which a model travels."""

from functools import lru_cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from l8types.errors import NotFoundError
from l8types.naming import go_name
from l8types.pb import L8MetaData, L8Query
from l8types.protocols.models import Registry

OWN_MESSAGES: dict[str, type[Message]] = {"L8MetaData": L8MetaData, "L8Query": L8Query}
"""Messages that every container may hold; they are understood without being registered."""


@lru_cache(maxsize=4096)
def message_name(descriptor: Descriptor) -> str:
    """Name that the Go code generator gives to a message: ``Outer_Inner`` for a nested one."""
    names = descriptor.full_name.removeprefix(descriptor.file.package).removeprefix(".").split(".")
    # A dot before a lower-case letter vanishes, any other becomes an underscore.
    joints = ("" if name[:1].islower() else "_" for name in names[1:])
    return go_name(names[0]) + "".join(
        joint + go_name(name) for joint, name in zip(joints, names[1:], strict=True)
    )


def model_of(registry: Registry, name: str) -> type:
    """Model of a short name.

    Raises:
        NotFoundError: It is not registered.
    """
    try:
        return registry.info(name).model
    except NotFoundError:
        if name in OWN_MESSAGES:
            return OWN_MESSAGES[name]
        raise
