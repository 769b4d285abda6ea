# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL server for the tests, from whatever binaries are there."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator


class MissingError(Exception):
    """Why there is no server."""


def _binaries() -> Path:
    if importlib.util.find_spec("asyncpg") is None:
        raise MissingError("asyncpg is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise MissingError("there is no initdb in /usr/lib/postgresql or on the path")
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


def _account() -> str | None:
    """Whom to run the server as, ``None`` for the present user; the server refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise MissingError("the tests run as root and there is no other account for the server")


@contextmanager
def server() -> Iterator[str]:
    """The URL of a running server that listens on a socket in a directory of its own.

    Raises:
        MissingError: There are no binaries, no driver, or no account to run it as.
    """
    binaries, account = _binaries(), _account()
    # Short: the name of a socket has little room. Not below pytest's folder, which is private.
    folder = Path(tempfile.mkdtemp(prefix="l8pg"))
    if account is not None:
        shutil.chown(folder, account)

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), *arguments]
        done = subprocess.run(
            command, user=account, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise MissingError(f"{program} failed: {(done.stderr or done.stdout).strip()[-300:]}")

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "l8", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-c listen_addresses='' -k {folder} -c fsync=off -c full_page_writes=off"
        log = str(folder / "log")
        run("pg_ctl", "-D", data, "-l", log, "-w", "-t", "30", "-o", options, "start")
        try:
            yield f"postgresql://l8@/postgres?host={quote(str(folder), safe='')}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
