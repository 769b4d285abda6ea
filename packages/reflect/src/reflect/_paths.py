# SPDX-License-Identifier: Apache-2.0
"""The text form of property ids: splitting it, and the keys in it. Knows nothing of models.

    property-id = type-name [ "<" root-key ">" ] *( "." field-name [ "<" key ">" ] )

Keys are typed texts. The reader also takes untyped keys, root keys without the outer ``{24}`` and
keys that contain ``<`` or ``>``: a ``>`` ends a key where ``.`` or the end of the text follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.enums import Kind
from l8types.errors import EncodeError, PropertyError
from reflect._scalars import TYPED, to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Part", "composite_key", "join_id", "root_text", "split_id", "split_root_key"]

_STRING_PREFIX: Final = f"{{{int(Kind.STRING)}}}"
_SEPARATOR: Final = re.compile(r"::(?=\{\d{1,3}%?\})")
_MAX_PARTS: Final = 128
"""Deepest path; above it the text is an attack, not an id."""


@dataclass(frozen=True, slots=True)
class Part:
    """One element of a path and the text of its key, ``None`` without one."""

    name: str
    key: str | None


def _end_of_key(text: str, start: int) -> int:
    """Index of the ``>`` that ends the key which starts at ``start``.

    Raises:
        PropertyError: There is none.
    """
    end = text.find(">", start)
    while end >= 0 and end + 1 < len(text) and text[end + 1] != ".":
        end = text.find(">", end + 1)
    if end < 0:
        raise PropertyError(f"property id {text!r} has a key without the closing '>'")
    return end


def split_id(text: str) -> list[Part]:
    """Split a property id or path into its parts.

    Raises:
        PropertyError: Malformed; tells what is wrong.
    """
    parts: list[Part] = []
    at = 0
    while True:
        dot, bracket = text.find(".", at), text.find("<", at)
        if bracket >= 0 and (dot < 0 or bracket < dot):
            end = _end_of_key(text, bracket + 1)
            parts.append(Part(text[at:bracket], text[bracket + 1 : end]))
            at = end + 1
        else:
            end = len(text) if dot < 0 else dot
            parts.append(Part(text[at:end], None))
            at = end
        if not parts[-1].name or ">" in parts[-1].name:
            raise PropertyError(f"property id {text!r} has an empty or malformed name")
        if len(parts) > _MAX_PARTS:
            raise PropertyError(f"a property id of more than {_MAX_PARTS} parts; shorten the path")
        if at >= len(text):
            return parts
        at += 1


def join_id(parts: Sequence[Part]) -> str:
    """Put together what was split."""
    return ".".join(part.name if part.key is None else f"{part.name}<{part.key}>" for part in parts)


def composite_key(values: Sequence[object], kinds: Sequence[Kind]) -> str:
    """Typed texts of the key attributes, joined by ``::``: ``{24}Test2::{5}3``.

    Raises:
        PropertyError: A value is not of its kind.
    """
    several = len(kinds) > 1
    try:
        return "::".join(
            to_text(value, kind, composite=several)
            for value, kind in zip(values, kinds, strict=True)
        )
    except EncodeError as error:
        raise PropertyError(f"a key cannot be written: {error}") from error


def root_text(name: str, values: Sequence[object], kinds: Sequence[Kind]) -> str:
    """Root part of an id. Its key is a typed text that is typed once more, as a string."""
    return f"{name}<{_STRING_PREFIX}{composite_key(values, kinds)}>"


def split_root_key(text: str, count: int) -> list[str]:
    """Split the text of a root key into those of ``count`` key attributes, typed or not.

    Raises:
        PropertyError: Another number of values.
    """
    inner = text[len(_STRING_PREFIX) :]
    if text.startswith(_STRING_PREFIX) and TYPED.match(inner):
        text = inner
    if count == 1:
        return [text]
    tokens = _SEPARATOR.split(text)
    if len(tokens) != count:
        tokens = text.removeprefix(_STRING_PREFIX).split("::")
    if len(tokens) != count:
        raise PropertyError(f"root key {text!r} has {len(tokens)} values, the model has {count}")
    return tokens
