# SPDX-License-Identifier: Apache-2.0
"""The private server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from l8test import postgres
from l8test.postgres import PostgresMissingError, postgres_server


def test_a_server_comes_and_goes() -> None:
    """It has a socket in its folder while it runs, and leaves nothing behind."""
    try:
        with postgres_server() as url:
            folder = parse_qs(urlsplit(url).query)["host"][0]
            sockets = Path(folder)
            assert (sockets / ".s.PGSQL.5432").is_socket()
    except PostgresMissingError as missing:
        pytest.skip(f"no PostgreSQL: {missing}")
    assert not sockets.exists()


def test_what_fails_is_told(tmp_path: Path) -> None:
    """Programs that are not there, or that fail, are a reason, and leave nothing behind."""
    with (
        pytest.raises(PostgresMissingError, match="initdb cannot be started"),
        postgres_server(tmp_path),
    ):
        pass
    program = tmp_path / "initdb"
    program.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    for path in (program, *tmp_path.parents[:3], tmp_path):
        path.chmod(0o755)
    with (
        pytest.raises(PostgresMissingError, match="initdb failed: no room"),
        postgres_server(tmp_path),
    ):
        pass


def test_no_programs_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without the server is a reason to skip."""
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresMissingError, match="there is no initdb"), postgres_server():
        pass
