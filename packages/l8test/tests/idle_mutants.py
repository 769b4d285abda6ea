# SPDX-License-Identifier: Apache-2.0
"""Mutants of which one member is stuck, tired or idle, which a suite has to notice at least."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from l8test.conformance import (
    ActivationConformance,
    CacheConformance,
    CollectorConformance,
    DecoratorsConformance,
    ElementsConformance,
    InspectorConformance,
    NotificationConformance,
    ObjectCodecConformance,
    OrmConformance,
    PropertyConformance,
    QueryConformance,
    RegistryConformance,
    SecurityConformance,
    SerializerConformance,
    StorageConformance,
    SwitchConformance,
    UpdaterConformance,
    VNicConformance,
)

from . import test_model_suites as models
from .fake_data import FakeCache, FakeOrm, FakeStorage
from .fake_models import FakeCloner, FakeIntrospector, FakeRegistry, FakeUpdater
from .fake_network import FakeServices, FakeVNic
from .fake_parts import FakeCollector, FakeSwitch
from .fake_query import FakeQuery
from .fake_security import FakeSecurity
from .fake_wire import FakeCodec, FakeElementsFactory, FakeNotifications, FakeSerializer
from .test_data_suites import (
    Queries,
    caches,
    codecs,
    elements,
    notifications,
    orms,
    queries,
    serializers,
    stores,
)
from .test_model_suites import Cloners
from .test_part_suites import collectors, switches
from .test_runtime_suites import nodes, pairs, providers

if TYPE_CHECKING:
    from collections.abc import Callable

    from .harness import Fixtures


def registries(**members: Any) -> Fixtures:
    """Fixtures with a registry that differs in these members."""
    return {"registry": type("Mutant", (FakeRegistry,), members)}


def cloners(**members: Any) -> Fixtures:
    """Fixtures with a cloner that differs in these members."""
    return {"cloner": type("Mutant", (FakeCloner,), members)}


def introspectors(**members: Any) -> Fixtures:
    """Fixtures with an introspector that differs in these members."""
    return models.introspectors(type("Mutant", (FakeIntrospector,), members))


def keyed(**members: Any) -> Fixtures:
    """The same, where the sample model has its key."""
    return models.keyed(type("Mutant", (FakeIntrospector,), members))


def updaters(**members: Any) -> Fixtures:
    """Fixtures with an updater that differs in these members."""
    return models.updaters(type("Mutant", (FakeUpdater,), members))


def idle(member: object) -> object:
    """What stands in the place of a member, does nothing and gives nothing."""
    return limited(member, 0)


def tired(member: object) -> object:
    """What works the first time, and gives nothing when it is asked again."""
    return limited(member, 1)


def limited(member: object, times: int) -> object:
    """What works as often as this, in all instances together, and then gives nothing."""
    left = iter(range(times))

    def works() -> bool:
        return next(left, None) is not None

    async def call(self: object, *arguments: Any, **options: Any) -> Any:
        return await member(self, *arguments, **options) if works() else None  # type: ignore[operator]

    async def items(self: object, *arguments: Any, **options: Any) -> Any:
        if works():
            async for item in member(self, *arguments, **options):  # type: ignore[operator]
                yield item

    if isinstance(member, property):
        return property(lambda self: member.fget(self) if works() else None)  # type: ignore[misc]
    if inspect.isasyncgenfunction(member):
        return items
    if inspect.iscoroutinefunction(member):
        return call
    return lambda *a, **o: member(*a, **o) if works() else None  # type: ignore[operator]


def stuck(member: object) -> object:
    """What gives its first result for ever, as a cache does whose key was forgotten."""
    kept: list[Any] = []

    def call(self: object, *arguments: Any, **options: Any) -> Any:
        if not kept:
            kept.append(member(self, *arguments, **options))  # type: ignore[operator]
        return kept[0]

    async def wait(self: object, *arguments: Any, **options: Any) -> Any:
        if not kept:
            kept.append(await member(self, *arguments, **options))  # type: ignore[operator]
        return kept[0]

    if isinstance(member, property):
        return property(stuck(member.fget))  # type: ignore[arg-type]
    return wait if inspect.iscoroutinefunction(member) else call


def member_of(name: str, make: type) -> object:
    """A member as the class declares it."""
    return inspect.getattr_static(make, name)


Faults = dict[tuple[type, "Callable[..., Fixtures]", type, str], tuple[str, ...]]
"""Suite, its fixtures, what they are made of and the faulty member: the tests that notice."""

STUCK: Faults = {
    (SecurityConformance, providers, FakeSecurity, "decrypt"): ("test_round_trip",),
    (ActivationConformance, nodes, FakeServices, "activate"): ("test_again",),
    (VNicConformance, pairs, FakeVNic, "ask"): (
        "test_forward",
        "test_payloads",
        "test_side_by_side",
    ),
    (VNicConformance, pairs, FakeVNic, "connected"): ("test_life",),
    (CacheConformance, caches, FakeCache, "apply"): ("test_apply",),
    (CacheConformance, caches, FakeCache, "copied"): (
        "test_delete",
        "test_fetch",
    ),
    (ObjectCodecConformance, codecs, FakeCodec, "decode"): (
        "test_exact_kinds",
        "test_round_trip",
    ),
    (OrmConformance, orms, FakeOrm, "read"): ("test_cases",),
    (Queries, queries, FakeQuery, "matches"): (
        "test_absent_values",
        "test_text_on_the_wire",
    ),
    (QueryConformance, queries, FakeQuery, "filter"): ("test_aggregates",),
    (StorageConformance, stores, FakeStorage, "get"): ("test_put_and_get",),
    (RegistryConformance, registries, FakeRegistry, "enum"): ("test_enums",),
    (InspectorConformance, introspectors, FakeIntrospector, "inspect"): ("test_roots",),
}
"""Gives its first result for ever."""

TIRED: Faults = {
    (SecurityConformance, providers, FakeSecurity, "decrypt"): ("test_foreign",),
    (SecurityConformance, providers, FakeSecurity, "network_secret"): ("test_network_secret",),
    (SecurityConformance, providers, FakeSecurity, "credential"): ("test_unknown_credential",),
    (CacheConformance, caches, FakeCache, "copied"): ("test_post",),
    (CacheConformance, caches, FakeCache, "key_of"): ("test_no_key",),
    (ElementsConformance, elements, FakeElementsFactory, "decode"): (
        "test_foreign_error",
        "test_misfit",
        "test_wire",
    ),
    (NotificationConformance, notifications, FakeNotifications, "decode"): ("test_misfit",),
    (SerializerConformance, serializers, FakeSerializer, "marshal"): ("test_marshal_is_pure",),
    (SerializerConformance, serializers, FakeSerializer, "unmarshal"): ("test_misfit",),
    (CollectorConformance, collectors, FakeCollector, "poll"): ("test_poll",),
    (RegistryConformance, registries, FakeRegistry, "register"): (
        "test_registering_again_gives_the_same",
    ),
    (RegistryConformance, registries, FakeRegistry, "info_of"): ("test_type_of_value",),
    (InspectorConformance, introspectors, FakeIntrospector, "inspect"): ("test_instances",),
    (PropertyConformance, keyed, FakeIntrospector, "inspect"): (
        "test_malformed",
        "test_unknown_attribute",
    ),
    (UpdaterConformance, updaters, FakeUpdater, "apply"): ("test_misfit",),
}
"""Gives nothing the second time."""

IDLE: Faults = {
    (CacheConformance, caches, FakeCache, "copied"): (
        "test_copies_in",
        "test_events",
        "test_no_change",
        "test_put_and_patch_add",
    ),
    (ObjectCodecConformance, codecs, FakeCodec, "decode"): ("test_models_in_containers",),
    (ObjectCodecConformance, codecs, FakeCodec, "encode"): ("test_truncated",),
    (ObjectCodecConformance, codecs, FakeCodec, "tagged"): ("test_unknown_type",),
    (ElementsConformance, elements, FakeElementsFactory, "of"): (
        "test_empty",
        "test_no_error",
        "test_unsupported",
    ),
    (ElementsConformance, elements, FakeElementsFactory, "decode"): ("test_entries",),
    (ElementsConformance, elements, FakeElementsFactory, "entries"): (
        "test_first_error_counts",
        "test_immutable",
    ),
    (OrmConformance, orms, FakeOrm, "read"): (
        "test_prepare_again",
        "test_put",
        "test_write_and_read",
    ),
    (OrmConformance, orms, FakeOrm, "delete"): ("test_delete",),
    (OrmConformance, orms, FakeOrm, "stream"): ("test_stream",),
    (Queries, queries, FakeQuery, "filter"): ("test_parameters",),
    (StorageConformance, stores, FakeStorage, "get"): ("test_replace",),
    (SwitchConformance, switches, FakeSwitch, "join"): ("test_forward",),
    (RegistryConformance, registries, FakeRegistry, "info"): (
        "test_name_can_be_chosen",
        "test_registered_type_is_found",
    ),
    (RegistryConformance, registries, FakeRegistry, "register"): ("test_no_new_instance",),
    (Cloners, cloners, FakeCloner, "clone"): ("test_empty_item",),
    (InspectorConformance, introspectors, FakeIntrospector, "inspect"): (
        "test_attributes",
        "test_enums",
        "test_nested_models",
        "test_root",
        "test_shapes",
        "test_table_view",
        "test_unknown_node",
    ),
    (DecoratorsConformance, introspectors, FakeIntrospector, "decorate"): (
        "test_primary_key",
        "test_primary_keys_differ",
        "test_unknown_attribute",
    ),
    (PropertyConformance, keyed, FakeIntrospector, "decorate"): (
        "test_id",
        "test_of_item",
        "test_read",
        "test_read_absent",
    ),
    (UpdaterConformance, updaters, FakeUpdater, "diff"): (
        "test_different_models",
        "test_set_names_the_item",
    ),
}
"""Gives nothing."""

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (suite, fixtures(**{name: fault(member_of(name, make))}), test)
    for fault, found in ((stuck, STUCK), (tired, TIRED), (idle, IDLE))
    for (suite, fixtures, make, name), tests in found.items()
    for test in tests
]
