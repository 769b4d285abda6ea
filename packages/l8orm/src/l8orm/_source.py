# SPDX-License-Identifier: Apache-2.0
"""Python source that is generated for one model, and the functions made of it.

Only names that are made here and positions of columns stand in the source; whatever comes from a
model (classes, names, texts) is a constant that the source refers to.
"""

from __future__ import annotations

import keyword
from typing import Any

__all__ = ["Source"]


class Source:
    """Collects lines and constants."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._constants: dict[str, object] = {}
        self._names = 0

    def constant(self, value: object) -> str:
        """Name by which the source refers to a value."""
        name = self.variable("c")
        self._constants[name] = value
        return name

    def variable(self, letter: str = "v") -> str:
        """A name that is not used yet."""
        self._names += 1
        return f"{letter}{self._names}"

    def line(self, depth: int, text: str) -> None:
        """Add a line, indented by ``depth`` levels."""
        self._lines.append("    " * depth + text)

    def is_plain(self, name: str) -> bool:
        """Whether a name of a model may stand in the source as it is."""
        return name.isidentifier() and name.isascii() and not keyword.iskeyword(name)

    def call(self, function: str, arguments: dict[str, str]) -> str:
        """Expression that calls something with arguments by keyword, whatever their names are."""
        given = [
            f"{name}={value}" if self.is_plain(name) else f"**{{{self.constant(name)}: {value}}}"
            for name, value in arguments.items()
        ]
        return f"{function}({', '.join(given)})"

    def functions(self) -> dict[str, Any]:
        """The functions that the lines define, by name."""
        names: dict[str, Any] = dict(self._constants)
        exec("\n".join(self._lines), names)  # noqa: S102 - the source is made here, of no input
        return names
