# SPDX-License-Identifier: Apache-2.0
"""Whether an instance holds an attribute, by the one rule that its node states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from l8types.enums import Presence

if TYPE_CHECKING:
    from l8types.protocols.models import ModelNode

__all__ = ["is_present", "present_value"]


def is_present(owner: Any, node: ModelNode) -> bool:  # noqa: ANN401 - any model
    """Whether the attribute is there; a zero value of an attribute without presence is."""
    if node.presence is Presence.HAS_FIELD:
        return bool(owner.HasField(node.attribute))
    return node.presence is Presence.ALWAYS or getattr(owner, node.attribute) is not None


def present_value(owner: Any, node: ModelNode) -> Any:  # noqa: ANN401 - any model
    """The value of the attribute, ``None`` when it is absent."""
    if node.presence is Presence.HAS_FIELD and not owner.HasField(node.attribute):
        return None
    return getattr(owner, node.attribute)
