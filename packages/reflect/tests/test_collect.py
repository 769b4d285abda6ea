# SPDX-License-Identifier: Apache-2.0
"""Finding the parts of a type in an item."""

import pytest

from l8types.errors import PropertyError
from l8types.pb import TestProto as Sample
from l8types.pb import TestProtoSubSub as SampleSubSub
from reflect import Introspector, collect

from .models import Device, Port


@pytest.mark.feature("REF-40")
def test_all_parts_with_their_ids(introspector: Introspector) -> None:
    """Parts are found through models, lists and maps, and their ids lead back to them."""
    item = Sample(myString="k")
    item.mySingle.mySubs["b"].myString = "one"
    item.mySingle.mySubs["a"].myString = "two"
    item.myModelSlice.add().mySubs["x"].myString = "three"
    item.MyString2ModelMap["<m>"].mySubs["y"].myString = "four"
    found = collect(introspector, item, SampleSubSub)
    assert list(found) == [
        "testproto<{24}{24}k>.mysingle.mysubs<{24}a>",
        "testproto<{24}{24}k>.mysingle.mysubs<{24}b>",
        "testproto<{24}{24}k>.mymodelslice<{2}0>.mysubs<{24}x>",
        "testproto<{24}{24}k>.mystring2modelmap<{24%}%3Cm%3E>.mysubs<{24}y>",
    ]
    for place, part in found.items():
        assert introspector.property(place).get(item) == part


def test_parts_are_not_looked_through(introspector: Introspector) -> None:
    """What is inside a part of the type is left alone, absent parts are skipped."""
    item = Device("d", ports=[Port("a", children=[Port("b")])], slots={"s": Port("c")})
    found = collect(introspector, item, Port)
    assert list(found) == [
        "device<{24}{24}d>.main",
        "device<{24}{24}d>.ports<{2}0>",
        "device<{24}{24}d>.slots<{24}s>",
    ]
    assert found["device<{24}{24}d>.ports<{2}0>"] is item.ports[0]
    assert collect(introspector, item, Device) == {"device<{24}{24}d>": item}
    assert collect(introspector, item, Sample) == {}


def test_without_a_key(introspector: Introspector) -> None:
    """Without a key there are no ids."""
    with pytest.raises(PropertyError, match="no primary key is declared for Port"):
        collect(introspector, Port("a"), Port)
