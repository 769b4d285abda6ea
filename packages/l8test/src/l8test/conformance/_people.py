# SPDX-License-Identifier: Apache-2.0
"""Conformance of what people do at the door: a second factor, registration, a new password."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from l8types.enums import AuthStatus
from l8types.errors import AuthenticationError, ConflictError
from l8types.protocols.runtime import Clock

if TYPE_CHECKING:
    from l8types.protocols.security import AccountService, TwoFactor

__all__ = ["AccountDesk", "AccountServiceConformance", "Enrollee", "TwoFactorConformance", "totp"]

MANY: Final = 60
"""Wrong attempts that no limit lets pass."""
LEAST_BITS: Final = 128
"""Size of a shared secret that RFC 4226 demands."""


def totp(secret: str, now: float) -> str:
    """The code of RFC 6238 for a secret in base32: six digits, new every 30 s, by SHA-1."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (int(now) // 30).to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


@dataclass(frozen=True, slots=True)
class Enrollee:
    """A user who may set up a second factor.

    Attributes:
        user: The name.
        log_in: Begins a log-in with the right password; gives the name of the unfinished log-in.
        clock: What the provider takes the time from.
    """

    user: str
    log_in: Callable[[], Awaitable[str]]
    clock: Clock


class TwoFactorConformance:
    """What every ``TwoFactor`` promises.

    Fixtures:
        two_factor: A ``TwoFactor``.
        enrollee: An ``Enrollee``.
    """

    async def enrolled(self, two_factor: TwoFactor, enrollee: Enrollee) -> str:
        """Set the factor up; the secret."""
        secret, _ = await two_factor.tfa_setup(enrollee.user)
        return secret

    async def test_setup(self, two_factor: TwoFactor, enrollee: Enrollee) -> None:
        """Each setup gives a long random secret and its picture."""
        secret, image = await two_factor.tfa_setup(enrollee.user)
        other, _ = await two_factor.tfa_setup(enrollee.user)
        assert secret != other
        assert len(secret) * 5 >= LEAST_BITS
        assert totp(secret, 0.0).isdigit()
        assert image.startswith(b"\x89PNG\r\n")

    async def test_setup_of_strangers(self, two_factor: TwoFactor) -> None:
        """Who is no user cannot enrol."""
        with pytest.raises(AuthenticationError):
            await two_factor.tfa_setup("nobody")

    async def test_right_code(self, two_factor: TwoFactor, enrollee: Enrollee) -> None:
        """The code of the moment finishes the log-in, with a token."""
        secret = await self.enrolled(two_factor, enrollee)
        pending = await enrollee.log_in()
        code = totp(secret, enrollee.clock.now())
        result = await two_factor.tfa_verify(enrollee.user, code, pending)
        assert result.status is AuthStatus.OK
        assert result.token

    async def test_wrong_code(self, two_factor: TwoFactor, enrollee: Enrollee) -> None:
        """Any other text is refused, and so is the code of an hour ago."""
        secret = await self.enrolled(two_factor, enrollee)
        pending, now = await enrollee.log_in(), enrollee.clock.now()
        right = totp(secret, now)
        for code in ("", "code", right[:-1], right + "0", totp(secret, now - 3600.0)):
            result = await two_factor.tfa_verify(enrollee.user, code, pending)
            assert (result.status, result.token) == (AuthStatus.REFUSED, "")

    async def test_code_once(self, two_factor: TwoFactor, enrollee: Enrollee) -> None:
        """A code that was used is refused, whoever looked over the shoulder."""
        secret = await self.enrolled(two_factor, enrollee)
        code = totp(secret, enrollee.clock.now())
        await two_factor.tfa_verify(enrollee.user, code, await enrollee.log_in())
        again = await two_factor.tfa_verify(enrollee.user, code, await enrollee.log_in())
        assert again.status is AuthStatus.REFUSED

    async def test_password_first(self, two_factor: TwoFactor, enrollee: Enrollee) -> None:
        """The right code without a log-in that waits for it is nothing."""
        secret = await self.enrolled(two_factor, enrollee)
        code = totp(secret, enrollee.clock.now())
        for pending in ("", "no such log-in"):
            result = await two_factor.tfa_verify(enrollee.user, code, pending)
            assert (result.status, result.token) == (AuthStatus.REFUSED, "")

    async def test_attempts(self, two_factor: TwoFactor, enrollee: Enrollee) -> None:
        """After many wrong codes the right one is refused, too."""
        secret = await self.enrolled(two_factor, enrollee)
        pending = await enrollee.log_in()
        right = totp(secret, enrollee.clock.now())
        wrong = f"{(int(right) + 500_000) % 1_000_000:06d}"
        for _ in range(MANY):
            await two_factor.tfa_verify(enrollee.user, wrong, pending)
        result = await two_factor.tfa_verify(enrollee.user, right, pending)
        assert result.status is AuthStatus.REFUSED


