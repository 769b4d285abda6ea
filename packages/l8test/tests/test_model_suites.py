# SPDX-License-Identifier: Apache-2.0
"""The suites about models pass an implementation that keeps its promises and catch each mutant."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from typing_extensions import override

from l8test.conformance import (
    ClonerConformance,
    DecoratorsConformance,
    InspectorConformance,
    PropertyConformance,
    RegistryConformance,
    UpdaterConformance,
)
from l8test.models import ModelKind
from l8types.enums import DecoratorType, UpdateMode
from l8types.errors import NotFoundError
from l8types.values import ChangeSet

from .fake_models import FakeCloner, FakeIntrospector, FakeRegistry, FakeUpdater, Info, Property
from .harness import RECORD, Fixtures, failures


def declared(introspector: FakeIntrospector) -> FakeIntrospector:
    """With the key of the sample model."""
    introspector.decorate(RECORD.model, DecoratorType.PRIMARY, "MyString")
    return introspector


class RecordsOnly:
    """The capability of the implementations here."""

    kinds = frozenset({ModelKind.DATACLASS})


class TestFakeRegistry(RecordsOnly, RegistryConformance):
    """The suite, used as an implementer does."""

    @pytest.fixture
    def registry(self) -> FakeRegistry:
        """A fresh one."""
        return FakeRegistry()


class TestFakeCloner(RecordsOnly, ClonerConformance):
    """The same for a suite with a capability that is lacking."""

    @pytest.fixture
    def cloner(self) -> FakeCloner:
        """A fresh one."""
        return FakeCloner()


class OverwritingRegistry(FakeRegistry):
    """Gives a name to whoever comes last."""

    @override
    def register(self, model: type, *, name: str = "") -> Info:
        self.known[name or model.__name__] = Info(name or model.__name__, model)
        return self.known[name or model.__name__]


class CuriousRegistry(FakeRegistry):
    """Registers what it is asked about."""

    @override
    def info_of(self, value: type | object) -> Info:
        return self.register(value if isinstance(value, type) else type(value))


class SharingRegistry(FakeRegistry):
    """Hands out one instance."""

    @override
    def register(self, model: type, *, name: str = "") -> Info:
        info = super().register(model, name=name)
        if model is RECORD.model:
            instance = model()
            object.__setattr__(info, "new", lambda: instance)
        return info


class ForgetfulRegistry(FakeRegistry):
    """Never says that it knew."""

    @override
    def unregister(self, name: str) -> bool:
        super().unregister(name)
        return True


class CurtRegistry(FakeRegistry):
    """Does not suggest anything."""

    @override
    def info(self, name: str) -> Info:
        if name not in self.known:
            raise NotFoundError("no such type")
        return self.known[name]


class UnsortedRegistry(FakeRegistry):
    """Lists types by name."""

    @override
    def types(self) -> tuple[Info, ...]:
        return tuple(sorted(self.known.values(), key=lambda info: info.name))


class ShallowCloner(FakeCloner):
    """Copies the surface."""

    @override
    def clone(self, item: Any) -> Any:
        return copy.copy(item)


class IdleCloner(FakeCloner):
    """Does not copy."""

    @override
    def clone(self, item: Any) -> Any:
        return item


class AgeingIntrospector(FakeIntrospector):
    """Takes case seriously."""

    @override
    def node(self, path: str) -> Any:
        if path != path.lower():
            raise NotFoundError(path)
        return super().node(path)


class KeepingIntrospector(FakeIntrospector):
    """Does not forget."""

    @override
    def forget(self, type_name: str) -> None:
        return None


class TolerantIntrospector(FakeIntrospector):
    """Finds a model in everything."""

    @override
    def inspect(self, model: type | object) -> Any:
        return super().inspect(RECORD.model if isinstance(model, int) else model)


class AddingIntrospector(FakeIntrospector):
    """Adds declarations up."""

    @override
    def decorate(self, model: type, decorator: DecoratorType, *fields: str) -> None:
        before = self.declared.get((model, decorator), ())
        super().decorate(model, decorator, *before, *fields)


class KeylessIntrospector(FakeIntrospector):
    """Takes the empty text for a key."""

    @override
    def primary_key(self, item: object) -> str:
        return self.key(item, DecoratorType.PRIMARY)


class LoudIntrospector(FakeIntrospector):
    """Tells an empty unique key."""

    @override
    def unique_key(self, item: object) -> str | None:
        return self.key(item, DecoratorType.UNIQUE)


class RawIntrospector(FakeIntrospector):
    """Tells names as they were given."""

    @override
    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        found = super().fields(model, decorator)
        return found and tuple(name.lower() for name in found)


def with_property(**members: Any) -> type[FakeIntrospector]:
    """Introspector whose properties have these members."""

    class Changed(FakeIntrospector):
        @override
        def property(self, property_id: str) -> Property:
            found = super().property(property_id)
            found.__class__ = type("Mutant", (Property,), members)
            return found

    return Changed


class EagerUpdater(FakeUpdater):
    """Works on a copy."""

    @override
    def apply(self, changes: ChangeSet, target: Any) -> Any:
        return super().apply(changes, copy.deepcopy(target))


class CompleteUpdater(FakeUpdater):
    """Takes every item for complete."""

    @override
    def diff(self, old: Any, new: Any, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        return super().diff(old, new)


class PartialUpdater(FakeUpdater):
    """Takes every item for a patch."""

    @override
    def diff(self, old: Any, new: Any, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        return super().diff(old, new, mode=UpdateMode.PATCH)


class OneWayUpdater(FakeUpdater):
    """Does not turn changes round."""

    @override
    def invert(self, changes: ChangeSet) -> ChangeSet:
        return ChangeSet(changes.model, changes.key, changes.changes[::-1])


class SharingUpdater(FakeUpdater):
    """Lets the changes share content with the items."""

    @override
    def apply(self, changes: ChangeSet, target: Any) -> Any:
        for change in changes:
            self.introspector.property(change.property_id).set(target, change.new)
        return target

    @override
    def diff(self, old: Any, new: Any, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        found = super().diff(old, new, mode=mode)
        for change in found:
            value = self.introspector.property(change.property_id).get(new)
            object.__setattr__(change, "new", value)
        return found


class KeyBlindUpdater(FakeUpdater):
    """Compares different items."""

    @override
    def diff(self, old: Any, new: Any, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        new = copy.copy(new)
        new.my_string = old.my_string
        return super().diff(old, new, mode=mode)


def introspectors(make: type[FakeIntrospector]) -> Fixtures:
    """Fixtures of the suites about introspectors."""
    return {"introspector": make}


def keyed(make: type[FakeIntrospector]) -> Fixtures:
    """Fixtures of the suite about properties."""
    return {"introspector": lambda: declared(make())}


def updaters(make: type[FakeUpdater]) -> Fixtures:
    """Fixtures of the suite about differences."""
    return {"updater": lambda: make(declared(FakeIntrospector()))}


class Cloners(RecordsOnly, ClonerConformance):
    """The suite as it suits the implementation."""


SOUND: list[tuple[type, Fixtures]] = [
    (RegistryConformance, {"registry": FakeRegistry}),
    (Cloners, {"cloner": FakeCloner}),
    (InspectorConformance, introspectors(FakeIntrospector)),
    (DecoratorsConformance, introspectors(FakeIntrospector)),
    (PropertyConformance, keyed(FakeIntrospector)),
    (UpdaterConformance, updaters(FakeUpdater)),
]

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (RegistryConformance, {"registry": OverwritingRegistry}, "test_name_of_another_class"),
    (RegistryConformance, {"registry": CuriousRegistry}, "test_type_of_unknown_value"),
    (RegistryConformance, {"registry": SharingRegistry}, "test_new_instance"),
    (RegistryConformance, {"registry": ForgetfulRegistry}, "test_unregister"),
    (RegistryConformance, {"registry": CurtRegistry}, "test_unknown_name"),
    (RegistryConformance, {"registry": UnsortedRegistry}, "test_order_of_types"),
    (Cloners, {"cloner": ShallowCloner}, "test_copy_is_independent"),
    (Cloners, {"cloner": IdleCloner}, "test_copy_is_equal"),
    (InspectorConformance, introspectors(AgeingIntrospector), "test_look_up"),
    (InspectorConformance, introspectors(KeepingIntrospector), "test_forget"),
    (InspectorConformance, introspectors(TolerantIntrospector), "test_no_model"),
    (DecoratorsConformance, introspectors(AddingIntrospector), "test_second_declaration"),
    (DecoratorsConformance, introspectors(KeylessIntrospector), "test_no_primary_key"),
    (DecoratorsConformance, introspectors(LoudIntrospector), "test_unique_key"),
    (DecoratorsConformance, introspectors(RawIntrospector), "test_declaration"),
    (PropertyConformance, keyed(with_property(check=lambda *_: None)), "test_write_misfit"),
    (PropertyConformance, keyed(with_property(delete=lambda *_: None)), "test_delete"),
    (PropertyConformance, keyed(with_property(set=lambda *_: None)), "test_write"),
    (
        PropertyConformance,
        keyed(with_property(values=lambda self, item: iter([self.get(item)]))),
        "test_fan_out",
    ),
    (PropertyConformance, keyed(KeylessIntrospector), "test_of_item_without_key"),
    (UpdaterConformance, updaters(EagerUpdater), "test_apply_is_in_place"),
    (UpdaterConformance, updaters(CompleteUpdater), "test_patch"),
    (UpdaterConformance, updaters(PartialUpdater), "test_apply_gives_the_new_item"),
    (UpdaterConformance, updaters(OneWayUpdater), "test_invert"),
    (UpdaterConformance, updaters(SharingUpdater), "test_diff_leaves_both_alone"),
    (UpdaterConformance, updaters(KeyBlindUpdater), "test_different_keys"),
]


@pytest.mark.parametrize(("suite", "fixtures"), SOUND)
def test_sound(suite: type, fixtures: Fixtures) -> None:
    """An implementation that keeps its promises passes."""
    assert failures(suite, fixtures) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """An implementation that breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
