# SPDX-License-Identifier: Apache-2.0
"""Values by property id: reading by a prepared one, and preparing one that was seen before.

Reading is held against the same path written in code (``item.my_single.my_string``), which no
function can reach where that is ten nanoseconds: a call alone costs more. So there is a row for the
same code as a function, written by hand and without a thought for what may be absent. The peer is
``operator.attrgetter`` of the standard library, a path prepared in C, which cannot pass through a
map and fails where something is absent.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from tools.bench.samples import MODELS, introspector, make
from tools.bench.timing import rate_of

NOTED: Final = {
    "nested, protobuf": 1e9 / 86,
    "in map, protobuf": 1e9 / 108,
    "known id": 1e9 / 712,
}
"""Reference node figures, in Go on another run; it parses an id each time."""

NESTED: Final = "mysingle.mystring"
IN_MAP: Final = "mystring2modelmap<{24}string-1-1>.mystring"


def _code(model: str) -> tuple[str, str]:
    """The two paths as they are written in code."""
    if model == "protobuf":
        return "mySingle.myString", "MyString2ModelMap['string-1-1'].myString"
    return "my_single.my_string", "my_string2_model_map['string-1-1'].my_string"


def measure_bare(seconds: float) -> dict[str, float]:
    """Return how often the values are read per second by code for just that."""
    figures = {}
    for model in MODELS:
        nested, in_map = _code(model)
        names: dict[str, object] = {"item": make(model)}
        figures[f"nested, {model}"] = rate_of(f"item.{nested}", names, seconds)
        figures[f"in map, {model}"] = rate_of(f"item.{in_map}", names, seconds)
    return figures


def measure_function(seconds: float) -> dict[str, float]:
    """Return how often functions written for just that read the values per second."""
    figures = {}
    for model in MODELS:
        for place, path in zip(("nested", "in map"), _code(model), strict=True):
            made: dict[str, object] = {"item": make(model)}
            # Only code of this module; a lambda per path and model would be twelve lines of it.
            exec(f"def get(item): return item.{path}", made)  # noqa: S102
            figures[f"{place}, {model}"] = rate_of("get(item)", made, seconds)
    return figures


def measure(seconds: float) -> dict[str, float]:
    """Return how often the values are read per second by property, and properties found by id."""
    figures = {}
    known = introspector()
    for model, shape in MODELS.items():
        item = make(model)
        name = shape.__name__.lower()
        for place, path in (("nested", NESTED), ("in map", IN_MAP)):
            names: dict[str, object] = {"get": known.property(f"{name}.{path}").get, "item": item}
            figures[f"{place}, {model}"] = rate_of("get(item)", names, seconds)
    seen = f"testproto<{{24}}{{24}}string-1>.{IN_MAP}"
    names = {"known": known, "text": seen}
    figures["known id"] = rate_of("known.property(text)", names, seconds)
    return figures


def measure_peer(seconds: float) -> dict[str, float]:
    """Return how often the standard library reads the nested value per second."""
    figures = {}
    for model in MODELS:
        nested, _ = _code(model)
        names: dict[str, object] = {"get": attrgetter(nested), "item": make(model)}
        figures[f"nested, {model}"] = rate_of("get(item)", names, seconds)
    return figures


def measure_noted(_seconds: float) -> dict[str, float]:
    """Return what was noted of another node."""
    return NOTED
