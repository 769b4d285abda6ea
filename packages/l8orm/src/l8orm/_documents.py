# SPDX-License-Identifier: Apache-2.0
"""Values that have no columns of their own as JSON: scalar lists and maps, and recursive models.

JSON has no bytes, no NaN and no keys but texts, so these are written as texts and read back by the
kind that the model declares. Numbers stay exact: Python writes and reads them digit by digit.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

from l8orm._enums import member_of
from l8orm._kinds import FLOATS, RANGES, Misfit, unwrapped, value_type
from l8orm._presence import is_present
from l8types.enums import Container, Kind, Presence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.models import ModelNode

__all__ = ["from_document", "to_document"]

Raw = Any
"""A live value of a model, or of a JSON document."""


def to_document(value: Raw, node: ModelNode) -> object:
    """JSON form of the value of an attribute, collections included.

    Raises:
        Misfit: A value is not what the model declares.
    """
    if node.container is Container.LIST:
        return [_to_element(entry, node) for entry in _checked(value, list, node)]
    if node.container is Container.MAP:
        entries = _checked(value, dict, node)
        return {_key_text(key, node): _to_element(entries[key], node) for key in entries}
    return _to_element(value, node)


def from_document(document: Raw, node: ModelNode) -> object:
    """The value of a JSON form."""
    if node.container is Container.LIST:
        return [_from_element(entry, node) for entry in document]
    if node.container is Container.MAP:
        return {_key_of(text, node): _from_element(entry, node) for text, entry in document.items()}
    return _from_element(document, node)


def _checked(value: Raw, wanted: type, node: ModelNode) -> Raw:
    is_map = hasattr(value, "keys")
    if isinstance(value, str | bytes) or not hasattr(value, "__getitem__"):
        raise Misfit(f"{type(value).__name__} is no {node.container.value}")
    if is_map is not (wanted is dict):
        raise Misfit(f"{type(value).__name__} is no {node.container.value}")
    return value


def _key_text(key: object, node: ModelNode) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int) and node.key_kind in RANGES:
        return str(int(key))
    if isinstance(key, str) and node.key_kind is Kind.STRING:
        return str.__str__(key)
    raise Misfit(f"{type(key).__name__} is no key of this map")


def _key_of(text: str, node: ModelNode) -> object:
    if node.key_kind is Kind.BOOL:
        return text == "true"
    key = text if node.key_kind is Kind.STRING else int(text)
    return key if node.key_enum_class is None else member_of(node.key_enum_class)(key, key)


def _to_element(value: Raw, node: ModelNode) -> object:
    if value is None:
        raise Misfit("it holds nothing where a value belongs")
    if node.kind is Kind.MESSAGE:
        return _to_object(value, node)
    return _to_scalar(value, node.kind)


def _to_scalar(value: Raw, kind: Kind) -> object:
    """A single value, by the rules of a column of its kind."""
    encoded: Any = value_type(kind, sqlite=kind not in FLOATS).encode(value)
    if kind is Kind.UINT8:
        return base64.b64encode(encoded).decode("ascii")
    if kind is Kind.UINT64:
        return unwrapped(encoded)
    return str(encoded) if kind in FLOATS and not math.isfinite(encoded) else encoded


def _from_element(document: Raw, node: ModelNode) -> object:
    if node.kind is Kind.MESSAGE:
        return _from_object(document, node)
    if node.kind is Kind.UINT8:
        return base64.b64decode(document)
    if node.enum_class is not None:
        return member_of(node.enum_class)(document, document)
    return float(document) if node.kind in FLOATS else document


def _to_object(value: Raw, node: ModelNode) -> dict[str, object]:
    if node.model is None or not isinstance(value, node.model):
        raise Misfit(f"{type(value).__name__} is no {node.type_name}")
    return {
        name: to_document(getattr(value, child.attribute), child)
        for name, child in node.attributes.items()
        if is_present(value, child)
    }


def _from_object(document: Mapping[str, Raw], node: ModelNode) -> object:
    attributes: dict[str, object] = {}
    for name, child in node.attributes.items():
        if name in document:
            attributes[child.attribute] = from_document(document[name], child)
        elif child.presence is Presence.NONE:
            attributes[child.attribute] = None
    assert node.model is not None  # noqa: S101 - the kind says so
    return node.model(**attributes)
