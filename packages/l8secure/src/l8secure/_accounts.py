# SPDX-License-Identifier: Apache-2.0
"""Users and their passwords."""

from __future__ import annotations

import uuid
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from l8secure._files import JsonFile
from l8types.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Account", "AccountStore"]

_MIN_PASSWORD = 8  # NIST SP 800-63B, 5.1.1.2
_MAX_PASSWORD = 1024  # argon2 would hash megabytes as happily; the limit keeps that off the loop


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One user. ``password_hash`` is an argon2id string with its parameters and salt."""

    id: str
    user: str
    password_hash: str
    roles: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Account(id={self.id!r}, user={self.user!r}, roles={self.roles!r})"


class AccountStore:
    """Accounts in one file, private to its owner.

    Hashing blocks for tens of milliseconds by design; call :meth:`check` in a thread.
    """

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        self._file = JsonFile(path, list[Account], [])
        self._hasher = hasher or PasswordHasher()

    def accounts(self) -> list[Account]:
        """All accounts by user name."""
        return sorted(self._file.load(), key=lambda account: account.user)

    def find(self, *, user: str = "", id: str = "") -> Account | None:  # noqa: A002 - field name
        """Account of a user name or of an id."""
        return next(
            (a for a in self._file.load() if (user and a.user == user) or (id and a.id == id)), None
        )

    def add(self, user: str, password: str, roles: tuple[str, ...]) -> Account:
        """Create an account.

        Raises:
            ConflictError: The user exists.
            InvalidInputError: Empty user name, or a password of the wrong length.
        """
        if not user:
            raise InvalidInputError("a user needs a name")
        if self.find(user=user):
            raise ConflictError(f"user {user!r} exists already")
        account = Account(
            id=str(uuid.uuid4()), user=user, password_hash=self._hash(password), roles=roles
        )
        self._file.save([*self._file.load(), account])
        return account

    def set_password(self, user: str, password: str) -> None:
        """Replace a password.

        Raises:
            NotFoundError: No such user.
        """
        if not self.find(user=user):
            raise NotFoundError(f"no user {user!r}")
        hashed = self._hash(password)
        self._file.save(
            [
                msgspec.structs.replace(a, password_hash=hashed) if a.user == user else a
                for a in self._file.load()
            ]
        )

    def remove(self, user: str) -> None:
        """Delete an account.

        Raises:
            NotFoundError: No such user.
        """
        kept = [account for account in self._file.load() if account.user != user]
        if len(kept) == len(self._file.load()):
            raise NotFoundError(f"no user {user!r}")
        self._file.save(kept)

    def check(self, user: str, password: str) -> Account | None:
        """The account when the password fits; takes as long for a user that does not exist."""
        account = self.find(user=user)
        hashed = account.password_hash if account else _decoy(self._hasher)
        try:
            self._hasher.verify(hashed, password[:_MAX_PASSWORD])
        except (VerificationError, InvalidHashError):
            return None
        return account

    def _hash(self, password: str) -> str:
        if not _MIN_PASSWORD <= len(password) <= _MAX_PASSWORD:
            raise InvalidInputError(
                f"a password has {_MIN_PASSWORD} to {_MAX_PASSWORD} characters, not {len(password)}"
            )
        return self._hasher.hash(password)


@cache
def _decoy(hasher: PasswordHasher) -> str:
    """Hash of nobody's password, made with the parameters in force."""
    return hasher.hash(uuid.uuid4().hex)
