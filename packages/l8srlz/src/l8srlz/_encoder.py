# SPDX-License-Identifier: Apache-2.0
"""Values to bytes.

Layout of a value: its kind (4 bytes, big-endian, as all numbers here), then

    number, bool          its bytes: 1, 4 or 8
    string                length | UTF-8
    bytes                 length | 01 | the bytes
    list                  count | 00 | values
    map                   count | key value key value …
    message               length of payload | length of name | name | payload (protobuf)
    native model          length of payload | length of name | name | payload (MessagePack)

An empty list, map or byte string and ``None`` have the count or length -1 and nothing behind it; a
message without any set attribute has the length -2 and no payload.
"""

import enum
import struct
from collections.abc import Callable, Mapping, Sequence
from operator import methodcaller
from types import NoneType
from typing import Any, Final

from google.protobuf.message import EncodeError as ProtobufError
from google.protobuf.message import Message

from l8srlz import _wire as wire
from l8srlz._faults import Fault, shown
from l8srlz._names import message_name
from l8srlz._native import NativeBodies, is_native
from l8srlz._scalars import SIZED
from l8types.enums import Kind
from l8types.errors import NotFoundError
from l8types.protocols.models import Registry

Writer = Callable[[bytearray, Any, int], None]
"""Appends a value of the type that it was chosen for, at a depth."""
Whole = Callable[[Any], bytes]
"""Gives the bytes of a model instance."""
Head = tuple[Callable[..., bytes], bytes]
"""Packs kind, length of the payload and name; the name with its length before it."""

# What every model needs is bound here: a look-up in a class or module costs as much as a call.
_serialize_in_order: Final = methodcaller("SerializeToString", deterministic=True)
_MESSAGE: Final = int(Kind.MESSAGE)
_EMPTY: Final = wire.EMPTY

_HINT: Final = "convert it to a number, text, bytes, list, dict or model first"
_MAX_INT64: Final = 2**63 - 1
_FLOATS: Final = (Kind.FLOAT32, Kind.FLOAT64)
_KIND_OF_NUMBER: Final[dict[type, Kind]] = {int: Kind.INT, float: Kind.FLOAT64, **SIZED}
_TEXTS: Final = (str, bytes, bytearray, memoryview)
"""Sequences that are one value each, not a list."""


