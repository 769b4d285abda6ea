# SPDX-License-Identifier: Apache-2.0
"""What happens to the code of dead processes: nothing, until the simulation is over.

Python runs the ``finally`` blocks of a coroutine when it is collected. A killed process must not
do that, so its tasks are kept until the end, and then closed where nobody can see it.
"""

from __future__ import annotations

import logging
from asyncio import events
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

__all__ = ["close_all"]

_INSISTING: Final = 50
"""Times that a coroutine is told to end; each ``finally`` block that waits needs one more."""
_ROUNDS: Final = 50
"""Rounds in which closing tasks may start new ones, which are closed too."""


def close_all(loop: asyncio.AbstractEventLoop, take: Callable[[], list[asyncio.Task[Any]]]) -> None:
    """End the coroutines of tasks that will never run again.

    Args:
        loop: Theirs; what they schedule on it is not run.
        take: Removes and returns the tasks to close, those made meanwhile included.
    """
    with _unheard(), _as_running(loop):
        for _ in range(_ROUNDS):
            tasks = take()
            if not tasks:
                return
            for task in tasks:
                _close(task)


def _close(ended: asyncio.Task[Any]) -> None:
    task: Any = ended  # two marks of asyncio are not declared
    # There is nothing wrong with it: the simulation is over. Nobody has to be told.
    task._log_traceback = False  # noqa: SLF001
    if task.done():
        return
    task._log_destroy_pending = False  # noqa: SLF001
    coroutine = task.get_coro()
    for _ in range(_INSISTING):
        try:
            coroutine.close()
        except RuntimeError:
            # It waited for something on its way out; tell it again.
            continue
        except BaseException:  # noqa: BLE001 - whatever it says, it has ended
            return
        return


@contextmanager
def _unheard() -> Iterator[None]:
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)


@contextmanager
def _as_running(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    events._set_running_loop(loop)  # noqa: SLF001 - clean-up code asks for it
    try:
        yield
    finally:
        events._set_running_loop(None)  # noqa: SLF001
