# SPDX-License-Identifier: Apache-2.0
"""The values of a container as one list message, such as ``BookList`` for ``Book``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf.message import Message

from l8srlz._names import message_name
from l8types.errors import InvalidInputError, NotFoundError
from l8types.naming import list_type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor import Descriptor

    from l8types.pb import L8MetaData
    from l8types.protocols.models import Registry

_ITEMS: Final = "list"
_METADATA: Final = "metadata"


def list_of(
    registry: Registry, values: Sequence[object], metadata: L8MetaData, model: type | None
) -> object:
    """Make the list of some values.

    Raises:
        InvalidInputError: Nothing says of what type the list is, values are of several types, or
            the type has no list; tells what to do.
    """
    model = _model_of(values, model)
    name = list_type_name(_name_of(registry, model))
    try:
        found = registry.info(name).model
    except NotFoundError as error:
        raise InvalidInputError(
            f"type {name!r} is not registered; define it with the attributes 'list' and 'metadata' "
            f"and register it to return several {model.__name__}"
        ) from error
    if issubclass(found, Message):
        return _message(found, values, metadata)
    return _native(found, values, metadata)


def _model_of(values: Sequence[object], model: type | None) -> type:
    if model is None:
        if not values:
            raise InvalidInputError("an empty container is of no type; name the model of its list")
        model = type(values[0])
    for index, value in enumerate(values):
        if type(value) is not model:
            raise InvalidInputError(
                f"entry {index} is a {type(value).__name__} in a list of {model.__name__}; "
                "a list holds one type"
            )
    return model


def _name_of(registry: Registry, model: type) -> str:
    try:
        return registry.info_of(model).name
    except NotFoundError:
        if issubclass(model, Message):
            return message_name(cast("Descriptor", model.DESCRIPTOR))
        return model.__name__


def _message(model: type[Message], values: Sequence[object], metadata: L8MetaData) -> Message:
    # The attributes are found by convention; which they are is only known at run time.
    made: Any = model()
    fields = cast("Descriptor", model.DESCRIPTOR).fields_by_name
    if _ITEMS not in fields:
        raise InvalidInputError(f"{model.__name__} has no attribute {_ITEMS!r}; add it")
    try:
        getattr(made, _ITEMS).extend(values)
    except (TypeError, AttributeError) as error:
        raise InvalidInputError(f"{model.__name__} does not hold such items: {error}") from error
    if _METADATA in fields:
        getattr(made, _METADATA).CopyFrom(metadata)
    return cast("Message", made)


def _native(model: type, values: Sequence[object], metadata: L8MetaData) -> object:
    hints = {name for base in model.__mro__ for name in getattr(base, "__annotations__", ())}
    known = {_ITEMS: list(values), _METADATA: metadata}
    try:
        made: object = model(**{name: value for name, value in known.items() if name in hints})
    except TypeError as error:
        raise InvalidInputError(f"a {model.__name__} cannot be made of a list: {error}") from error
    return made
