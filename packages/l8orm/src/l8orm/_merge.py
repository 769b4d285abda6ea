# SPDX-License-Identifier: Apache-2.0
"""What a PATCH means: an item and what is present of another one, put together.

In the new item a value that is absent, or zero where the model cannot tell the two apart, leaves
the old one. Single nested models are merged, lists by position, maps by key; what is in a list or
map is there on purpose, so zero counts there. Attributes declared as always full are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from l8orm._presence import is_present, present_value
from l8types.enums import Container, DecoratorType, Kind, Presence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.models import ModelNode

__all__ = ["merged"]

T = TypeVar("T")
_Paths = frozenset[str]


def merged(node: ModelNode, old: T, new: T, whole: _Paths = frozenset()) -> T:
    """A new instance: ``old`` with what is present in ``new``; neither is modified.

    Args:
        node: The model.
        old: State before.
        new: What is to change.
        whole: Lower-case paths below that are replaced as a whole.
    """
    declared = node.decorators.get(DecoratorType.ALWAYS_FULL, ())
    whole |= frozenset(name.lower() for name in declared)
    kept: dict[str, object] = {}
    changed: dict[str, object] = {}
    for name, child in node.attributes.items():
        if not _is_given(new, child):
            if is_present(old, child):
                kept[child.attribute] = getattr(old, child.attribute)
            elif child.presence is Presence.NONE:
                kept[child.attribute] = None
        elif name in whole:
            changed[child.attribute] = getattr(new, child.attribute)
        else:
            below = frozenset(
                path.removeprefix(f"{name}.") for path in whole if path.startswith(f"{name}.")
            )
            changed[child.attribute] = _attribute(child, old, new, below)
    assert node.model is not None  # noqa: S101 - only models are merged
    # Of a group of which one member is there at a time, the last one given to protobuf stays.
    return cast("T", node.model(**kept, **changed))


def _is_given(new: Any, node: ModelNode) -> bool:  # noqa: ANN401 - any model
    value = present_value(new, node)
    if value is None:
        return False
    if node.container is not Container.SINGLE:
        return len(value) > 0
    return node.kind is Kind.MESSAGE or node.presence is not Presence.ALWAYS or bool(value)


def _attribute(node: ModelNode, old: Any, new: Any, whole: _Paths) -> object:  # noqa: ANN401
    before, after = present_value(old, node), present_value(new, node)
    if before is None or (node.kind is not Kind.MESSAGE and node.container is Container.SINGLE):
        return after
    if node.container is Container.SINGLE:
        return merged(node, before, after, whole)
    if node.container is Container.MAP:
        return _map(node, before, after, whole)
    both = [_entry(node, b, a, whole) for b, a in zip(before, after, strict=False)]
    longer = before if len(before) > len(after) else after
    return [*both, *longer[len(both) :]]


def _map(
    node: ModelNode, before: Mapping[Any, Any], after: Mapping[Any, Any], whole: _Paths
) -> dict[object, object]:
    result: dict[object, object] = {key: before[key] for key in before}
    for key in after:
        value = after[key]
        result[key] = _entry(node, before[key], value, whole) if key in before else value
    return result


def _entry(node: ModelNode, before: object, after: object, whole: _Paths) -> object:
    return merged(node, before, after, whole) if node.kind is Kind.MESSAGE else after
