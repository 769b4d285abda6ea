# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL server for tests, from whatever binaries the machine has.

It listens on a socket in a directory of its own and on no port, takes nothing from the machine's
configuration, and is gone with its data when the tests are over.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PostgresMissingError", "postgres_server"]

DEBIAN: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version, which are not on the path."""
SETTINGS: Final = "-c listen_addresses='' -c fsync=off -c full_page_writes=off"
"""No port, and no waiting for a disk whose data nobody will need."""
PATIENCE: Final = 30
"""Seconds that the server has to start and to stop."""


class PostgresMissingError(Exception):
    """Why there is no server; the reason for a test to be skipped."""


@contextmanager
def postgres_server(programs: Path | None = None) -> Iterator[str]:
    """URL of a running server with an empty database, ``postgresql://user@/name?host=directory``.

    Args:
        programs: The folder with ``initdb`` and ``pg_ctl``; found by itself by default.

    Raises:
        PostgresMissingError: There are no programs, no account to run them as, or they fail.
    """
    found, account = programs or _programs(), _account()
    # Short, since the name of a socket has little room, and below no private folder.
    folder = Path(tempfile.mkdtemp(prefix="l8pg"))
    if account is not None:
        shutil.chown(folder, account)
    data = str(folder / "data")

    def run(program: str, *arguments: str) -> None:
        command = [str(found / program), "-D", data, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - of PostgreSQL, and without a shell
                command, user=account, cwd=folder, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise PostgresMissingError(f"{program} cannot be started: {error}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-300:]
            raise PostgresMissingError(f"{program} failed: {said}")

    wait = ("-w", "-t", str(PATIENCE))
    try:
        run("initdb", "-U", "l8", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        run("pg_ctl", "-l", str(folder / "log"), *wait, "-o", f"{SETTINGS} -k {folder}", "start")
        try:
            yield f"postgresql://l8@/postgres?host={quote(str(folder), safe='')}"
        finally:
            run("pg_ctl", "-m", "immediate", *wait, "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The newest version's programs."""
    versions = [path for path in DEBIAN.glob("*/bin/initdb") if path.parts[-3].isdigit()]
    if versions:
        return max(versions, key=lambda path: int(path.parts[-3])).parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise PostgresMissingError(f"there is no initdb in {DEBIAN} or on the path")
    return Path(on_path).resolve().parent


def _account() -> str | None:
    """Whom to run the server as, ``None`` for the present user; the server refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise PostgresMissingError("the tests run as root and there is no other account")
