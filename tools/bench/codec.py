# SPDX-License-Identifier: Apache-2.0
"""One item to self-describing bytes and back, with the object codec.

It is held against what has to be done at least: protobuf's own bytes for the message, MessagePack
of msgspec for the other models. The codec adds the name of the type, and looks it up on the way
back. The codec of the containers that travel leaves the entries of maps in the order in which
protobuf has them. The codec for values that are kept and compared writes them in order, so that
equal items have equal bytes; that has rows of its own, for protobuf as well, which does it only
when asked. The peer is pickle, which is self-describing too.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Final

import msgspec

from l8srlz import ObjectCodec
from tools.bench.samples import MODELS, Item, make, registry
from tools.bench.timing import rate_of

if TYPE_CHECKING:
    from collections.abc import Callable

NOTED: Final = {"protobuf": 1e9 / (9432 + 10482)}
"""Reference node figures: object encode and decode of the same item, in Go on another run."""


def _bare(model: str, item: Item) -> tuple[str, dict[str, object]]:
    if model == "protobuf":
        return "read(item.SerializeToString())", {"read": type(item).FromString}
    return "read(write(item))", {
        "write": msgspec.msgpack.Encoder().encode,
        "read": msgspec.msgpack.Decoder(type(item)).decode,
    }


def _measure(
    way: Callable[[str, Item], tuple[str, dict[str, object]]], seconds: float
) -> dict[str, float]:
    figures = {}
    for model in MODELS:
        item = make(model)
        statement, names = way(model, item)
        figures[model] = rate_of(statement, {**names, "item": item}, seconds)
    return figures


def measure_bare(seconds: float) -> dict[str, float]:
    """Return how often the libraries below write and read the item per second."""
    return _measure(_bare, seconds)


def measure_in_order(seconds: float) -> dict[str, float]:
    """Return the same of protobuf with the entries of maps in order."""
    item = make("protobuf")
    names: dict[str, object] = {"item": item, "read": type(item).FromString}
    statement = "read(item.SerializeToString(deterministic=True))"
    return {"protobuf": rate_of(statement, names, seconds)}


def measure(seconds: float) -> dict[str, float]:
    """Return how often the codec of containers writes and reads the item per second."""
    names: dict[str, object] = {"codec": ObjectCodec(registry(), deterministic=False)}
    return _measure(lambda *_: ("codec.decode(codec.encode(item))", names), seconds)


def measure_ours_in_order(seconds: float) -> dict[str, float]:
    """Return the same of the codec of single values, which orders the maps of messages."""
    names: dict[str, object] = {"codec": ObjectCodec(registry()), "item": make("protobuf")}
    return {"protobuf": rate_of("codec.decode(codec.encode(item))", names, seconds)}


def measure_peer(seconds: float) -> dict[str, float]:
    """Return how often pickle writes and reads the item per second."""
    # It reads nothing but what it has just written itself.
    loads = pickle.loads  # noqa: S301
    names: dict[str, object] = {"dumps": pickle.dumps, "loads": loads}
    return _measure(lambda *_: ("loads(dumps(item))", names), seconds)


def measure_noted(_seconds: float) -> dict[str, float]:
    """Return what was noted of another node."""
    return NOTED
