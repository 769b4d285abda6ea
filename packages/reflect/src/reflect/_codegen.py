# SPDX-License-Identifier: Apache-2.0
"""Turns generated source into functions.

What runs for every item of every query (reading a path, copying, comparing) is generated once per
model, as dataclasses do it: a chain of closures costs a call per step, generated code none. Only
names of attributes and constants of this package get into the source; values of keys are arguments.
"""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["attribute_of", "function"]


def function(name: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    """Compile the definition of one function.

    Args:
        name: Name of the function that the lines define.
        lines: Its source.
        names: Globals of the function; a dictionary that is kept, so that it may be filled later.
    """
    source = "\n".join(lines)
    code = compile(source, f"<reflect {name}>", "exec")
    exec(code, names)  # noqa: S102 - generated here, from attribute names only
    made: Callable[..., Any] = names.pop(name)
    return made


def attribute_of(owner: str, attribute: str) -> str:
    """Expression that reads an attribute, also one named like a keyword."""
    if attribute.isidentifier() and not keyword.iskeyword(attribute):
        return f"{owner}.{attribute}"
    return f"getattr({owner}, {attribute!r})"
