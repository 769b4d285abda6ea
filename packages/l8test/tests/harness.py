# SPDX-License-Identifier: Apache-2.0
"""Runs a suite against an implementation without pytest, to see which promises it finds broken."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import pytest

from l8test.models import SAMPLES, ModelKind

RECORD = next(sample for sample in SAMPLES if sample.kind is ModelKind.DATACLASS)
"""The kind of model that the implementations of these tests take."""

Fixtures = Mapping[str, Callable[[], object]]
LIMIT = 1.0
"""Seconds for one test of a suite; a mutant may well hang."""


def failures(suite: type, fixtures: Fixtures, *, only: str = "test_") -> set[str]:
    """Names of the tests of a suite that fail with these fixtures, made anew for each test.

    Args:
        suite: The suite.
        fixtures: Makers of what its tests ask for.
        only: Beginning of the names of the tests to run.
    """
    return {
        name
        for name, test in inspect.getmembers(suite, inspect.isfunction)
        if name.startswith(only)
        for arguments in cases(test)
        if not passes(suite, name, arguments, fixtures)
    }


def cases(test: Callable[..., object]) -> Iterator[dict[str, object]]:
    """The arguments that the parameters of a test are given, one set after the other."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for combination in product(*(mark.args[1] for mark in marks)):
        arguments: dict[str, object] = {}
        for mark, values in zip(marks, combination, strict=True):
            names = [mark.args[0]] if isinstance(mark.args[0], str) else mark.args[0]
            arguments |= zip(names, [values] if len(names) == 1 else values, strict=True)
        yield arguments


def passes(suite: type, name: str, arguments: dict[str, object], fixtures: Fixtures) -> bool:
    """Whether one test passes; one that is skipped does."""

    async def run() -> None:
        test: Any = getattr(suite(), name)
        for parameter in inspect.signature(test).parameters:
            if parameter not in arguments:
                arguments[parameter] = RECORD if parameter == "sample" else fixtures[parameter]()
        async with asyncio.timeout(LIMIT):
            result = test(**arguments)
            if inspect.isawaitable(result):
                await result

    try:
        asyncio.run(run())
    except pytest.skip.Exception:
        return True
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - any failure is what is looked for
        return False
    return True
