# SPDX-License-Identifier: Apache-2.0
"""The captures of real Go nodes, where they are on this machine."""

import json
from pathlib import Path
from typing import cast

import pytest

from l8srlz import ElementsFactory, ObjectCodec
from l8types.pb import L8MetaData, L8Query

from .fakes import Item, registry, shared

SHARED = shared()
GOLDEN = (SHARED or Path()) / "golden"
pytestmark = pytest.mark.skipif(
    SHARED is None, reason="no captures here; LAYER8_SHARED names their folder"
)

CODEC = ObjectCodec(registry(), go_compatible=True)
FACTORY = ElementsFactory(CODEC)


def capture(name: str) -> dict[str, object]:
    """One capture."""
    return cast("dict[str, object]", json.loads((GOLDEN / f"{name}.json").read_text("utf-8")))


@pytest.mark.feature("SRZ-01")
def test_object_encodings() -> None:
    """Every captured value is read, and written again byte for byte."""
    values = cast("list[dict[str, str]]", capture("object-encodings")["values"])
    assert values
    for value in values:
        data = bytes.fromhex(value["hex"])
        decoded = CODEC.decode(data)
        # An empty list and an empty map are both read as nothing.
        assert CODEC.encode(decoded) == data or decoded is None, value["name"]


@pytest.mark.feature("SRZ-39")
@pytest.mark.parametrize("name", ["1", "nil", "error", "list", "query"])
def test_elements(name: str) -> None:
    """Every captured container is read, and written again byte for byte."""
    data = bytes.fromhex(cast("str", capture(f"elements-{name}")["hex"]))
    assert FACTORY.decode(data).encode() == data


@pytest.mark.feature("SRZ-39")
def test_elements_content() -> None:
    """The values in the captured containers are those that were put in."""

    def read(name: str) -> bytes:
        return bytes.fromhex(cast("str", capture(f"elements-{name}")["hex"]))

    one = FACTORY.decode(read("1"))
    assert isinstance(one.first, Item)
    assert (one.first.myString, one.first.mySingle.myInt64) == ("hello", -1)
    assert FACTORY.decode(read("list")).values == (Item(myString="a"), Item(myString="b"))
    assert FACTORY.decode(read("error")).error == "something failed"
    query = FACTORY.decode(read("query")).query
    assert isinstance(query, L8Query)
    assert (query.rootType, query.limit, query.page) == ("TestProto", 10, 2)
    assert isinstance(FACTORY.decode(read("nil")).metadata, L8MetaData)
