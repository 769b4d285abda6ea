# SPDX-License-Identifier: Apache-2.0
"""Lookups in the directory of a node: the services of a large network do not slow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.values import NodeInfo, ServiceKey
from layer8_net._core.directory import Directory
from tools.bench.timing import rate_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZES: Final = (10, 10_000)
"""Services in the table; ten of them on each node, each on two nodes."""
PER_NODE: Final = 10


def directory(services: int) -> Directory:
    """A directory with that many services."""
    table = Directory()
    keys = [ServiceKey(f"s{number}") for number in range(services)]
    for start in range(0, services, PER_NODE):
        offered = {key: f"Model{key.name}" for key in keys[start : start + PER_NODE]}
        for twin in "ab":
            table.put(NodeInfo(f"{twin}-{start}", twin, "switch", services=offered))
    return table


def measure(seconds: float) -> Mapping[str, float]:
    """Return the lookups per second in a small and a large table."""
    figures = {}
    for size in SIZES:
        names: dict[str, object] = {"table": directory(size), "key": ServiceKey("s7")}
        figures[f"providers, {size} services"] = rate_of("table.providers(key)", names, seconds)
        model = "table.services_of_model('Models7')"
        figures[f"by model, {size} services"] = rate_of(model, names, seconds)
    return figures