@dataclass(frozen=True, slots=True)
class AccountDesk:
    """How a test does what a person does.

    Attributes:
        solve: Reads a challenge, given its id and its image; what is to be passed as captcha.
        can_log_in: Tries a name and a password.
        reset_token: The token of the last reset link that was sent to a user, "" for none.
    """

    solve: Callable[[str, bytes], str]
    can_log_in: Callable[[str, str], Awaitable[bool]]
    reset_token: Callable[[str], str]


class AccountServiceConformance:
    """What every ``AccountService`` promises.

    Fixtures:
        accounts: An ``AccountService``.
        desk: An ``AccountDesk``.
    """

    async def captcha(self, accounts: AccountService, desk: AccountDesk) -> str:
        """A challenge that was solved."""
        return desk.solve(*await accounts.captcha())

    async def registered(self, accounts: AccountService, desk: AccountDesk, user: str) -> None:
        """Register somebody with the password ``first password``."""
        await accounts.register(user, "first password", await self.captcha(accounts, desk))

    async def token_of(self, accounts: AccountService, desk: AccountDesk, user: str) -> str:
        """Ask for a reset; the token of the link."""
        solved = await self.captcha(accounts, desk)
        await accounts.request_password_reset(user, solved, "https://portal.example")
        return desk.reset_token(user)

    async def test_captcha(self, accounts: AccountService) -> None:
        """Each challenge is another one."""
        (first, image), (second, _) = await accounts.captcha(), await accounts.captcha()
        assert image
        assert first != second

    async def test_register(self, accounts: AccountService, desk: AccountDesk) -> None:
        """Who registered can log in with that password, and with no other."""
        await self.registered(accounts, desk, "vera")
        assert await desk.can_log_in("vera", "first password")
        assert not await desk.can_log_in("vera", "other password")

    async def test_taken(self, accounts: AccountService, desk: AccountDesk) -> None:
        """A name is given once; the first owner keeps it."""
        await self.registered(accounts, desk, "vera")
        with pytest.raises(ConflictError):
            await accounts.register("vera", "my own now", await self.captcha(accounts, desk))
        assert await desk.can_log_in("vera", "first password")
        assert not await desk.can_log_in("vera", "my own now")

    async def test_wrong_captcha(self, accounts: AccountService, desk: AccountDesk) -> None:
        """Without a solved challenge, or with one that was used, nobody registers."""
        used = await self.captcha(accounts, desk)
        await accounts.register("vera", "first password", used)
        for captcha in ("", "wrong", used):
            with pytest.raises(AuthenticationError):
                await accounts.register("robot", "password of it", captcha)
        assert not await desk.can_log_in("robot", "password of it")

    async def test_reset(self, accounts: AccountService, desk: AccountDesk) -> None:
        """The token of the link sets a new password; the old one is no good any more."""
        await self.registered(accounts, desk, "vera")
        token = await self.token_of(accounts, desk, "vera")
        await accounts.reset_password("vera", token, "second password")
        assert await desk.can_log_in("vera", "second password")
        assert not await desk.can_log_in("vera", "first password")

    async def test_bad_reset(self, accounts: AccountService, desk: AccountDesk) -> None:
        """A token that was used, is another user's or was made up sets nothing."""
        await self.registered(accounts, desk, "vera")
        await self.registered(accounts, desk, "other")
        used = await self.token_of(accounts, desk, "vera")
        await accounts.reset_password("vera", used, "second password")
        foreign = await self.token_of(accounts, desk, "other")
        for token in ("", "made up", used, foreign):
            with pytest.raises(AuthenticationError):
                await accounts.reset_password("vera", token, "third password")
        assert await desk.can_log_in("vera", "second password")

    async def test_reset_of_strangers(self, accounts: AccountService, desk: AccountDesk) -> None:
        """Asking for a reset does not tell whether the account exists."""
        await self.registered(accounts, desk, "vera")
        assert await self.token_of(accounts, desk, "vera")
        assert await self.token_of(accounts, desk, "nobody") == ""