class Encoder:
    """Appends values to a buffer; holds no state of a single encoding, so it can be shared."""

    __slots__ = (
        "_deterministic",
        "_go_compatible",
        "_info_of",
        "_max_depth",
        "_names",
        "_writers",
        "wholes",
    )

    wholes: dict[type, Whole]
    """Writers of models that were met: mostly a value is one model, which needs no buffer."""

    def __init__(
        self, registry: Registry, *, max_depth: int, go_compatible: bool, deterministic: bool
    ) -> None:
        self._info_of = registry.info_of
        self._deterministic = deterministic
        self._max_depth = max_depth
        self._go_compatible = go_compatible
        self._names: dict[str, Head] = {}
        self.wholes = {}
        self._writers: dict[type, Writer] = {
            NoneType: _write_none,
            bool: _write_bool,
            int: _write_int,
            float: _writer_of_number(Kind.FLOAT64),
            str: _write_str,
            bytes: _write_bytes,
            list: self._write_list,
            tuple: self._write_list,
            dict: self._write_map,
        }
        self._writers |= {sized: _writer_of_number(kind) for sized, kind in SIZED.items()}

    def write(self, out: bytearray, value: object, depth: int = 0) -> None:
        """Append a value of any supported type.

        Raises:
            Fault: The value, or one in it, cannot be represented; ``out`` is then of no use.
        """
        model = type(value)
        writer = self._writers.get(model)
        if writer is None:
            writer = self._writers[model] = self._choose(model)
        writer(out, value, depth)

    def write_as(
        self, out: bytearray, value: object, kind: Kind, key_kind: Kind | None = None
    ) -> None:
        """Append a value of a declared kind; for a list or map it is the kind of each item.

        Raises:
            Fault: The value does not fit the kind.
        """
        if isinstance(value, Mapping):
            _write_head(out, Kind.MAP, len(value))
            for key, item in value.items():
                try:
                    self._write_single(out, key, key_kind)
                    self._write_single(out, item, kind if kind is not Kind.MAP else None)
                except Fault as fault:
                    raise fault.within(f"[{shown(key)}]") from None
        elif isinstance(value, Sequence) and not isinstance(value, _TEXTS):
            self._write_list_as(out, value, kind)
        else:
            self._write_single(out, value, kind)

    def _write_list_as(self, out: bytearray, value: Sequence[object], kind: Kind) -> None:
        _write_head(out, Kind.LIST, len(value))
        if not value:
            return
        out.append(wire.FLAG_VALUES)
        if kind in wire.NUMBERS and _write_packed(out, value, kind):
            return
        for index, item in enumerate(value):
            try:
                self._write_single(out, item, kind if kind is not Kind.LIST else None)
            except Fault as fault:
                raise fault.within(f"[{index}]") from None

    def _write_single(self, out: bytearray, value: object, kind: Kind | None) -> None:
        if value is None and kind in (Kind.LIST, Kind.MAP):
            out += wire.NIL_LIST if kind is Kind.LIST else wire.NIL_MAP
        elif value is None or kind is None:
            self.write(out, value, 1)
        elif kind in wire.NUMBERS:
            _NUMBER_WRITERS[kind](out, _number(value, kind), 0)
        elif _fits(value, kind):
            self.write(out, value, 1)
        else:
            raise Fault(f"{shown(value)} is no {kind.name.lower()}")

    def _write_list(self, out: bytearray, items: Sequence[object], depth: int) -> None:
        if depth >= self._max_depth:
            raise Fault(f"nested deeper than {self._max_depth} levels")
        _write_head(out, Kind.LIST, len(items))
        if not items:
            return
        out.append(wire.FLAG_VALUES)
        index = 0
        try:
            if _write_packed(out, items, None):
                return
            for index, item in enumerate(items):  # noqa: B007 - the handler tells where it was
                self.write(out, item, depth + 1)
        except Fault as fault:
            raise fault.within(f"[{index}]") from None

    def _write_map(self, out: bytearray, items: Mapping[object, object], depth: int) -> None:
        if depth >= self._max_depth:
            raise Fault(f"nested deeper than {self._max_depth} levels")
        _write_head(out, Kind.MAP, len(items))
        key: object = None
        try:
            for key, item in items.items():
                self.write(out, key, depth + 1)
                self.write(out, item, depth + 1)
        except Fault as fault:
            raise fault.within(f"[{shown(key)}]") from None

    def _whole_message(self, model: type[Message]) -> Whole:
        """Writer of the messages of one class.

        What it needs are variables of this function, and it calls as little as it can: it runs for
        every item that is sent, and protobuf itself takes but two microseconds for a big one.
        """
        info_of, names, add_name = self._info_of, self._names, self._name
        own_name = message_name(model.DESCRIPTOR)
        serialize: Whole = _serialize_in_order if self._deterministic else model.SerializeToString

        def write(message: Message) -> bytes:
            try:
                payload = serialize(message)
            except (ProtobufError, ValueError) as error:
                raise Fault(f"not a complete {type(message).__name__}: {error}") from error
            try:
                name = info_of(message).name
            except NotFoundError:
                name = own_name
            try:
                pack, named = names[name]
            except KeyError:
                pack, named = add_name(name)
            return pack(_MESSAGE, len(payload) or _EMPTY, named) + payload

        return write

    def _native(self, value: object) -> bytes:
        try:
            name = self._info_of(value).name
        except NotFoundError as error:
            model = type(value).__name__
            raise Fault(f"type {model} is not registered; register it on every node") from error
        payload = NativeBodies.write(value)
        pack, named = self._names.get(name) or self._name(name)
        return pack(wire.NATIVE_MODEL, len(payload), named) + payload

    def _name(self, name: str) -> Head:
        """What writes the head of a model whose name is met for the first time."""
        named = wire.name_bytes(name)
        made = self._names[name] = struct.Struct(f">ii{len(named)}s").pack, named
        return made

    def _writer_of_model(self, model: type, whole: Whole) -> Writer:
        self.wholes[model] = whole

        def write(out: bytearray, value: object, _depth: int) -> None:
            out += whole(value)

        return write

    def _choose(self, model: type) -> Writer:
        """Writer of a class that is met for the first time."""
        if issubclass(model, Message):
            return self._writer_of_model(model, self._whole_message(model))
        if is_native(model):
            if self._go_compatible:
                return _refuse_native
            return self._writer_of_model(model, self._native)
        # Go writes an enumeration as the 32 bit integer that it is based on.
        if issubclass(model, enum.IntEnum):
            return _writer_of_number(Kind.INT32)
        for base, writer in (
            (int, _write_int),
            (float, _writer_of_number(Kind.FLOAT64)),
            (str, _write_str),
            (bytes | bytearray | memoryview, _write_bytes),
            (Sequence, self._write_list),
            (Mapping, self._write_map),
        ):
            if issubclass(model, base):
                return writer
        return _refuse


