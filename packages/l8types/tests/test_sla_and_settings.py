# SPDX-License-Identifier: Apache-2.0
"""Agreements and settings refuse what cannot work."""

from __future__ import annotations

import uuid

import pytest

from l8types.errors import ConfigurationError, InvalidInputError
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey


def sla(**changes: object) -> ServiceLevelAgreement:
    """An agreement whose handler is never made."""
    return ServiceLevelAgreement(name="Books", handler=list, **changes)  # type: ignore[arg-type]


@pytest.mark.feature("TYP-26")
def test_the_group_falls_back_to_the_service_name() -> None:
    """Services share a leader only when they say so."""
    assert sla().election_group == "Books"
    assert sla(group="").election_group == "Books"
    assert sla(group="System").election_group == "System"
    assert sla(area=4).key == ServiceKey("Books", 4)


@pytest.mark.feature("TYP-26")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"area": 256}, "is not in 0..255"),
        ({"model": dict}, "declares no primary key"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, object], message: str) -> None:
    """An agreement that contradicts itself never reaches a manager."""
    with pytest.raises(InvalidInputError, match=message):
        sla(**changes)


@pytest.mark.feature("REP-03")
@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"replication_count": 0, "transactional": True}, "None for all"),
        ({"replication_count": -1, "transactional": True}, "None for all"),
        ({"replication_count": 2}, "say transactional=True"),
    ],
)
def test_replication_that_cannot_be(changes: dict[str, object], advice: str) -> None:
    """Replication without a count, or without transactions, is refused, and the error says how."""
    with pytest.raises(ConfigurationError, match=advice):
        sla(**changes)
    assert sla(transactional=True).replication_count is None


@pytest.mark.feature("TYP-42")
def test_default_settings_are_those_of_the_ecosystem() -> None:
    """Port and frame limit are the ones that Go nodes use, and every node has its own id."""
    first, second = NodeSettings(), NodeSettings()
    assert (first.port, first.max_frame_bytes) == (10005, 52_428_800)
    assert first.uuid != second.uuid


@pytest.mark.feature("TYP-17")
def test_ids_are_random_uuids_of_version_4() -> None:
    """In the form that the wire has room for: 36 characters, lower case, with hyphens."""
    ids = [NodeSettings().uuid for _ in range(100)]
    assert len(set(ids)) == 100
    for one in ids:
        parsed = uuid.UUID(one)
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
        assert str(parsed) == one


@pytest.mark.parametrize(
    "changes",
    [{"port": 70_000}, {"keep_alive": 0.0}, {"max_frame_bytes": 10}, {"uuid": "short"}],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object]) -> None:
    """A wrong setting is an error at start, not at three in the morning."""
    with pytest.raises(ConfigurationError):
        NodeSettings(**changes)  # type: ignore[arg-type]
