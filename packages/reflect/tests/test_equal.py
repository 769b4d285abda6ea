# SPDX-License-Identifier: Apache-2.0
"""Comparison by content."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from l8types.pb import TestProto as Sample
from l8types.pb import TestProtoSub as SampleSub
from reflect import equal
from reflect._equal import quick_equality_of

from .models import Device, DeviceMessage, DeviceStruct, FlatStruct, Port, PortMessage, PortStruct

if TYPE_CHECKING:
    from reflect._shapes import Raw


@dataclass(eq=False)
class ByIdentity:
    """A model whose own comparison does not look at the content."""

    key: str = ""
    load: float = 0.0


@dataclass
class Liar:
    """A model whose own comparison says yes to everything."""

    key: str = ""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.feature("REF-44")
@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (Device("d"), Device("d"), True),
        (Device("d"), DeviceStruct("d"), False),
        (Device("d", ports=[Port("a")]), Device("d", ports=[Port("a")]), True),
        (Device("d", ports=[Port("a")]), Device("d", ports=[Port("b")]), False),
        (Device("d", ports=[Port()]), Device("d", ports=[Port(), Port()]), False),
        (Device("d", slots={"a": Port()}), Device("d", slots={"b": Port()}), False),
        (Device("d", slots={"a": Port("x")}), Device("d", slots={"a": Port("x")}), True),
        (Device("d", spare=Port()), Device("d"), False),
        (Device("d", maybe=[]), Device("d"), False),
        (Device("d", extra={}), Device("d"), False),
        (Device("d", load=math.nan), Device("d", load=math.nan), True),
        (Device("d", loads=[math.nan]), Device("d", loads=[float("nan")]), True),
        (Device("d", loads=[1.0]), Device("d", loads=[math.nan]), False),
        (Device("d", totals={1: math.nan}), Device("d", totals={1: float("nan")}), True),
        (Device("d", totals={1: 1.0}), Device("d", totals={2: 1.0}), False),
        (DeviceStruct("d", slots={"a": PortStruct("x")}), DeviceStruct("d"), False),
        (DeviceMessage(load=math.nan), DeviceMessage(load=math.nan), True),
        (DeviceMessage(load=math.nan), DeviceMessage(load=1.0), False),
        (PortMessage(name="a"), PortMessage(name="a"), True),
        (Sample(mySingle=SampleSub()), Sample(), False),
        (ByIdentity("k"), ByIdentity("k"), True),
        (Liar("a"), Liar("b"), False),
        (1, 1, True),
        (1, 1.0, False),
        (math.nan, math.nan, True),
        ([1, math.nan], [1, float("nan")], True),
        ("a", "b", False),
        (None, None, True),
        (Device("d"), None, False),
    ],
)
def test_equal(a: Raw, b: Raw, same: bool) -> None:
    """Content decides, not the model's own comparison; None is not empty; NaN equals NaN."""
    assert equal(a, b) is same
    assert equal(b, a) is same


def test_quick_equality_says_yes_only_when_it_is_true() -> None:
    """The comparison that updates start with never hides a change."""
    assert not quick_equality_of(Liar)(Liar("a"), Liar("b"))
    assert quick_equality_of(FlatStruct)(FlatStruct("a"), FlatStruct("a"))
    assert not quick_equality_of(FlatStruct)(FlatStruct("a"), FlatStruct("b"))
