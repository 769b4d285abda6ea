# SPDX-License-Identifier: Apache-2.0
"""The sample models: equal in shape, made by number, told apart by content."""

from __future__ import annotations

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8test.models import FIELDS, SAMPLES, Sample, SampleEnum
from l8test.strategies import items
from l8types.naming import go_name
from l8types.pb import TestProto as Message

every_kind = pytest.mark.parametrize("sample", SAMPLES, ids=str)


def test_shapes_are_the_same() -> None:
    """The twins have the attributes of the message, in its order."""
    names = [go_name(field.name) for field in Message.DESCRIPTOR.fields]
    assert [go_name(name) for name in FIELDS] == names
    for sample in SAMPLES[1:]:
        assert [go_name(name) for name in sample.model.__annotations__] == names


@pytest.mark.feature("TST-04")
@every_kind
def test_items_by_number(sample: Sample) -> None:
    """An item is made by number: the same one gives an equal, new item, another one does not."""
    assert sample.build(3) == sample.build(3)
    assert sample.build(3) is not sample.build(3)
    assert len({str(sample.build(index)) for index in range(10)}) == 10
    assert sample.read(sample.build(3), "my_string") == sample.key(3) == "string-3"


@every_kind
def test_seeds(sample: Sample) -> None:
    """Items of one number and different seeds differ in the nested numbers alone."""
    one, other = sample.build(3), sample.build(3, seed=1)
    nested = {"my_single", "my_model_slice", "my_string2_model_map"}
    assert {name for name in FIELDS if sample.read(one, name) != sample.read(other, name)} == nested


@pytest.mark.feature("TST-05")
@every_kind
def test_copies(sample: Sample) -> None:
    """A sample item can be copied, and the copy changed on its own."""
    clone = copy.deepcopy(sample.build(3))
    assert clone == sample.build(3)
    sample.write(sample.read(clone, "my_single"), "my_string", "other")
    assert clone != sample.build(3)


@every_kind
def test_every_attribute_is_filled(sample: Sample) -> None:
    """No attribute of a built item is at its default."""
    item, empty = sample.build(3), sample.make()
    assert not [name for name in FIELDS if sample.read(item, name) == sample.read(empty, name)]


@every_kind
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(st.data())
def test_strategies(sample: Sample, data: st.DataObject) -> None:
    """Random items are of the model, have a key, and keep to the kinds of their attributes."""
    item = data.draw(items(sample))
    assert isinstance(item, sample.model)
    assert sample.read(item, "my_string")
    assert sample.read(item, "my_enum") in list(SampleEnum)
    named = data.draw(items(sample, key="k"))
    assert sample.read(named, "my_string") == "k"
