# SPDX-License-Identifier: Apache-2.0
"""Comparing and copying an item.

The comparison of equal items is held against ``==``, the copy against what the library below has:
``CopyFrom`` of protobuf, MessagePack there and back for a struct (msgspec has no deep copy), and
for a dataclass ``copy.deepcopy``, since there is nothing else. The peers are deepdiff (which reads
messages only as dictionaries) and ``copy.deepcopy``.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

import msgspec
from deepdiff import DeepDiff
from google.protobuf.json_format import MessageToDict

from reflect import Cloner, Updater
from tools.bench.samples import MODELS, Item, introspector, make
from tools.bench.timing import rate_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTED: Final = {
    "equal, protobuf": 1e9 / 21423,
    "one change, protobuf": 1e9 / 22100,
    "copy, protobuf": 1e9 / 20549,
}
"""Reference node figures, in Go on another run."""


def _items() -> Iterator[tuple[str, dict[str, object]]]:
    """Two equal items of each model, and one in which one number deep inside differs."""
    for model in MODELS:
        changed = make(model)
        _change(model, changed)
        yield model, {"old": make(model), "same": make(model), "new": changed}


def _change(model: str, item: Item) -> None:
    if model == "protobuf":
        item.MyString2ModelMap["string-1-2"].mySubs["string-1-2-1"].myInt64 = 5
    else:
        item.my_string2_model_map["string-1-2"].my_subs["string-1-2-1"].my_int64 = 5


def _copy(model: str, item: Item) -> tuple[str, dict[str, object]]:
    if model == "protobuf":
        return "model().CopyFrom(old)", {"model": type(item)}
    if model == "dataclass":
        return "copy(old)", {"copy": copy.deepcopy}
    return "read(write(old))", {
        "write": msgspec.msgpack.Encoder().encode,
        "read": msgspec.msgpack.Decoder(type(item)).decode,
    }


def measure_bare(seconds: float) -> dict[str, float]:
    """Return how often the item is compared and copied per second by what is there anyway."""
    figures = {}
    for model, items in _items():
        figures[f"equal, {model}"] = rate_of("old == same", items, seconds)
        statement, names = _copy(model, items["old"])
        figures[f"copy, {model}"] = rate_of(statement, {**items, **names}, seconds)
    return figures


def measure(seconds: float) -> dict[str, float]:
    """Return how often the item is compared and copied per second by ours."""
    figures = {}
    ours = {"diff": Updater(introspector()).diff, "clone": Cloner().clone}
    for model, items in _items():
        names = {**items, **ours}
        figures[f"equal, {model}"] = rate_of("diff(old, same)", names, seconds)
        figures[f"copy, {model}"] = rate_of("clone(old)", names, seconds)
        figures[f"one change, {model}"] = rate_of("diff(old, new)", names, seconds)
    return figures


def measure_peer(seconds: float) -> dict[str, float]:
    """Return the same for deepdiff and `copy.deepcopy`."""
    figures = {}
    peers = {"Diff": DeepDiff, "plain": MessageToDict, "copy": copy.deepcopy}
    for model, items in _items():
        names = {**items, **peers}
        form = "Diff(plain(old), plain({}))" if model == "protobuf" else "Diff(old, {})"
        figures[f"equal, {model}"] = rate_of(form.format("same"), names, seconds)
        figures[f"copy, {model}"] = rate_of("copy(old)", names, seconds)
        figures[f"one change, {model}"] = rate_of(form.format("new"), names, seconds)
    return figures


def measure_noted(_seconds: float) -> dict[str, float]:
    """Return what was noted of another node."""
    return NOTED
