# SPDX-License-Identifier: Apache-2.0
"""The standard network, three switches with four nodes each, in both forms and both profiles."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from l8test.faults import Nursery
from l8test.topology import Local, Opened, Processes, Topology

from .support import EVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .support import Net, Opener, Standard

FOLDER = Path(__file__).parents[1]
MODULES = ("l8test.topology", "l8utils", "l8services", "l8srlz", "layer8_net", "uvloop")
EXTENSION = "scenarios.offers:extend"


@pytest.fixture(params=EVERY)
def form(request: pytest.FixtureRequest) -> str:
    """Whether members are processes, and how they speak; a test may choose some of the four."""
    return str(request.param)


@pytest.fixture
def standard(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standard:
    """Opens the network; enter it in the test itself."""
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    monkeypatch.syspath_prepend(str(FOLDER))

    @asynccontextmanager
    async def opened() -> AsyncIterator[Net]:
        where, _, profile = form.partition(", ")
        async with AsyncExitStack() as stack:
            opener: Opener
            if where == "processes":
                born = Nursery(tmp_path, MODULES, loop="uvloop:new_event_loop")
                opener = Processes(await stack.enter_async_context(born))
            else:
                opener = await stack.enter_async_context(Local())
            settings = {"profile": profile, "max_frame_bytes": 1_048_576}
            net = Topology[Opened](opener, tmp_path, settings=settings, extension=EXTENSION)
            yield await stack.enter_async_context(net)

    return opened
