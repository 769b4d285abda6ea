# SPDX-License-Identifier: Apache-2.0
"""What the handlers of this package have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from l8types.errors import ClosedError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic

__all__ = ["active", "items_of"]

M = TypeVar("M")


def active(vnic: VNic | None, service: str) -> VNic:
    """The interface of an active handler.

    Raises:
        ClosedError: The handler is not active.
    """
    if vnic is None:
        raise ClosedError(f"service {service!r} is not active on this node")
    return vnic


def items_of(elements: Elements, model: type[M], listing: type | None = None) -> Iterator[M]:
    """The items of a request, one by one, those in list messages included.

    Args:
        elements: The request.
        model: Class of the items.
        listing: Class of the message that lists them.

    Raises:
        InvalidInputError: The request holds something else.
    """
    for value in elements.values:
        if isinstance(value, model):
            yield value
        elif listing is not None and isinstance(value, listing):
            yield from value.list  # type: ignore[attr-defined]
        else:
            raise InvalidInputError(
                f"the request holds a {type(value).__name__}, expected {model.__name__}"
            )
