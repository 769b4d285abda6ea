# SPDX-License-Identifier: Apache-2.0
"""Conformance of what copies and compares items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance._base import ModelConformance
from l8test.models import ModelKind
from l8types.enums import UpdateMode
from l8types.errors import InvalidInputError, PropertyError
from l8types.pb import TestProto as Message
from l8types.pb import TestProtoSub as Part
from l8types.values import Change, ChangeSet

if TYPE_CHECKING:
    from collections.abc import MutableMapping, MutableSequence

    from l8test.models import Sample
    from l8types.protocols.models import Cloner, Updater

__all__ = ["ClonerConformance", "UpdaterConformance"]


class ClonerConformance(ModelConformance):
    """What every ``Cloner`` promises.

    Fixture:
        cloner: A ``Cloner``.
    """

    def test_copy_is_equal(self, cloner: Cloner, sample: Sample) -> None:
        """A copy is another object of the same class and content."""
        item = sample.build(3)
        copy = cloner.clone(item)
        assert copy == item
        assert copy is not item
        assert type(copy) is sample.model

    def test_copy_is_independent(self, cloner: Cloner, sample: Sample) -> None:
        """What is changed in a copy, at any depth, leaves the original as it was."""
        item = sample.build(3)
        copy = cloner.clone(item)
        sample.write(copy, "my_int32", 99)
        texts: MutableSequence[str] = sample.read(copy, "my_string_slice")  # type: ignore[assignment]
        texts.append("more")
        pairs: MutableMapping[str, str] = sample.read(copy, "my_string2_string_map")  # type: ignore[assignment]
        del pairs["a"]
        sample.write(sample.read(copy, "my_single"), "my_string", "other")
        parts: MutableSequence[object] = sample.read(copy, "my_model_slice")  # type: ignore[assignment]
        sample.write(parts[0], "my_int64", -1)
        assert item == sample.build(3)

    def test_empty_item(self, cloner: Cloner, sample: Sample) -> None:
        """An item without content is copied as such."""
        assert cloner.clone(sample.make()) == sample.make()

    def test_unknown_fields(self, cloner: Cloner) -> None:
        """Fields of a protobuf message that this version does not know are copied too."""
        if ModelKind.PROTOBUF not in self.kinds:
            pytest.skip("the implementation takes no protobuf models")
        # As a part, most fields of the whole message are unknown.
        newer = Message(myString="a", myInt32=5, myBool=True).SerializeToString()
        item = Part.FromString(newer)
        copy = cloner.clone(item)
        assert Message.FromString(copy.SerializeToString()).myBool is True


class UpdaterConformance(ModelConformance):
    """What every ``Updater`` promises.

    Fixture:
        updater: An ``Updater`` for which ``MyString`` is the primary key of the sample model and
            nothing is declared for its parts.
    """

    @staticmethod
    def edited(sample: Sample) -> object:
        """The item 1 with a change of every sort: set, cleared, grown, shrunk, removed, nested."""
        other = sample.build(2)
        return sample.make(
            my_string="string-1",
            my_int32=77,
            my_float64=0.25,
            my_single=sample.make_part(my_string="new", my_int64=4),
            my_string_slice=["a", "x", "c", "d", "string-1", "more"],
            my_int32_slice=[1],
            my_model_slice=sample.read(other, "my_model_slice"),
            my_string2_string_map={"a": "other", "new": "entry"},
            my_string2_model_map=sample.read(other, "my_string2_model_map"),
            my_bool=False,
        )

    def test_no_difference(self, updater: Updater, sample: Sample) -> None:
        """Equal items have no differences; the empty set is falsy."""
        for mode in UpdateMode:
            assert not updater.diff(sample.build(1), sample.build(1), mode=mode)

    def test_set_names_the_item(self, updater: Updater, sample: Sample) -> None:
        """A set of changes names the model and the key, and each change the property."""
        changed = sample.build(1)
        sample.write(changed, "my_int32", 50)
        found = updater.diff(sample.build(1), changed)
        assert (found.model, found.key) == (sample.name, "string-1")
        [change] = found
        assert change == Change(sample.property_id(1, "myint32"), 1, 50)

    def test_apply_gives_the_new_item(self, updater: Updater, sample: Sample) -> None:
        """The changes from old to new, applied to the old, give the new."""
        found = updater.diff(sample.build(1), self.edited(sample))
        assert updater.apply(found, sample.build(1)) == self.edited(sample)

    def test_apply_is_in_place(self, updater: Updater, sample: Sample) -> None:
        """Changes are applied to the target itself, which is returned."""
        target = sample.build(1)
        found = updater.diff(target, self.edited(sample))
        assert updater.apply(found, target) is target

    def test_diff_leaves_both_alone(self, updater: Updater, sample: Sample) -> None:
        """Comparing changes neither item, also when the differences are applied later."""
        old, new = sample.build(1), self.edited(sample)
        found = updater.diff(old, new)
        target = updater.apply(found, sample.build(1))
        sample.write(sample.read(target, "my_single"), "my_string", "changed later")
        assert old == sample.build(1)
        assert new == self.edited(sample)

    def test_invert(self, updater: Updater, sample: Sample) -> None:
        """The inverted changes undo the changes."""
        found = updater.diff(sample.build(1), self.edited(sample))
        assert updater.apply(updater.invert(found), self.edited(sample)) == sample.build(1)

    def test_patch(self, updater: Updater, sample: Sample) -> None:
        """A patch takes what is present in the new item and leaves the rest alone."""
        patch = sample.make(
            my_string="string-1", my_int32=50, my_string2_string_map={"new": "entry"}
        )
        found = updater.diff(sample.build(1), patch, mode=UpdateMode.PATCH)
        expected = sample.build(1)
        sample.write(expected, "my_int32", 50)
        pairs: MutableMapping[str, str] = sample.read(expected, "my_string2_string_map")  # type: ignore[assignment]
        pairs["new"] = "entry"
        assert updater.apply(found, sample.build(1)) == expected

    def test_different_models(self, updater: Updater, sample: Sample) -> None:
        """Items of different models cannot be compared."""
        with pytest.raises(InvalidInputError):
            updater.diff(sample.build(1), sample.make_part(my_string="string-1"))

    def test_different_keys(self, updater: Updater, sample: Sample) -> None:
        """Items of different keys, and models without one, cannot be compared."""
        with pytest.raises(PropertyError):
            updater.diff(sample.build(1), sample.build(2))
        with pytest.raises(PropertyError):
            updater.diff(sample.make_part(my_int64=1), sample.make_part(my_int64=2))

    def test_misfit(self, updater: Updater, sample: Sample) -> None:
        """A change that does not fit the model is refused."""
        for path, value in (("nothing", 1), ("myint32", "many")):
            change = Change(sample.property_id(1, path), None, value)
            changes = ChangeSet(sample.name, "string-1", (change,))
            with pytest.raises(PropertyError):
                updater.apply(changes, sample.build(1))
