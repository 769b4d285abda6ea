# SPDX-License-Identifier: Apache-2.0
"""Numbers of the enumerations that travel on the wire."""

from __future__ import annotations

import pytest

from l8types.enums import (
    Action,
    DecoratorType,
    MulticastMode,
    NodeState,
    NotificationType,
    Priority,
    TransactionState,
)
from l8types.pb.health_pb2 import L8HealthState
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.pb.reflect_pb2 import L8DecoratorType


@pytest.mark.feature("TYP-11")
def test_priorities_and_modes_fit_the_header() -> None:
    """The highest priority is 7; every mode that can be sent fits four bits."""
    assert [priority.value for priority in Priority] == list(range(8))
    assert max(Priority) is Priority.P1
    assert all(mode < 16 for mode in MulticastMode if mode is not MulticastMode.UNICAST)


@pytest.mark.feature("TYP-11")
def test_actions_are_numbered_as_on_the_wire() -> None:
    """CRUD comes first, map-reduce is CRUD plus 20, 20 itself is not used."""
    assert [Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET] == [1, 2, 3, 4, 5]
    for verb in ("POST", "PUT", "PATCH", "DELETE", "GET"):
        assert Action[f"MAP_REDUCE_{verb}"] == Action[verb] + 20
    assert 20 not in set(Action)
    assert [state.value for state in TransactionState] == list(range(8))


def test_enumerations_agree_with_their_messages() -> None:
    """Python enums and protobuf enums of the same thing have the same numbers."""
    assert [n.value for n in NotificationType] == sorted(L8NotificationType.values())
    assert [n.value for n in NodeState] == sorted(L8HealthState.values())
    assert [n.value for n in DecoratorType] == sorted(L8DecoratorType.values())


def test_numbers_are_found_by_their_names_and_the_reverse() -> None:
    """A member and its number are the same key, in any interpreter."""
    by_name: dict[int, str] = {Action.POST: "a"}
    by_number = {1: "a"}
    assert by_name[1] == by_number[Action.POST] == "a"
    assert hash(Action.POST) == hash(int(Action.POST))
