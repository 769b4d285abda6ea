# SPDX-License-Identifier: Apache-2.0
"""The list of benchmarks, and the seam where a new one is added.

A benchmark is a module with a function

    def measure(seconds: float) -> dict[str, float]: ...

that measures for about that long per figure and returns each figure's name with its value; more
is better. It runs in a fresh process, several times, in turns with the others. To add one, write
the module and put a line into `BENCHMARKS`. Figures of equal names in one group are compared: the
benchmark with `limit=True` is what the machine could do at best, the others are shown with their
share of it. A module may say with `available() -> str` why it cannot be measured on this machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final, cast

Measure = Callable[[float], dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One thing that is measured."""

    name: str
    """What stands in the table."""
    group: str
    """What is measured; figures are compared within a group."""
    module: str
    """Where `measure` is; imported only in the process that measures."""
    function: str = "measure"
    """What `measure` is called, in a module that holds several of them."""
    limit: bool = False
    """Whether this is the bare limit that the others of the group are compared with."""

    def load(self) -> Measure:
        """Return the function that measures."""
        return cast("Measure", getattr(import_module(self.module), self.function))

    def obstacle(self) -> str:
        """Return why it cannot be measured here (a peer is not installed), empty when it can."""
        available = getattr(import_module(self.module), "available", None)
        return available() if available is not None else ""