def model_bytes(kind: int, length: int, name: str, payload: bytes) -> bytes:
    """A model of any kind: both lengths come before the name and the payload."""
    return wire.HEAD.pack(kind, length) + wire.name_bytes(name) + payload


def _write_head(out: bytearray, kind: Kind, count: int) -> None:
    out += wire.HEAD.pack(kind, count or wire.NIL)


def _write_packed(out: bytearray, items: Sequence[object], kind: Kind | None) -> bool:
    """Append a list of numbers of one type in one go; false, and nothing done, for others.

    Without a declared kind it follows from the type.
    """
    types = set(map(type, items))
    plain = next(iter(types))
    natural = _KIND_OF_NUMBER.get(plain)
    if len(types) > 1 or natural is None:
        return False
    if kind is None:
        kind = natural
    elif issubclass(plain, float) and kind not in _FLOATS:
        return False
    pack = wire.NUMBERS[kind].pack
    try:
        out += b"".join([pack(kind, item) for item in items])
    except (struct.error, OverflowError):
        # The slow way handles integers above the signed range, and tells which one is at fault.
        return False
    return True


def _write_none(out: bytearray, _value: object, _depth: int) -> None:
    out += wire.NIL_VALUE


def _write_bool(out: bytearray, value: bool, _depth: int) -> None:
    out += wire.BOOLS[value]


def _writer_of_number(kind: Kind) -> Writer:
    pack = wire.NUMBERS[kind].pack
    name = kind.name.lower()

    def write(out: bytearray, value: float, _depth: int) -> None:
        try:
            out += pack(kind, value)
        except (struct.error, OverflowError) as error:
            raise Fault(f"{shown(value)} does not fit {name}") from error

    return write


_NUMBER_WRITERS: Final = {kind: _writer_of_number(kind) for kind in wire.NUMBERS}


def _write_int(out: bytearray, value: int, depth: int) -> None:
    # Above the signed range only the unsigned one is left.
    kind = Kind.INT if value <= _MAX_INT64 else Kind.UINT64
    try:
        _NUMBER_WRITERS[kind](out, value, depth)
    except Fault as fault:
        raise Fault(f"{shown(value)} does not fit 64 bits") from fault


def _write_str(out: bytearray, text: str, _depth: int) -> None:
    try:
        body = text.encode()
    except UnicodeEncodeError:
        try:
            # Texts of Go peers may hold bytes that are no UTF-8; they go back as they came.
            body = text.encode(errors="surrogateescape")
        except UnicodeEncodeError as error:
            raise Fault(f"{shown(text)} holds half of a surrogate pair") from error
    out += wire.HEAD.pack(Kind.STRING, len(body))
    out += body


def _write_bytes(out: bytearray, value: bytes | bytearray | memoryview, _depth: int) -> None:
    body = bytes(value)
    if not body:
        out += wire.NIL_LIST
        return
    out += wire.HEAD.pack(Kind.LIST, len(body))
    out.append(wire.FLAG_BYTES)
    out += body


def _refuse(_out: bytearray, value: object, _depth: int) -> None:
    raise Fault(f"a {type(value).__name__} has no kind on the wire; {_HINT}")


def _refuse_native(_out: bytearray, value: object, _depth: int) -> None:
    raise Fault(
        f"{type(value).__name__} is no protobuf message, and a Go network carries no other model; "
        "define it in a .proto file"
    )


def _number(value: object, kind: Kind) -> int | float:
    """A value as the number of a kind: an integer serves as a float, but not the reverse."""
    floating = kind in _FLOATS
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if floating and isinstance(value, float):
        return value
    raise Fault(f"{shown(value)} is no {kind.name.lower()}")


def _fits(value: object, kind: Kind) -> bool:
    """Whether a value that is no number is of a kind; a byte string has the kind of a list."""
    match kind:
        case Kind.BOOL:
            return isinstance(value, bool)
        case Kind.STRING:
            return isinstance(value, str)
        case Kind.MESSAGE:
            return isinstance(value, Message) or is_native(type(value))
        case Kind.LIST:
            return isinstance(value, Sequence | memoryview) and not isinstance(value, str)
        case _:
            return isinstance(value, Mapping)
