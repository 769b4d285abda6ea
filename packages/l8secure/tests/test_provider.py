# SPDX-License-Identifier: Apache-2.0
"""The provider as nodes and gateways use it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from l8secure import ADMIN_PASSWORD_FILE, LocalSecurity, create_security
from l8types.enums import Action, AuthStatus
from l8types.errors import (
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
)
from l8types.settings import NodeSettings
from l8types.values import Credential, Identity, ServiceKey

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources

    from .conftest import StillClock

BOOKS = ServiceKey("Books")
NOTHING = cast("Elements", None)


async def token_of(security: LocalSecurity, user: str, password: str) -> str:
    """Log in and expect success."""
    result = await security.authenticate(user, password)
    assert result.status is AuthStatus.OK
    return result.token


async def test_a_login_gives_a_token_that_names_the_user(security: LocalSecurity) -> None:
    """The identity behind the token is the account with its roles."""
    account = security.accounts.add("ada", "correct horse", ("viewer",))
    identity = await security.validate(await token_of(security, "ada", "correct horse"))
    assert identity == Identity(account.id, "ada", frozenset({"viewer"}))


async def test_a_wrong_password_and_an_unknown_user_look_the_same(
    security: LocalSecurity,
) -> None:
    """A guesser does not learn which users exist."""
    security.accounts.add("ada", "correct horse", ())
    wrong = await security.authenticate("ada", "wrong horse")
    unknown = await security.authenticate("eve", "wrong horse")
    assert wrong == unknown
    assert (wrong.status, wrong.token) == (AuthStatus.REFUSED, "")


async def test_guessing_is_slowed_down(security: LocalSecurity, clock: StillClock) -> None:
    """After five wrong passwords even the right one has to wait."""
    security.accounts.add("ada", "correct horse", ())
    for _ in range(5):
        await security.authenticate("ada", "wrong horse")
    blocked = await security.authenticate("ada", "correct horse")
    assert blocked.status is AuthStatus.REFUSED
    assert "try again in 60 s" in blocked.reason
    clock.time += 61
    await token_of(security, "ada", "correct horse")


async def test_tokens_expire_are_revoked_and_end_with_the_account(
    security: LocalSecurity, clock: StillClock
) -> None:
    """Each of the three ends a token with a reason of its own."""
    security.accounts.add("ada", "correct horse", ())
    token = await token_of(security, "ada", "correct horse")
    await security.revoke(token)
    with pytest.raises(AuthenticationError, match="revoked"):
        await security.validate(token)
    token = await token_of(security, "ada", "correct horse")
    clock.time += 3601
    with pytest.raises(AuthenticationError, match="expired"):
        await security.validate(token)
    token = await token_of(security, "ada", "correct horse")
    security.accounts.remove("ada")
    with pytest.raises(AuthenticationError, match="gone"):
        await security.validate(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_a_token_that_is_not_ours_is_refused(security: LocalSecurity, token: str) -> None:
    """Garbage and unsigned tokens are refused, and revoking them does nothing."""
    with pytest.raises(AuthenticationError, match="not valid"):
        await security.validate(token)
    await security.revoke(token)


async def test_a_revocation_outlives_the_process(
    security: LocalSecurity, tmp_path: Path, clock: StillClock
) -> None:
    """Another provider on the same directory honours tokens and revocations of the first."""
    security.accounts.add("ada", "correct horse", ())
    kept, revoked = [await token_of(security, "ada", "correct horse") for _ in range(2)]
    await security.revoke(revoked)
    other = LocalSecurity(tmp_path / "security", clock)
    assert (await other.validate(kept)).user == "ada"
    with pytest.raises(AuthenticationError, match="revoked"):
        await other.validate(revoked)


async def test_roles_decide_and_everything_else_is_denied(security: LocalSecurity) -> None:
    """A viewer reads, an administrator writes, a user without roles does nothing."""
    viewer = security.accounts.add("vera", "correct horse", ("viewer",)).id
    admin = security.accounts.add("ada", "correct horse", ("admin",)).id
    nobody = security.accounts.add("nick", "correct horse", ("no-such-role",)).id
    await security.authorize(viewer, Action.GET, BOOKS, NOTHING)
    await security.authorize(viewer, Action.MAP_REDUCE_GET, BOOKS, NOTHING)
    await security.authorize(admin, Action.DELETE, BOOKS, NOTHING)
    for identity, action in [
        (viewer, Action.POST),
        (nobody, Action.GET),
        (admin, Action.LEADER_RESIGN),
        ("made-up", Action.GET),
    ]:
        with pytest.raises(PermissionDeniedError):
            await security.authorize(identity, action, BOOKS, NOTHING)
    assert await security.allowed_actions(viewer) == {"*": frozenset({Action.GET})}
    assert await security.allowed_actions("made-up") == {}


async def test_a_node_acts_without_identity(security: LocalSecurity) -> None:
    """Calls of the network itself are allowed: the nodes proved the secret."""
    await security.authorize("", Action.LEADER_HEARTBEAT, BOOKS, NOTHING)
    assert Action.POST in (await security.allowed_actions(""))["*"]


def test_all_providers_of_a_directory_share_the_secret(
    security: LocalSecurity, tmp_path: Path, clock: StillClock
) -> None:
    """Nodes of one directory recognise each other, those of another do not."""
    same = LocalSecurity(tmp_path / "security", clock)
    other = LocalSecurity(tmp_path / "other", clock)
    assert security.network_secret() == same.network_secret()
    assert security.network_secret() != other.network_secret()
    assert same.decrypt(security.encrypt(b"text")) == b"text"
    for damaged in (b"", b"x" * 40, security.encrypt(b"text")[:-1]):
        with pytest.raises(DecodeError):
            other.decrypt(damaged)


async def test_blocked_nodes_may_not_join(tmp_path: Path, clock: StillClock) -> None:
    """A node is blocked by alias or id."""
    guard = LocalSecurity(tmp_path, clock, blocked_nodes=frozenset({"old-lab"}))
    await guard.admit("u" * 36, "lab", "127.0.0.1")
    with pytest.raises(PermissionDeniedError, match="'old-lab'"):
        await guard.admit("u" * 36, "old-lab", "127.0.0.1")


def test_the_first_start_makes_an_administrator(security: LocalSecurity, tmp_path: Path) -> None:
    """The password is generated, left in a private file, and made once only."""
    path = security.bootstrap()
    assert path == tmp_path / "security" / ADMIN_PASSWORD_FILE
    assert path.stat().st_mode & 0o077 == 0
    assert security.accounts.check("admin", path.read_text().strip())
    assert security.bootstrap() is None


async def test_credentials_are_kept_by_set(security: LocalSecurity) -> None:
    """A credential is found again; an unknown one tells which sets there are."""
    security.credentials.put("lab", "snmp", Credential(secret="community"))
    assert (await security.credential("lab", "snmp")).secret == "community"
    with pytest.raises(NotFoundError, match="sets are: lab"):
        await security.credential("nowhere", "snmp")


def test_without_certificates_there_is_no_tls_and_bad_ones_are_named(
    security: LocalSecurity, tmp_path: Path
) -> None:
    """An incomplete set of certificates is an error, never a plain connection."""
    assert security.tls(server_side=True) is None
    folder = tmp_path / "security" / "tls"
    folder.mkdir()
    (folder / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"needs cert\.pem"):
        security.tls(server_side=True)


async def test_what_is_not_offered_is_refused(security: LocalSecurity) -> None:
    """Account functions of other providers are denied, not ignored."""
    for call in (
        security.tfa_setup("ada"),
        security.tfa_verify("ada", "1", "p"),
        security.captcha(),
        security.register("ada", "correct horse", "c"),
        security.request_password_reset("ada", "c", "u"),
        security.reset_password("ada", "t", "correct horse"),
    ):
        with pytest.raises(PermissionDeniedError, match="not offered"):
            await call


def test_a_damaged_secret_is_not_replaced(tmp_path: Path, clock: StillClock) -> None:
    """A node that silently made a new secret would split the network."""
    (tmp_path / "network.secret").write_text("not hexadecimal")
    with pytest.raises(ConfigurationError, match="restore it"):
        LocalSecurity(tmp_path, clock)


def test_the_plugin_uses_the_data_directory(tmp_path: Path, clock: StillClock) -> None:
    """The entry point makes a provider below the node's data directory."""
    resources = SimpleNamespace(data_directory=tmp_path, clock=clock, settings=NodeSettings())
    provider = create_security(cast("Resources", resources))
    assert provider.network_secret()
    assert (tmp_path / "security" / "network.secret").exists()
    assert provider.system_config().vnet_port == 10005
