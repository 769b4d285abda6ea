# SPDX-License-Identifier: Apache-2.0
"""Whom a message is for, as it stands in the header of both wire profiles."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from l8types.constants import DESTINATION_SINGLE, UUID_LENGTH
from l8types.enums import MulticastMode
from l8types.errors import InvalidInputError

__all__ = ["ANY", "NOBODY", "Address", "address_of", "node_at"]

ANY: Final = DESTINATION_SINGLE.encode()
"""Destination of what goes to one of many."""
NOBODY: Final = bytes(UUID_LENGTH)
"""Destination of what goes to all, as the mode says."""


Address = tuple[bytes, MulticastMode]
"""Destination in wire form, and the mode that decides when it names nobody."""


def address_of(target: str | MulticastMode, *, one: bool) -> Address:
    """Destination and mode in wire form.

    Args:
        target: Node id, or the rule by which the network picks.
        one: Whether exactly one receiver is wanted, as for a request.

    Raises:
        InvalidInputError: Not a node id.
    """
    if isinstance(target, MulticastMode):
        if target is MulticastMode.UNICAST:
            raise InvalidInputError("mode UNICAST needs a node id as the target")
        return (ANY if one else NOBODY), target
    if not target:
        return ANY, MulticastMode.ROUND_ROBIN
    return _destination(target), MulticastMode.ALL


@lru_cache(maxsize=4096)
def _destination(node: str) -> bytes:
    if len(node) != UUID_LENGTH or not node.isascii() or "\0" in node:
        raise InvalidInputError(f"target {node!r} is no node id of {UUID_LENGTH} characters")
    return node.encode()


def node_at(destination: bytes) -> str:
    """Id of the node that a destination names, "" when it names none."""
    return "" if destination in {ANY, NOBODY} else destination.decode()
