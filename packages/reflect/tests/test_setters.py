# SPDX-License-Identifier: Apache-2.0
"""Plain attributes are set without parsing ids, with the effect of parsing them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from enum import IntEnum

from hypothesis import example, given
from hypothesis import strategies as st

from l8types import pb
from l8types.enums import DecoratorType
from l8types.errors import PropertyError
from l8types.values import DELETED, Change, ChangeSet
from reflect import Introspector, Updater


class Colour(IntEnum):
    """An enumeration."""

    RED = 0
    BLUE = 1


@dataclass
class Lamp:
    """One attribute of each kind."""

    name: str = ""
    watts: int = 0
    price: float = 0.0
    lit: bool = False
    colour: Colour = Colour.RED
    raw: bytes = b""


INTROSPECTOR = Introspector()
INTROSPECTOR.inspect(Lamp)
INTROSPECTOR.decorate(Lamp, DecoratorType.PRIMARY, "name")
INTROSPECTOR.inspect(pb.TestProto)
INTROSPECTOR.decorate(pb.TestProto, DecoratorType.PRIMARY, "myString")


def slowly(changes: ChangeSet, target: object) -> object:
    """What applying means: each property sets its place."""
    for change in changes:
        place = INTROSPECTOR.property(change.property_id)
        if change.new is DELETED:
            place.delete(target)
        else:
            place.set(target, change.new)
    return target


def outcome(apply: object, changes: ChangeSet, target: object) -> tuple[object, str]:
    """The item afterwards, and the error."""
    try:
        apply(changes, target)  # type: ignore[operator] # one of the two above
    except PropertyError as error:
        return target, error.message
    return target, ""


names = st.sampled_from(["a", "b", "", "a>.b", "ä", "<1>"])
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, -(2**31) - 1, 2**63]),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.sampled_from(["\ud800", "BLUE", "true"]),
    st.binary(max_size=2),
    st.just(DELETED),
)
fields = ["name", "watts", "price", "lit", "colour", "raw", "Watts", "none", "mystring", "myint32"]
roots = st.sampled_from(["lamp", "Lamp", "testproto", "none"])
forms = st.sampled_from(
    ["{root}<{{24}}{{24}}{key}>.{name}", "{root}<{key}>.{name}", "{root}.{name}"]
)


@st.composite
def change(draw: st.DrawFn) -> Change:
    """A change, mostly of an attribute that is there."""
    form, root = draw(forms), draw(roots)
    place = form.format(root=root, key=draw(names), name=draw(st.sampled_from(fields)))
    return Change(place, None, draw(values))


def usual(key: str, name: str, value: object) -> Change:
    """A change in the form in which differences are told."""
    return Change(f"lamp<{{24}}{{24}}{key}>.{name}", None, value)


@given(names, st.lists(change(), max_size=4))
@example("a", [usual("a", "watts", 5), usual("a", "price", 2.5), usual("a", "lit", True)])
@example("a", [usual("a", "watts", 5), usual("a", "name", "b"), usual("a", "watts", 6)])
@example("a", [usual("a", "watts", 5), usual("b", "watts", 6)])
@example("a", [usual("a", "watts", 2**63), usual("a", "watts", True)])
def test_setting_quickly_is_setting(key: str, made: list[Change]) -> None:
    """Whatever the ids and the values: the same item, or the same error at the same place."""
    changes = ChangeSet("Lamp", key, tuple(made))
    updater = Updater(INTROSPECTOR)
    for item in (Lamp(key), pb.TestProto(myString=key.encode(errors="replace").decode())):
        quick = outcome(updater.apply, changes, copy.deepcopy(item))
        assert quick == outcome(slowly, changes, copy.deepcopy(item))
