# SPDX-License-Identifier: Apache-2.0
"""The laws of comparing, applying and undoing, for every kind of model and attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8types.enums import DecoratorType, UpdateMode
from l8types.pb import TestProto as Sample
from reflect import Cloner, Introspector, Updater, equal

from .models import Color, Device, DeviceMessage, DeviceStruct, Port, PortMessage, Side
from .strategies import instances

if TYPE_CHECKING:
    from reflect._shapes import Raw

MODELS = [
    pytest.param(Device, id="dataclass"),
    pytest.param(DeviceStruct, id="struct"),
    pytest.param(DeviceMessage, id="protobuf"),
    pytest.param(Sample, id="protobuf-reference"),
]
models = pytest.mark.parametrize("model", MODELS)
modes = st.sampled_from(UpdateMode)
# Items are big, so a fifth of the usual examples has to do; a profile with more of them
# (--hypothesis-profile) gives more here too. What a busy machine needs for one says nothing about
# the code.
thorough = settings(
    max_examples=max(10, settings().max_examples // 5),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

INTROSPECTOR = Introspector()
for _model in (Device, DeviceStruct, DeviceMessage):
    INTROSPECTOR.decorate(_model, DecoratorType.PRIMARY, "device_id")
INTROSPECTOR.decorate(Sample, DecoratorType.PRIMARY, "myString")
UPDATER = Updater(INTROSPECTOR)
CLONER = Cloner()


def items(model: type) -> st.SearchStrategy[Raw]:
    """Items of a model, all with the same key, which contains what ids are made of."""
    return instances(
        INTROSPECTOR.inspect(model),
        depth=2,
        fixed={"myString" if model is Sample else "device_id": "a>.<{24}b::c"},
        replace={
            "color": st.sampled_from(Color),
            "colors": st.sampled_from(Color),
            "side": st.sampled_from(Side),
        },
    )


@pytest.mark.feature("REF-45", "REF-48", "REF-49")
@models
@thorough
@given(st.data())
def test_applying_a_put_gives_the_new_item(model: type, data: st.DataObject) -> None:
    """apply(diff(a, b), clone(a)) is b, also a second time, and neither a nor b is touched."""
    a, b = data.draw(items(model)), data.draw(items(model))
    kept_a, kept_b = CLONER.clone(a), CLONER.clone(b)
    found = UPDATER.diff(a, b)
    assert equal(a, kept_a)
    assert equal(b, kept_b)
    once = UPDATER.apply(found, CLONER.clone(a))
    assert equal(once, b)
    assert equal(UPDATER.apply(found, once), b)


@pytest.mark.feature("REF-49")
@models
@thorough
@given(st.data())
def test_undo_gives_the_old_item(model: type, data: st.DataObject) -> None:
    """apply(invert(diff(a, b)), b) is a, and undoing the undoing is b again."""
    a, b = data.draw(items(model)), data.draw(items(model))
    there = UPDATER.diff(a, b)
    back = UPDATER.invert(there)
    assert equal(UPDATER.apply(back, CLONER.clone(b)), a)
    assert equal(UPDATER.apply(UPDATER.invert(back), CLONER.clone(a)), b)


@models
@thorough
@given(st.data(), modes)
def test_nothing_differs_from_itself(model: type, data: st.DataObject, mode: UpdateMode) -> None:
    """diff(a, a) is empty, also against a copy, whatever a holds."""
    a = data.draw(items(model))
    assert not UPDATER.diff(a, a, mode=mode)
    assert not UPDATER.diff(a, CLONER.clone(a), mode=mode)


@pytest.mark.feature("REF-45", "REF-47")
@models
@thorough
@given(st.data())
def test_a_patch_is_stable(model: type, data: st.DataObject) -> None:
    """After a patch was applied, the same patch changes nothing more; and it can be undone."""
    a, b = data.draw(items(model)), data.draw(items(model))
    found = UPDATER.diff(a, b, mode=UpdateMode.PATCH)
    patched = UPDATER.apply(found, CLONER.clone(a))
    assert not UPDATER.diff(patched, b, mode=UpdateMode.PATCH)
    assert equal(UPDATER.apply(UPDATER.invert(found), patched), a)


@pytest.mark.feature("REF-24", "REF-25")
@models
@thorough
@given(st.data(), modes)
def test_ids_of_changes_round_trip(model: type, data: st.DataObject, mode: UpdateMode) -> None:
    """Every id in a change set parses to a property that prints the same id."""
    a, b = data.draw(items(model)), data.draw(items(model))
    for change in UPDATER.diff(a, b, mode=mode):
        assert INTROSPECTOR.property(change.property_id).id == change.property_id


CLOSED = Introspector()
for _model, _part in ((Device, Port), (DeviceMessage, PortMessage)):
    CLOSED.decorate(_model, DecoratorType.PRIMARY, "device_id")
    CLOSED.decorate(_part, DecoratorType.NO_NESTED_INSPECTION)


@pytest.mark.feature("REF-18")
@pytest.mark.parametrize("model", [Device, DeviceMessage])
@thorough
@given(st.data())
def test_the_laws_hold_for_closed_models(model: type, data: st.DataObject) -> None:
    """Parts that are replaced as a whole are applied and undone like all others."""
    updater = Updater(CLOSED)
    a, b = data.draw(items(model)), data.draw(items(model))
    there = updater.diff(a, b)
    assert equal(updater.apply(there, CLONER.clone(a)), b)
    assert equal(updater.apply(updater.invert(there), CLONER.clone(b)), a)
    assert not updater.diff(a, CLONER.clone(a))
