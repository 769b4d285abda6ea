# SPDX-License-Identifier: Apache-2.0
"""The table of the benchmarks, and the bare relay that everything is compared with."""

from unittest.mock import Mock

import pytest

from tools.bench import __main__ as bench
from tools.bench.net import relay
from tools.bench.net._load import OUTSTANDING, SIZES, figure
from tools.bench.registry import BENCHMARKS, Benchmark


def test_table_compares_within_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure is shown with its share of the limit of its group, where there is one."""
    limit = Benchmark(name="bare", group="g", module="m", limit=True)
    ours = Benchmark(name="ours", group="g", module="m")
    monkeypatch.setattr(bench, "BENCHMARKS", (limit, ours))
    lines = bench.table({"bare": {"a": 2000.0}, "ours": {"a": 500.0, "b": 7.0}})
    assert [line.split()[-2:] for line in lines[3:]] == [
        ["2,000", "100%"],
        ["500", "25%"],
        ["7", "-"],
    ]


def test_every_benchmark_is_there() -> None:
    """Each registered module has a function that measures, and each group one limit at most."""
    assert all(callable(benchmark.load()) for benchmark in BENCHMARKS)
    groups = [benchmark.group for benchmark in BENCHMARKS if benchmark.limit]
    assert len(groups) == len(set(groups))


def test_relay_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go through the relay's process to the echo's and come back."""
    monkeypatch.setattr(relay, "WARM_UP", 0.05)
    figures = relay.measure(0.05)
    assert list(figures) == [figure(one, size) for size in SIZES for one in OUTSTANDING]
    assert all(value > 0 for value in figures.values())


def test_frames_survive_every_split() -> None:
    """Frames that arrive in pieces are handed on whole and in order."""
    stream = relay.Client(100).frame * 2
    for cut in range(len(stream) + 1):
        handle = Mock()
        frames = relay.Frames(handle)
        frames.data_received(stream[:cut])
        frames.data_received(stream[cut:])
        assert b"".join(call.args[1] for call in handle.call_args_list) == stream
        assert sum(call.args[2] for call in handle.call_args_list) == 2


def test_one_that_fails_costs_no_other_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer may give up under load; what was measured is shown all the same."""
    good, bad = BENCHMARKS[0], BENCHMARKS[1]

    def measure(benchmark: Benchmark, seconds: float) -> dict[str, float]:
        if benchmark is bad:
            raise RuntimeError("the benchmark failed")
        return {"a": seconds}

    monkeypatch.setattr(bench, "measure_apart", measure)
    found, failed = bench.measure_all([bad, good], rounds=2, seconds=1.5)
    assert found == {bad.name: {}, good.name: {"a": [1.5, 1.5]}}
    assert failed == ["the benchmark failed in round 1", "the benchmark failed in round 2"]


def test_some_can_be_chosen() -> None:
    """By a part of the name or of the group; without a choice all are measured."""
    assert bench.chosen([]) == list(BENCHMARKS)
    assert [one.name for one in bench.chosen(["our crowd"])] == ["our crowd"]
    assert len(bench.chosen(["one way through one hop"])) > 1
    assert bench.chosen(["nothing like it"]) == []
