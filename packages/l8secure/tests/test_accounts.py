# SPDX-License-Identifier: Apache-2.0
"""Users and passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from l8secure import AccountStore
from l8types.errors import ConfigurationError, ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> AccountStore:
    """An empty store with cheap hashes."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return AccountStore(tmp_path / "users.json", hasher)


def test_a_password_is_checked_and_never_stored(store: AccountStore, tmp_path: Path) -> None:
    """The file holds an argon2id hash, readable by the owner alone."""
    store.add("ada", "correct horse", ("viewer",))
    assert store.check("ada", "correct horse") == store.find(user="ada")
    assert store.check("ada", "correct hors") is None
    assert store.check("eve", "correct horse") is None
    file = tmp_path / "users.json"
    assert "correct horse" not in file.read_text()
    assert "argon2id" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_the_hash_is_not_shown(store: AccountStore) -> None:
    """Logging an account does not log its hash."""
    assert "argon2" not in repr(store.add("ada", "correct horse", ()))


def test_users_are_unique_and_passwords_have_a_length(store: AccountStore) -> None:
    """What cannot be accepted is refused and nothing is stored."""
    store.add("ada", "correct horse", ())
    with pytest.raises(ConflictError, match="'ada' exists"):
        store.add("ada", "another one", ())
    with pytest.raises(InvalidInputError, match="8 to 1024 characters, not 5"):
        store.add("bob", "short", ())
    with pytest.raises(InvalidInputError, match="needs a name"):
        store.add("", "correct horse", ())
    assert [account.user for account in store.accounts()] == ["ada"]


def test_a_password_can_be_replaced_and_a_user_removed(store: AccountStore) -> None:
    """The old password no longer works; unknown users are named."""
    store.add("ada", "correct horse", ())
    store.set_password("ada", "battery staple")
    assert store.check("ada", "correct horse") is None
    assert store.check("ada", "battery staple")
    store.remove("ada")
    assert store.accounts() == []
    with pytest.raises(NotFoundError, match="'ada'"):
        store.remove("ada")
    with pytest.raises(NotFoundError, match="'ada'"):
        store.set_password("ada", "battery staple")


def test_another_process_sees_a_change(store: AccountStore, tmp_path: Path) -> None:
    """A second store on the same file reads what the first wrote, without being told."""
    second = AccountStore(tmp_path / "users.json")
    assert second.accounts() == []
    store.add("ada", "correct horse", ())
    assert [account.user for account in second.accounts()] == ["ada"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """A file that is no account list is an error that names the file, not an empty list."""
    (tmp_path / "users.json").write_text("[{]")
    with pytest.raises(ConfigurationError, match=r"users\.json is damaged"):
        AccountStore(tmp_path / "users.json").accounts()
