# SPDX-License-Identifier: Apache-2.0
"""Typed text: values with their kinds, as in property ids, composite keys and stored columns.

``{5}-7`` is a 32-bit integer, ``{23,24}[a,b]`` a list of texts, ``{21,24,5}[a=1]`` a map. One level
is all that the prefix can tell, so lists and maps hold single values. Unlike the peers' code this
one writes correct UTF-8 inside lists and maps, reads back every text that it writes, and refuses
what it cannot read instead of guessing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError, InvalidInputError, NotFoundError
from l8utils._text_scalars import scalar_kind, scalar_text, scalar_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.protocols.models import Registry

NONE_PREFIX: Final = "{0}"
NULL_MESSAGE: Final = "<Nil>"

_STRUCT: Final = 25
"""Kind of a structure behind a pointer; a message is ``{22,25}``."""

_PREFIX: Final = re.compile(r"\{([0-9]{1,2}(?:,[0-9]{1,2}){0,2})\}")


class TypedTextCodec:
    """Codec of typed text.

    Args:
        registry: Knows the types of messages; without it messages are refused.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry

    def to_text(
        self, value: object, kind: Kind | None = None, *, key_kind: Kind | None = None
    ) -> str:
        """Typed text of a value.

        Args:
            value: ``None``, a single value, bytes, a list or map of single values, or a registered
                model instance, of which only the type name is kept.
            kind: Exact kind of the value, or of the entries of a list or map; by default what the
                Python type suggests.
            key_kind: Exact kind of the keys of a map.

        Raises:
            EncodeError: The value has no text form, or one that could not be read back.
        """
        match value:
            case None:
                return NONE_PREFIX
            case bytes() | bytearray():
                # Any bytes have to survive, and texts are Unicode.
                return f"{{23,8}}{bytes(value).decode(errors='surrogateescape')}"
            case list() | tuple():
                return _list_text(value, kind)
            case dict():
                return _map_text(value, key_kind, kind)
            case bool() | int() | float() | str():
                kind = kind or scalar_kind(value)
                return f"{{{kind:d}}}{scalar_text(value, kind)}"
        return f"{{22,{_STRUCT}}}{self._type_name(value)}"

    def from_text(self, text: str) -> object:
        """The value of a typed text.

        Raises:
            DecodeError: Not a typed text, or of a type that is not registered.
        """
        match = _PREFIX.match(text)
        if match is None:
            raise DecodeError(f"{text[:40]!r} has no prefix of kinds such as {{24}}")
        rest = text[match.end() :]
        match [int(number) for number in match[1].split(",")]:
            case [0] if not rest:
                return None
            case [Kind.LIST, Kind.UINT8]:
                return rest.encode(errors="surrogateescape")
            case [Kind.LIST, entry]:
                return [scalar_value(unescape(part), entry) for part in _parts(rest)]
            case [Kind.MAP, key, entry]:
                return dict(_pair(part, key, entry) for part in _parts(rest))
            case [Kind.MESSAGE, kind] if kind == _STRUCT:
                return None if rest == NULL_MESSAGE else self._instance(rest)
            case [kind]:
                return scalar_value(rest, kind)
        raise DecodeError(f"{match[0]!r} is no prefix of known kinds")

    def _type_name(self, value: object) -> str:
        try:
            return self._known().info_of(value).name
        except NotFoundError as error:
            raise EncodeError(f"a {type(value).__name__} has no text form: {error}") from error

    def _instance(self, name: str) -> object:
        try:
            return self._known().info(name).new()
        except (EncodeError, NotFoundError, InvalidInputError) as error:
            raise DecodeError(f"text of a {name[:40]!r} cannot be read: {error}") from error

    def _known(self) -> Registry:
        if self._registry is None:
            raise EncodeError("a text codec without a registry knows no messages")
        return self._registry


def plain_text(value: object, kind: Kind | None = None) -> str:
    """Text of a single value without its kind, as in plain keys.

    Args:
        value: A single value; ``None`` gives "", a message its type name.
        kind: Its exact kind; by default what the Python type suggests.

    Raises:
        EncodeError: Not a single value, or out of the range of its kind.
    """
    if value is None:
        return ""
    if isinstance(value, Message):
        return value.DESCRIPTOR.name
    return scalar_text(value, kind or scalar_kind(value))


def escape(text: str, special: str) -> str:
    r"""The text with a ``\`` before each ``\`` and each of the special characters."""
    return re.sub(rf"[\\{re.escape(special)}]", r"\\\g<0>", text)


def unescape(text: str) -> str:
    r"""The reverse of :func:`escape`.

    Raises:
        DecodeError: A single ``\`` at the end.
    """
    if re.search(r"(?<!\\)(?:\\\\)*\\$", text):
        raise DecodeError(f"{text[-40:]!r} ends within an escape")
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def split(text: str, separator: str) -> list[str]:
    """Parts of an escaped text between unescaped separators; still escaped."""
    return re.findall(
        rf"(?:^|{re.escape(separator)})((?:\\.|[^\\{re.escape(separator)}])*)", text, re.DOTALL
    )


def _list_text(values: Iterable[object], kind: Kind | None) -> str:
    entries = list(values)
    kind = _common_kind(entries, kind)
    if entries == [""]:
        raise EncodeError("a list of one empty text reads as an empty list, leave it out")
    return f"{{23,{kind:d}}}[{','.join(escape(scalar_text(e, kind), ',') for e in entries)}]"


def _map_text(values: dict[object, object], key_kind: Kind | None, kind: Kind | None) -> str:
    key_kind, kind = _common_kind(values.keys(), key_kind), _common_kind(values.values(), kind)
    pairs = sorted(
        f"{escape(scalar_text(key, key_kind), ',=')}={escape(scalar_text(value, kind), ',=')}"
        for key, value in values.items()
    )
    return f"{{21,{key_kind:d},{kind:d}}}[{','.join(pairs)}]"


def _common_kind(values: Iterable[object], kind: Kind | None) -> Kind:
    if kind is not None:
        return kind
    kinds = {scalar_kind(value) for value in values}
    if len(kinds) != 1:
        raise EncodeError(
            f"entries of {len(kinds)} kinds, a collection has one; name it when it is empty"
        )
    return kinds.pop()


def _parts(text: str) -> list[str]:
    # Brackets may be missing in what old peers stored.
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if not text:
        return []
    parts = split(text, ",")
    if sum(map(len, parts)) + len(parts) - 1 != len(text):
        raise DecodeError(f"{text[-40:]!r} ends within an escape")
    return parts


def _pair(text: str, key_kind: int, kind: int) -> tuple[object, object]:
    halves = split(text, "=")
    if len(halves) != 2:
        raise DecodeError(f"entry {text[:40]!r} of a map is not key=value")
    key, value = map(unescape, halves)
    return scalar_value(key, key_kind), scalar_value(value, kind)
