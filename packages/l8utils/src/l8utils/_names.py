# SPDX-License-Identifier: Apache-2.0
"""Short type names, by which a model is known on the wire.

Registry, cache and notifications must agree on them, so the rule stands here once.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from l8types.naming import go_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def short_name(model: type) -> str:
    """Name of a model on the wire.

    Args:
        model: A protobuf message class, or any other class.

    Returns:
        The Go type name of a message (a nested one as ``Outer_Inner``), else the class name.
    """
    if not issubclass(model, Message):
        return model.__name__
    parts = [go_name(model.DESCRIPTOR.name)]
    outer = model.DESCRIPTOR.containing_type
    while outer is not None:
        parts.append(go_name(outer.name))
        outer = outer.containing_type
    return "_".join(reversed(parts))


def suggestion(name: str, known: Iterable[str]) -> str:
    """End of an error message: the known name nearest to ``name``, or nothing.

    Capital letters do not count, since they are what is most often mistaken.
    """
    by_folded = {candidate.lower(): candidate for candidate in known}
    near = get_close_matches(name.lower(), by_folded, n=1, cutoff=0.6)
    return f", did you mean {by_folded[near[0]]!r}?" if near else ""
