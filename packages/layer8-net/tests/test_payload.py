# SPDX-License-Identifier: Apache-2.0
"""What callers may hand over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from l8types.pb import L8Health, L8Query
from layer8_net._payload import to_elements

from .fakes import FakeElements, FakeElementsFactory

if TYPE_CHECKING:
    from l8types.protocols.data import ElementsFactory


@dataclass
class Book:
    """A model."""

    isbn: str = "1"


@pytest.mark.feature("NIC-09")
@pytest.mark.parametrize(
    ("payload", "values"),
    [
        (None, ()),
        ("select * from Book", ("query select * from Book",)),
        (L8Query(text="select"), ("query select",)),
        ([], ()),
        ([1, None, "text"], (1, None, "text")),
        ((1, 2), (1, 2)),
        ([FakeElements((1, 2)), FakeElements(), 3], (1, 2, 3)),
        (Book(), (Book(),)),
        (L8Health(alias="x"), (L8Health(alias="x"),)),
        (b"bytes", (b"bytes",)),
        (7, (7,)),
        ({"a": 1}, ({"a": 1},)),
    ],
)
def test_payloads(payload: object, values: tuple[object, ...]) -> None:
    """W-26: each kind of payload becomes the container that its receiver expects."""
    factory = cast("ElementsFactory", FakeElementsFactory())
    assert to_elements(factory, payload).values == values


def test_container() -> None:
    """A container travels as it is."""
    container: object = FakeElements((1,), "an error")
    found: object = to_elements(cast("ElementsFactory", FakeElementsFactory()), container)
    assert found is container
