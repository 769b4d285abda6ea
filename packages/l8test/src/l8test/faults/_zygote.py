# SPDX-License-Identifier: Apache-2.0
"""The process that all others of a test are forked from, after it has loaded their modules.

It has one thread and no event loop, so that a fork is a clean start. It reads what to start as
lines of JSON; each process reports by itself. When it ends, however it ends, its children end too.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

from l8test.faults._control import LINE_LIMIT, Control, Json

__all__ = ["main", "resolve"]

_NEW_NETWORK: Final = 0x4000_0000
_PARENT_DEATH: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def resolve(name: str) -> Json:
    """What ``module:attribute`` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def main() -> None:
    """Load modules, then fork on demand until standard input ends."""
    for module in sys.argv[1:]:
        import_module(module)
    # The kernel reaps who ends, so that nobody is left as a zombie.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        if not os.fork():
            _be_born(json.loads(line))


def _be_born(order: dict[str, Json]) -> None:
    """Run the program of an order in this new process; never returns."""
    code = 1
    try:
        _LIBC.prctl(_PARENT_DEATH, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _move_output(Path(order["log"]))
        if order["namespace"]:
            _enter(order["namespace"])
        loop_factory = resolve(order["loop"]) if order["loop"] else None
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_live(order))
        code = 0
    except BaseException:  # noqa: BLE001 - must not get back into the loop of the parent
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


async def _live(order: dict[str, Json]) -> None:
    reader, writer = await asyncio.open_unix_connection(order["control"], limit=LINE_LIMIT)
    control = Control(reader, writer)
    await control.tell(name=order["name"], pid=os.getpid())
    await resolve(order["program"])(control, **order["arguments"])


def _move_output(log: Path) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)


def _enter(namespace: str) -> None:
    handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if _LIBC.setns(handle, _NEW_NETWORK):
            number = ctypes.get_errno()
            raise OSError(number, f"cannot enter namespace {namespace}: {os.strerror(number)}")
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