BENCHMARKS: Final = (
    Benchmark(
        name="bare relay",
        group="request/reply through one hop, per second",
        module="tools.bench.net.relay",
        limit=True,
    ),
    Benchmark(
        name="our network",
        group="request/reply through one hop, per second",
        module="tools.bench.net.ours",
    ),
    Benchmark(
        name="nats-py, nats-server",
        group="request/reply through one hop, per second",
        module="tools.bench.net.nats_server",
    ),
    Benchmark(
        name="grpc.aio, no hop",
        group="request/reply through one hop, per second",
        module="tools.bench.net.grpc_aio",
    ),
    Benchmark(
        name="zenoh, router",
        group="request/reply through one hop, per second",
        module="tools.bench.net.zenoh_router",
    ),
    Benchmark(
        name="network in Go, noted",
        group="request/reply through one hop, per second",
        module="tools.bench.net.noted",
    ),
    Benchmark(
        name="our one way",
        group="messages one way through one hop, per second",
        module="tools.bench.net.ours",
        function="measure_one_way",
    ),
    Benchmark(
        name="nats one way",
        group="messages one way through one hop, per second",
        module="tools.bench.net.nats_server",
        function="measure_one_way",
    ),
    Benchmark(
        name="zenoh one way",
        group="messages one way through one hop, per second",
        module="tools.bench.net.zenoh_router",
        function="measure_one_way",
    ),
    Benchmark(
        name="one way in Go, noted",
        group="messages one way through one hop, per second",
        module="tools.bench.net.noted",
        function="measure_one_way",
    ),
    Benchmark(
        name="our multicast",
        group="a message to ten nodes, deliveries per second",
        module="tools.bench.net.ours",
        function="measure_multicast",
    ),
    Benchmark(
        name="nats multicast",
        group="a message to ten nodes, deliveries per second",
        module="tools.bench.net.nats_server",
        function="measure_multicast",
    ),
    Benchmark(
        name="multicast in Go, noted",
        group="a message to ten nodes, deliveries per second",
        module="tools.bench.net.noted",
        function="measure_multicast",
    ),
    Benchmark(
        name="our crowd",
        group="a thousand interfaces on one switch",
        module="tools.bench.net.ours",
        function="measure_crowd",
    ),
    Benchmark(
        name="our directory",
        group="services looked up in a small and a large network, per second",
        module="tools.bench.net.tables",
    ),
    Benchmark(
        name="dict and sorted",
        group="cache of 100 000 items, operations per second",
        module="tools.bench.cache_by_hand",
        limit=True,
    ),
    Benchmark(
        name="our cache",
        group="cache of 100 000 items, operations per second",
        module="tools.bench.cache",
    ),
    Benchmark(
        name="Go, noted elsewhere",
        group="cache of 100 000 items, operations per second",
        module="tools.bench.cache_noted",
    ),
    Benchmark(
        name="protobuf, msgpack",
        group="an item to self-describing bytes and back, per second",
        module="tools.bench.codec",
        function="measure_bare",
        limit=True,
    ),
    Benchmark(
        name="the same in order",
        group="an item to self-describing bytes and back, per second",
        module="tools.bench.codec",
        function="measure_in_order",
    ),
    Benchmark(
        name="our codec",
        group="an item to self-describing bytes and back, per second",
        module="tools.bench.codec",
    ),
    Benchmark(
        name="our codec in order",
        group="an item to self-describing bytes and back, per second",
        module="tools.bench.codec",
        function="measure_ours_in_order",
    ),
    Benchmark(
        name="pickle",
        group="an item to self-describing bytes and back, per second",
        module="tools.bench.codec",
        function="measure_peer",
    ),
    Benchmark(
        name="codec in Go, noted",
        group="an item to self-describing bytes and back, per second",
        module="tools.bench.codec",
        function="measure_noted",
    ),
    Benchmark(
        name="written in code",
        group="values of an item by property id, per second",
        module="tools.bench.properties",
        function="measure_bare",
        limit=True,
    ),
    Benchmark(
        name="written as functions",
        group="values of an item by property id, per second",
        module="tools.bench.properties",
        function="measure_function",
    ),
    Benchmark(
        name="our properties",
        group="values of an item by property id, per second",
        module="tools.bench.properties",
    ),
    Benchmark(
        name="attrgetter",
        group="values of an item by property id, per second",
        module="tools.bench.properties",
        function="measure_peer",
    ),
    Benchmark(
        name="property in Go, noted",
        group="values of an item by property id, per second",
        module="tools.bench.properties",
        function="measure_noted",
    ),
    Benchmark(
        name="==, CopyFrom",
        group="items compared and copied, per second",
        module="tools.bench.changes",
        function="measure_bare",
        limit=True,
    ),
    Benchmark(
        name="our changes",
        group="items compared and copied, per second",
        module="tools.bench.changes",
    ),
    Benchmark(
        name="deepdiff, deepcopy",
        group="items compared and copied, per second",
        module="tools.bench.changes",
        function="measure_peer",
    ),
    Benchmark(
        name="changes in Go, noted",
        group="items compared and copied, per second",
        module="tools.bench.changes",
        function="measure_noted",
    ),
    Benchmark(
        name="comprehension",
        group="queries on 10 000 small objects: items filtered, texts parsed, per second",
        module="tools.bench.query",
        function="measure_by_hand",
        limit=True,
    ),
    Benchmark(
        name="our queries",
        group="queries on 10 000 small objects: items filtered, texts parsed, per second",
        module="tools.bench.query",
    ),
    Benchmark(
        name="queries in Go, noted",
        group="queries on 10 000 small objects: items filtered, texts parsed, per second",
        module="tools.bench.query",
        function="measure_noted",
    ),
    Benchmark(
        name="Core by hand",
        group="store on SQLite, objects of four rows: written and read, pages, per second",
        module="tools.bench.orm",
        function="measure_by_hand",
        limit=True,
    ),
    Benchmark(
        name="our store",
        group="store on SQLite, objects of four rows: written and read, pages, per second",
        module="tools.bench.orm",
    ),
    Benchmark(
        name="our store, declared keys",
        group="store on SQLite, objects of four rows: written and read, pages, per second",
        module="tools.bench.orm",
        function="measure_declared",
    ),
    Benchmark(
        name="SQLAlchemy ORM",
        group="store on SQLite, objects of four rows: written and read, pages, per second",
        module="tools.bench.orm",
        function="measure_peer",
    ),
    Benchmark(
        name="aiosqlite alone",
        group="samples on SQLite: appended, read as a range, answers down-sampled, per second",
        module="tools.bench.series",
        function="measure_driver",
        limit=True,
    ),
    Benchmark(
        name="our series",
        group="samples on SQLite: appended, read as a range, answers down-sampled, per second",
        module="tools.bench.series",
    ),
    Benchmark(
        name="our transactions",
        group="transactions of nine members in one process, per second",
        module="tools.bench.transactions",
    ),
    Benchmark(
        name="ours without journals",
        group="transactions of nine members in one process, per second",
        module="tools.bench.transactions",
        function="measure_memory",
    ),
    Benchmark(
        name="transactions in Go, noted",
        group="transactions of nine members in one process, per second",
        module="tools.bench.transactions",
        function="measure_noted",
    ),
    Benchmark(
        name="ours, two of nine hold an item",
        group="replicated transactions of nine members in one process, per second",
        module="tools.bench.transactions",
        function="measure_replicated",
    ),
    Benchmark(
        name="the same without journals",
        group="replicated transactions of nine members in one process, per second",
        module="tools.bench.transactions",
        function="measure_replicated_memory",
    ),
    Benchmark(
        name="replicated in Go, noted",
        group="replicated transactions of nine members in one process, per second",
        module="tools.bench.transactions",
        function="measure_replicated_noted",
    ),
    Benchmark(
        name="our distributed cache",
        group="changes of a distributed cache at nine instances in one process, per second",
        module="tools.bench.replicas",
    ),
    Benchmark(
        name="distributed cache in Go, noted",
        group="changes of a distributed cache at nine instances in one process, per second",
        module="tools.bench.replicas",
        function="measure_noted",
    ),
    Benchmark(
        name="our distributed cache, apart",
        group="changes of a distributed cache at nine instances in nine processes, per second",
        module="tools.bench.replicas_apart",
    ),
)
