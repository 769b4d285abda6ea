# SPDX-License-Identifier: Apache-2.0
"""Nodes under development: all in one process, and started again whenever their code changes.

A node is told by a function that gets it, ready for use::

    async def books(node):
        await node.serve(Book, key="isbn", web=True)

They are the nodes that would run in processes of their own, with the same code, joined by a switch
of their own on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib
import inspect
import os
import sys
import time
import traceback
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from l8types.errors import ConfigurationError
from l8utils import wait_for_end
from layer8._node import Node
from layer8._switch import make_switch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import ModuleType

    from l8types.protocols.net import Switch
    from l8types.settings import NodeSettings

    Setup = Callable[[Node], object]
    Say = Callable[[str], None]

__all__ = ["Project", "develop", "run_dev"]

_POLL_SECONDS: Final = 0.25
_FOREIGN: Final = frozenset({"site-packages", "node_modules", "__pycache__"})
"""Folders with code that is not the project's own; so are those that begin with a dot."""


async def run_dev(targets: Sequence[str], settings: NodeSettings, say: Say) -> None:
    """The same until SIGTERM or SIGINT asks the process to end; all nodes are left then.

    Raises:
        ConfigurationError: A target is no such thing, or the settings cannot work.
    """
    async with asyncio.TaskGroup() as group:
        work = group.create_task(develop(targets, settings, say), name="dev")
        await wait_for_end("development")
        work.cancel()


async def develop(targets: Sequence[str], settings: NodeSettings, say: Say) -> None:
    """Run nodes until cancelled, and again after every change of their code.

    An error of the code is told, and ends nothing: the next change starts the nodes again.

    Args:
        targets: One function per node, as ``module:function`` or ``file.py:function``.
        settings: Of all nodes; each gets an id of its own, and its function's name as its alias.
        say: Told what goes on, in lines for a person.

    Raises:
        ConfigurationError: A target is no such thing, or the settings cannot work.
    """
    project = Project(targets)
    async with AsyncExitStack() as stack:
        switch = await _switch_of(settings, stack)
        own = dataclasses.replace(settings, host="127.0.0.1", port=switch.port)
        stack.enter_context(project.importable())
        ports: dict[str, int] = {}
        while True:
            seen = await asyncio.to_thread(project.snapshot)
            async with contextlib.AsyncExitStack() as running:
                await _start(project, own, ports, running, say)
                changed = await _wait_change(project, seen)
                say(f"{changed} changed")


async def _switch_of(settings: NodeSettings, stack: AsyncExitStack) -> Switch:
    """A switch that other networks on this machine do not meet."""
    own = dataclasses.replace(
        settings, alias="dev-switch", host="127.0.0.1", port=0, peers=(), discovery=False
    )
    return await stack.enter_async_context(make_switch(own))


async def _start(
    project: Project,
    settings: NodeSettings,
    ports: dict[str, int],
    running: AsyncExitStack,
    say: Say,
) -> None:
    begun = time.monotonic()
    try:
        setups = project.load()
        for alias, setup in setups.items():
            node = Node(
                settings=dataclasses.replace(settings, alias=alias, uuid=str(uuid.uuid4())),
                web_port=ports.get(alias),
                bring_switch=False,
            )
            await running.enter_async_context(node)
            await _set_up(setup, node, running)
            if node.url:
                # Its page, open in a browser, is to be found again.
                ports[alias] = urlsplit(node.url).port or 0
                say(f"{alias} is at {node.url}")
    except Exception as error:  # noqa: BLE001 - the code of the user; the next change may help
        say("".join(traceback.format_exception(error)).rstrip())
        await _leave(running, say)
        say("waiting for a change")
    else:
        names = ", ".join(setups)
        say(f"ready after {time.monotonic() - begun:.2f} s: {names}")


