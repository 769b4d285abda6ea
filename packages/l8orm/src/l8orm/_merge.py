# SPDX-License-Identifier: Apache-2.0
"""What a PATCH means: an item and what is present of another one, put together.

In the new item a value that is absent, or zero where the model cannot tell the two apart, leaves
the old one. Single nested models are merged, lists by position, maps by key; what is in a list or
map is there on purpose, so zero counts there. Attributes declared as always full are replaced, and
so are those that a mask names, whatever they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from l8orm._presence import is_present, present_value
from l8types.enums import Container, DecoratorType, Kind, Presence
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from l8types.protocols.models import ModelNode

__all__ = ["mask_of", "merged"]

T = TypeVar("T")
_Paths = frozenset[str]


def mask_of(node: ModelNode, names: Iterable[str]) -> _Paths:
    """Paths of a model that a caller names, in lower case.

    Raises:
        InvalidInputError: There is no such attribute, or it is within a list or map.
    """
    found = set[str]()
    for name in names:
        at, steps = node, name.lower().split(".")
        for number, step in enumerate(steps):
            below = at.attributes.get(step)
            if below is None or (number and at.container is not Container.SINGLE):
                raise InvalidInputError(
                    f"the mask names {name!r}, which is no attribute of {node.type_name}; "
                    "name attributes of it and of its single nested models"
                )
            at = below
        found.add(".".join(steps))
    return frozenset(found)


def merged(
    node: ModelNode, old: T, new: T, whole: _Paths = frozenset(), mask: _Paths = frozenset()
) -> T:
    """A new instance: ``old`` with what is present in ``new``; neither is modified.

    Args:
        node: The model.
        old: State before.
        new: What is to change.
        whole: Lower-case paths below that are replaced as a whole.
        mask: Lower-case paths below that are taken from ``new`` as they are, be it zero, empty or
            absent.
    """
    declared = node.decorators.get(DecoratorType.ALWAYS_FULL, ())
    whole |= frozenset(name.lower() for name in declared)
    kept: dict[str, object] = {}
    changed: dict[str, object] = {}
    for name, child in node.attributes.items():
        if name in mask:
            if is_present(new, child):
                changed[child.attribute] = getattr(new, child.attribute)
            elif child.presence is Presence.NONE:
                changed[child.attribute] = None
        elif not _is_given(new, child):
            if is_present(old, child):
                kept[child.attribute] = getattr(old, child.attribute)
            elif child.presence is Presence.NONE:
                kept[child.attribute] = None
        elif name in whole:
            changed[child.attribute] = getattr(new, child.attribute)
        else:
            changed[child.attribute] = _attribute(
                child, old, new, _below(name, whole), _below(name, mask)
            )
    assert node.model is not None  # noqa: S101 - only models are merged
    # Of a group of which one member is there at a time, the last one given to protobuf stays.
    return cast("T", node.model(**kept, **changed))


def _below(name: str, paths: _Paths) -> _Paths:
    return frozenset(path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}."))


def _is_given(new: Any, node: ModelNode) -> bool:  # noqa: ANN401 - any model
    value = present_value(new, node)
    if value is None:
        return False
    if node.container is not Container.SINGLE:
        return len(value) > 0
    return node.kind is Kind.MESSAGE or node.presence is not Presence.ALWAYS or bool(value)


def _attribute(
    node: ModelNode,
    old: Any,  # noqa: ANN401 - any model
    new: Any,  # noqa: ANN401 - any model
    whole: _Paths,
    mask: _Paths,
) -> object:
    before, after = present_value(old, node), present_value(new, node)
    if before is None or (node.kind is not Kind.MESSAGE and node.container is Container.SINGLE):
        return after
    if node.container is Container.SINGLE:
        return merged(node, before, after, whole, mask)
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
