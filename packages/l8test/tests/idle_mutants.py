# SPDX-License-Identifier: Apache-2.0
"""Mutants of which one member does nothing: what every test of a suite has to notice at least."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from l8test.conformance import (
    ActivationConformance,
    CacheConformance,
    CollectorConformance,
    DecoratorsConformance,
    DispatcherConformance,
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

    async def nothing(*_: object, **__: object) -> None:
        return None

    async def no_items(*_: object, **__: object) -> Any:
        for item in tuple[object, ...]():
            yield item

    if isinstance(member, property):
        return property(lambda _: None)
    if inspect.isasyncgenfunction(member):
        return no_items
    return nothing if inspect.iscoroutinefunction(member) else lambda *_, **__: None


def member_of(name: str, make: type) -> object:
    """A member as the class declares it."""
    return inspect.getattr_static(make, name)


FOUND: dict[tuple[type, Callable[..., Fixtures], type, str], tuple[str, ...]] = {
    (
        SecurityConformance,
        providers,
        FakeSecurity,
        "allowed_actions",
    ): (
        "test_allowed_actions",
        "test_stranger",
    ),
    (SecurityConformance, providers, FakeSecurity, "decrypt"): (
        "test_foreign",
        "test_round_trip",
    ),
    (SecurityConformance, providers, FakeSecurity, "authenticate"): ("test_log_in",),
    (SecurityConformance, providers, FakeSecurity, "network_secret"): ("test_network_secret",),
    (SecurityConformance, providers, FakeSecurity, "credential"): ("test_unknown_credential",),
    (
        ActivationConformance,
        nodes,
        FakeServices,
        "activate",
    ): (
        "test_activate",
        "test_again",
        "test_deactivate",
    ),
    (DispatcherConformance, nodes, FakeServices, "call"): ("test_call_of_unknown_service",),
    (
        DispatcherConformance,
        nodes,
        FakeServices,
        "activate",
    ): (
        "test_call_that_fails",
        "test_fault_of_a_service",
        "test_notification",
        "test_request",
    ),
    (VNicConformance, pairs, FakeVNic, "container"): ("test_bad_payload",),
    (
        VNicConformance,
        pairs,
        FakeVNic,
        "ask",
    ): (
        "test_forward",
        "test_payloads",
        "test_side_by_side",
        "test_unknown_service",
    ),
    (VNicConformance, pairs, FakeVNic, "connected"): ("test_life",),
    (VNicConformance, pairs, FakeVNic, "announce"): ("test_service",),
    (CacheConformance, caches, FakeCache, "apply"): ("test_apply",),
    (
        CacheConformance,
        caches,
        FakeCache,
        "copied",
    ): (
        "test_copies_in",
        "test_delete",
        "test_events",
        "test_fetch",
        "test_no_change",
        "test_post",
        "test_put_and_patch_add",
    ),
    (CacheConformance, caches, FakeCache, "key_of"): ("test_no_key",),
    (
        ObjectCodecConformance,
        codecs,
        FakeCodec,
        "decode",
    ): (
        "test_exact_kinds",
        "test_models_in_containers",
        "test_round_trip",
    ),
    (ObjectCodecConformance, codecs, FakeCodec, "encode"): ("test_truncated",),
    (ObjectCodecConformance, codecs, FakeCodec, "tagged"): ("test_unknown_type",),
    (
        ElementsConformance,
        elements,
        FakeElementsFactory,
        "of",
    ): (
        "test_empty",
        "test_no_error",
        "test_unsupported",
    ),
    (
        ElementsConformance,
        elements,
        FakeElementsFactory,
        "decode",
    ): (
        "test_entries",
        "test_foreign_error",
        "test_misfit",
        "test_wire",
    ),
    (
        ElementsConformance,
        elements,
        FakeElementsFactory,
        "entries",
    ): (
        "test_first_error_counts",
        "test_immutable",
    ),
    (NotificationConformance, notifications, FakeNotifications, "decode"): ("test_misfit",),
    (
        OrmConformance,
        orms,
        FakeOrm,
        "read",
    ): (
        "test_cases",
        "test_prepare_again",
        "test_put",
        "test_write_and_read",
    ),
    (OrmConformance, orms, FakeOrm, "delete"): ("test_delete",),
    (OrmConformance, orms, FakeOrm, "stream"): ("test_stream",),
    (Queries, queries, FakeQuery, "matches"): (
        "test_absent_values",
        "test_text_on_the_wire",
    ),
    (QueryConformance, queries, FakeQuery, "filter"): ("test_aggregates",),
    (Queries, queries, FakeQuery, "filter"): ("test_parameters",),
    (SerializerConformance, serializers, FakeSerializer, "marshal"): ("test_marshal_is_pure",),
    (SerializerConformance, serializers, FakeSerializer, "unmarshal"): ("test_misfit",),
    (StorageConformance, stores, FakeStorage, "get"): (
        "test_put_and_get",
        "test_replace",
    ),
    (CollectorConformance, collectors, FakeCollector, "poll"): ("test_poll",),
    (SwitchConformance, switches, FakeSwitch, "join"): ("test_forward",),
    (RegistryConformance, registries, FakeRegistry, "enum"): ("test_enums",),
    (
        RegistryConformance,
        registries,
        FakeRegistry,
        "info",
    ): (
        "test_name_can_be_chosen",
        "test_registered_type_is_found",
    ),
    (
        RegistryConformance,
        registries,
        FakeRegistry,
        "register",
    ): (
        "test_no_new_instance",
        "test_registering_again_gives_the_same",
    ),
    (RegistryConformance, registries, FakeRegistry, "info_of"): ("test_type_of_value",),
    (Cloners, cloners, FakeCloner, "clone"): ("test_empty_item",),
    (
        InspectorConformance,
        introspectors,
        FakeIntrospector,
        "inspect",
    ): (
        "test_attributes",
        "test_enums",
        "test_instances",
        "test_nested_models",
        "test_root",
        "test_roots",
        "test_shapes",
        "test_table_view",
        "test_unknown_node",
    ),
    (
        DecoratorsConformance,
        introspectors,
        FakeIntrospector,
        "decorate",
    ): (
        "test_primary_key",
        "test_primary_keys_differ",
        "test_unknown_attribute",
    ),
    (
        PropertyConformance,
        keyed,
        FakeIntrospector,
        "decorate",
    ): (
        "test_id",
        "test_of_item",
        "test_read",
        "test_read_absent",
    ),
    (
        PropertyConformance,
        keyed,
        FakeIntrospector,
        "inspect",
    ): (
        "test_malformed",
        "test_unknown_attribute",
    ),
    (
        UpdaterConformance,
        updaters,
        FakeUpdater,
        "diff",
    ): (
        "test_different_models",
        "test_set_names_the_item",
    ),
    (UpdaterConformance, updaters, FakeUpdater, "apply"): ("test_misfit",),
}
"""Suite, its fixtures, what they are made of and the idle member: the tests that notice."""

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (suite, fixtures(**{name: idle(member_of(name, make))}), test)
    for (suite, fixtures, make, name), tests in FOUND.items()
    for test in tests
]