async def _set_up(setup: Setup, node: Node, running: AsyncExitStack) -> None:
    made = setup(node)
    if inspect.isawaitable(made):
        made = await made
    if isinstance(made, contextlib.AbstractAsyncContextManager):
        await running.enter_async_context(made)


async def _leave(running: AsyncExitStack, say: Say) -> None:
    try:
        await running.aclose()
    except Exception as error:  # noqa: BLE001 - what half started may not end well either
        say(f"while ending: {error}")


async def _wait_change(project: Project, seen: Mapping[Path, float]) -> str:
    """Name of a file that changed, came or went."""
    while True:
        now = await asyncio.to_thread(project.snapshot)
        for path in sorted(now.keys() | seen.keys()):
            if now.get(path) != seen.get(path):
                return path.name
        await asyncio.sleep(_POLL_SECONDS)


class Project:
    """The code of the nodes.

    Args:
        targets: ``module:function`` or ``file.py:function``, one per node.

    Raises:
        ConfigurationError: A target has another form, or there is no such file.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        self._functions: dict[str, tuple[str, str]] = {}
        self._folders: list[Path] = []
        for target in targets:
            place, _, function = target.rpartition(":")
            if not place or not function.isidentifier():
                raise ConfigurationError(
                    f"{target!r} is no MODULE:FUNCTION or FILE.py:FUNCTION of a node"
                )
            alias = function if function not in self._functions else target
            self._functions[alias] = self._module(place), function

    def _module(self, place: str) -> str:
        """Name under which a module is imported, with the folder that it is found in."""
        if not place.endswith(".py"):
            self._add(Path.cwd())
            return place
        path = Path(place).resolve()
        if not path.is_file():
            raise ConfigurationError(f"there is no file {place}")
        self._add(path.parent)
        return path.stem

    def _add(self, folder: Path) -> None:
        if folder not in self._folders:
            self._folders.append(folder)

    @contextlib.contextmanager
    def importable(self) -> Iterator[None]:
        """Let the code be found; bytecode is not kept, since it may be older than it looks."""
        before = sys.path[:], sys.dont_write_bytecode
        sys.path[:0] = [str(folder) for folder in self._folders]
        sys.dont_write_bytecode = True
        try:
            yield
        finally:
            sys.path[:], sys.dont_write_bytecode = before
            self._forget()

    def load(self) -> dict[str, Setup]:
        """The functions by alias, from the code as it is now.

        Raises:
            ConfigurationError: A module has no such function.
            Exception: What the code raises when it is imported.
        """
        self._forget()
        importlib.invalidate_caches()
        found: dict[str, Setup] = {}
        for alias, (name, function) in self._functions.items():
            setup = getattr(importlib.import_module(name), function, None)
            if not callable(setup):
                raise ConfigurationError(f"module {name!r} has no function {function!r}")
            found[alias] = setup
        return found

    def _forget(self) -> None:
        """Let the next import read the code again."""
        for name in [name for name, module in sys.modules.items() if self._owns(module)]:
            del sys.modules[name]

    def _owns(self, module: ModuleType) -> bool:
        file = getattr(module, "__file__", None)
        if not file or module.__name__ == "__main__":
            return False
        path = Path(file)
        return any(
            path.is_relative_to(folder) and not _is_foreign(path.relative_to(folder))
            for folder in self._folders
        )

    def snapshot(self) -> dict[Path, float]:
        """When each file of the code was changed last."""
        found: dict[Path, float] = {}
        for folder in self._folders:
            for place, folders, files in os.walk(folder):
                folders[:] = [name for name in folders if not _is_foreign(Path(name))]
                for name in files:
                    if name.endswith(".py"):
                        path = Path(place, name)
                        # One that is just being replaced is looked at the next time.
                        with contextlib.suppress(OSError):
                            found[path] = path.stat().st_mtime_ns
        return found


def _is_foreign(path: Path) -> bool:
    return any(part in _FOREIGN or part.startswith(".") for part in path.parts)
