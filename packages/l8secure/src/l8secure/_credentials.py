# SPDX-License-Identifier: Apache-2.0
"""Credentials for devices and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from l8secure._files import JsonFile
from l8types.errors import NotFoundError
from l8types.values import Credential

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FileCredentials"]


class _Entry(msgspec.Struct, frozen=True):
    user: str = ""
    secret: str = ""
    realm: str = ""
    port: int = 0


class FileCredentials:
    """Sets of credentials in one file that only its owner can read."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, dict[str, dict[str, _Entry]], {})

    def get(self, set_id: str, key: str) -> Credential:
        """Credential of a set.

        Raises:
            NotFoundError: No such set or key; tells which sets there are.
        """
        sets = self._file.load()
        try:
            entry = sets[set_id][key]
        except KeyError:
            known = ", ".join(sorted(sets)) or "none yet"
            raise NotFoundError(
                f"no credential {key!r} in set {set_id!r}; sets are: {known}"
            ) from None
        return Credential(entry.user, entry.secret, entry.realm, entry.port)

    def put(self, set_id: str, key: str, credential: Credential) -> None:
        """Add or replace a credential."""
        sets = dict(self._file.load())
        entry = _Entry(credential.user, credential.secret, credential.realm, credential.port)
        sets[set_id] = sets.get(set_id, {}) | {key: entry}
        self._file.save(sets)
