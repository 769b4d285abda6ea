# SPDX-License-Identifier: Apache-2.0
"""Builds a text out of values, plain or each with its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from l8utils._text import plain_text

if TYPE_CHECKING:
    from typing import Self

    from l8types.enums import Kind
    from l8utils._text import TypedTextCodec


class TextBuilder:
    """Collects the texts of values; their text is made once, when it is asked for.

    Args:
        *values: What to begin with.
        codec: Writes each value with its kind; without it values are plain.
        separator: Stands between what is added.

    Example:
        >>> from l8utils import TextBuilder
        >>> str(TextBuilder("port ", 8080, " is ", True))
        'port 8080 is true'
        >>> str(TextBuilder("a", separator=" ").add("b"))
        'a b'
    """

    def __init__(
        self, *values: object, codec: TypedTextCodec | None = None, separator: str = ""
    ) -> None:
        self._codec = codec
        self._separator = separator
        self._parts: list[str] = []
        for value in values:
            self.add(value)

    @override
    def __str__(self) -> str:
        return self._separator.join(self._parts)

    def __len__(self) -> int:
        """Characters so far."""
        return sum(map(len, self._parts)) + len(self._separator) * max(0, len(self._parts) - 1)

    def add(self, value: object, kind: Kind | None = None) -> Self:
        """Add a value; returns the builder.

        Args:
            value: A single value, or with a codec whatever the codec takes.
            kind: Its exact kind, by default what the Python type suggests.

        Raises:
            EncodeError: The value has no text.
        """
        text = self._codec.to_text(value, kind) if self._codec else plain_text(value, kind)
        self._parts.append(text)
        return self

    def join(self, other: TextBuilder) -> Self:
        """Add the text of another builder as it is; returns this one."""
        if other._parts:
            self._parts.append(str(other))
        return self
