# SPDX-License-Identifier: Apache-2.0
"""JSON objects to protobuf messages, compiled once per message type.

Attributes may be given by their ``lowerCamelCase`` name or as declared in the ``.proto`` file, each
once; ``null`` leaves an attribute out. An unknown name is an error that says where it was found.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from l8srlz._descriptors import DYNAMIC, TEXTS, WRAPPERS, descriptor_of, message_type
from l8srlz._faults import Fault, shown
from l8srlz._json_scalars import exact_type, key_parser_of, parser_of

Fill = Callable[[object, Any, int], None]
"""Puts a JSON value into a message, at a depth."""

MAX_DEPTH: Final = 100
"""Messages within each other; the protobuf runtime reads no more from bytes either."""

_VALUE: Final = "google.protobuf.Value"


class _Field(NamedTuple):
    """What is known of one name in a JSON object."""

    fill: Fill
    guard: tuple[str | None, str] | None
    """The other name of the attribute, if this is the declared one and differs, and the group of
    which only one attribute may be set, "" without. ``None`` when there is neither."""
    takes_null: bool
    """Whether ``null`` is a value of it rather than its absence."""


class MessageReader:
    """Fills messages from decoded JSON; keeps one compiled form per type."""

    __slots__ = ("_compiled",)

    def __init__(self) -> None:
        self._compiled: dict[Descriptor, Fill] = {}

    def read(self, value: object, message: Message) -> None:
        """Fill an empty message.

        Raises:
            Fault: The value does not fit; tells the path.
        """
        self._filler(descriptor_of(message))(value, message, 1)

    def _filler(self, descriptor: Descriptor) -> Fill:
        fill = self._compiled.get(descriptor)
        if fill is None:
            fill = self._compiled[descriptor] = self._compile(descriptor)
        return fill

    def _compile(self, descriptor: Descriptor) -> Fill:
        name = descriptor.full_name
        if name in TEXTS:
            return _fill_text
        if name in WRAPPERS:
            return _setter("value", descriptor.fields_by_name["value"])
        if name in DYNAMIC:
            return _fill_dynamic
        return self._compile_fields(descriptor)

    def _compile_fields(self, descriptor: Descriptor) -> Fill:
        fields: dict[str, _Field] = {}

        def fill(value: object, message: Message, depth: int) -> None:
            items = _object(value)
            if depth > MAX_DEPTH:
                raise Fault(f"nested deeper than {MAX_DEPTH} levels")
            used: set[str] = set()
            for name, item in items.items():
                if name not in fields:
                    raise Fault(f"{descriptor.name} has no such attribute", f".{name[:80]}")
                fill_field, guard, takes_null = fields[name]
                try:
                    if item is None and not takes_null:
                        continue
                    if guard is not None:
                        _check(guard, items, used)
                    fill_field(item, message, depth)
                except Fault as fault:
                    raise fault.within(f".{name}") from None
                except ValueError as error:
                    raise Fault(str(error), f".{name}") from error

        # Before the attributes: a message may hold messages of its own type.
        self._compiled[descriptor] = fill
        for field in descriptor.fields:
            fields[field.name] = self._field(field, twin=field.json_name)
            fields[field.json_name] = self._field(field, twin=None)
        return fill

    def _field(self, field: FieldDescriptor, twin: str | None) -> _Field:
        kind = field.message_type
        oneof = field.containing_oneof.name if field.containing_oneof is not None else ""
        twin = None if twin == field.name else twin
        takes_null = kind is not None and kind.full_name == _VALUE and not field.is_repeated
        if kind is None:
            fill = _extender(field) if field.is_repeated else _setter(field.name, field)
        elif kind.GetOptions().map_entry:
            fill = self._map(field)
        elif field.is_repeated:
            fill = self._messages(field)
        else:
            fill = self._message(field)
        return _Field(fill, (twin, oneof) if twin or oneof else None, takes_null)

    def _message(self, field: FieldDescriptor) -> Fill:
        name, fill_part = field.name, self._filler(message_type(field))

        def fill(value: object, message: Message, depth: int) -> None:
            part: Message = getattr(message, name)
            part.SetInParent()
            fill_part(value, part, depth + 1)

        return fill

    def _messages(self, field: FieldDescriptor) -> Fill:
        name, fill_item = field.name, self._filler(message_type(field))

        def fill(value: object, message: Message, depth: int) -> None:
            add = getattr(message, name).add
            for index, item in enumerate(_list(value)):
                try:
                    fill_item(item, add(), depth + 1)
                except Fault as fault:
                    raise fault.within(f"[{index}]") from None

        return fill

    def _map(self, field: FieldDescriptor) -> Fill:
        name = field.name
        entry = message_type(field)
        parse_key = key_parser_of(entry.fields_by_name["key"])
        value_field = entry.fields_by_name["value"]
        put = _put_scalar(value_field)
        if value_field.message_type is not None:
            put = self._put_message(value_field.message_type)

        def fill(value: object, message: Message, depth: int) -> None:
            target = getattr(message, name)
            for key, item in _object(value).items():
                try:
                    put(target, parse_key(key), item, depth)
                except Fault as fault:
                    raise fault.within(f"[{shown(key)}]") from None

        return fill

    def _put_message(self, descriptor: Descriptor) -> Callable[[Any, object, object, int], None]:
        fill_item = self._filler(descriptor)

        def put(target: Any, key: object, item: object, depth: int) -> None:  # noqa: ANN401
            fill_item(item, target[key], depth + 1)

        return put


def _put_scalar(field: FieldDescriptor) -> Callable[[Any, object, object, int], None]:
    parse = parser_of(field)

    def put(target: Any, key: object, item: object, _depth: int) -> None:  # noqa: ANN401
        target[key] = parse(item)

    return put


def _check(guard: tuple[str | None, str], items: dict[str, object], used: set[str]) -> None:
    twin, oneof = guard
    if twin in items:
        raise Fault(f"the attribute is there as {twin} as well")
    if oneof in used:
        raise Fault(f"only one attribute of {oneof} can be set")
    if oneof:
        used.add(oneof)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Fault(f"{shown(value)} is no object")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Fault(f"{shown(value)} is no list")
    return value


def _setter(name: str, field: FieldDescriptor) -> Fill:
    parse, exact = parser_of(field), exact_type(field)

    def fill(value: object, message: Message, _depth: int) -> None:
        setattr(message, name, value if type(value) is exact else parse(value))

    return fill


def _extender(field: FieldDescriptor) -> Fill:
    name, parse, exact = field.name, parser_of(field), {exact_type(field)}

    def fill(value: object, message: Message, _depth: int) -> None:
        values = _list(value)
        target = getattr(message, name)
        if set(map(type, values)) == exact:
            try:
                target.extend(values)
            except ValueError:
                target.clear()
            else:
                return
        for index, item in enumerate(values):
            try:
                target.append(parse(item))
            except Fault as fault:
                raise fault.within(f"[{index}]") from None

    return fill


def _fill_text(value: object, message: Any, _depth: int) -> None:  # noqa: ANN401
    if not isinstance(value, str):
        raise Fault(f"{shown(value)} is no text")
    try:
        message.FromJsonString(value)
    except (ValueError, OverflowError) as error:
        raise Fault(str(error)) from error


def _fill_dynamic(value: Any, message: Message, _depth: int) -> None:  # noqa: ANN401
    try:
        json_format.ParseDict(value, message)
    except (json_format.Error, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Fault(f"no {message.DESCRIPTOR.name}: {error}") from error
