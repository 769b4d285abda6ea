# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin: what a test of code for Layer 8 asks for by the name of an argument.

Installed with the package, it gives fixtures to every test run and does nothing until one is used.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest

from l8test.clock import FakeClock
from l8test.network import Network, node_resources
from l8test.services import counting_sla

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from l8types.protocols.runtime import Resources
    from l8types.sla import ServiceLevelAgreement

__all__ = ["l8_clock", "l8_counting", "l8_network", "l8_resources"]

_OPTION = "l8_resources"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what can be set in pytest's own configuration."""
    parser.addini(
        _OPTION,
        "module:attribute of what makes the parts of a node from NodeSettings and ready parts",
        default="l8utils:NodeResources",
    )


@pytest.fixture
def l8_clock() -> FakeClock:
    """A clock that stands still until the test moves it; give it to ``l8_resources(clock=...)``."""
    return FakeClock()


@pytest.fixture
def l8_resources(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Resources]:
    """Maker of the parts of a node that knows the sample models, as ``l8_resources()``.

    Arguments are those of :func:`l8test.network.node_resources`: ready parts by name, and
    ``settings``. Security is the permissive one unless the settings name another.
    """
    return partial(node_resources, request.config.getini(_OPTION), tmp_path)


@pytest.fixture
def l8_network(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Network]:
    """Maker of networks, which a test enters itself: with ``async with``, in its own body.

    Arguments are those of :class:`l8test.network.Network`. Each call makes a network of its own,
    on free ports; networks do not find each other.
    """
    numbers = count()
    maker = request.config.getini(_OPTION)

    def make(**options: object) -> Network:
        directory = tmp_path / f"network-{next(numbers)}"
        return Network(directory, **({"resources": maker} | options))

    return make


@pytest.fixture
def l8_counting() -> Callable[..., ServiceLevelAgreement]:
    """Maker of the agreement of a sample service that counts its calls and echoes.

    Arguments are those of :func:`l8test.services.counting_sla`; each node gets a
    :class:`~l8test.services.CountingService` of its own.
    """
    return counting_sla
