# SPDX-License-Identifier: Apache-2.0
"""Remembers the greatest epoch of each election beyond the life of a process.

All nodes of one data directory share the file, whose numbers only rise. It is replaced as a whole,
so that a crash leaves the old or the new one; what cannot be read counts as empty.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from l8services._election._notes import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["load_epochs", "save_epochs"]

_log = logging.getLogger(__name__)


def load_epochs(file: Path) -> dict[str, int]:
    """Epochs by the text of their service keys; empty when the file is missing or damaged."""
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("epochs in %s cannot be read, terms may be used again: %s", file, error)
        return {}
    found = content.items() if isinstance(content, dict) else ()
    return {key: epoch for key, epoch in found if type(epoch) is int and 0 <= epoch < LIMIT}


def save_epochs(file: Path, epochs: Mapping[str, int]) -> None:
    """Raise epochs in the file to these, where they are lower; on the disk when this returns.

    Raises:
        OSError: The disk does not take them.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(file.with_suffix(".lock")):
        known = load_epochs(file)
        merged = known | {key: max(epoch, known.get(key, 0)) for key, epoch in epochs.items()}
        if merged == known:
            return
        new = file.with_suffix(".new")
        with new.open("w") as stream:
            json.dump(merged, stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Keep other nodes of the machine out."""
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
