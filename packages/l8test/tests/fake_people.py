# SPDX-License-Identifier: Apache-2.0
"""The smallest second factor and the smallest accounts that keep their promises."""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from typing import Any

from l8test import FakeClock
from l8test.conformance import AccountDesk, Enrollee
from l8test.conformance._people import totp
from l8types.enums import AuthStatus
from l8types.errors import AuthenticationError, ConflictError
from l8types.values import AuthResult

LIMIT = 5
"""Wrong codes that a log-in survives."""
REFUSED = AuthResult(AuthStatus.REFUSED, reason="no")


class FakeTwoFactor:
    """Knows the user ``vera``."""

    def __init__(self) -> None:
        self.clock = FakeClock(now=1_700_000_000.0)
        self.numbers = itertools.count()
        self.secret = ""
        self.pending: set[str] = set()
        self.wrong: Counter[str] = Counter()
        self.used: set[str] = set()

    async def log_in(self) -> str:
        """The password was right."""
        pending = f"log-in {next(self.numbers)}"
        self.pending.add(pending)
        return pending

    async def tfa_setup(self, user: str) -> tuple[str, bytes]:
        if user != "vera":
            raise AuthenticationError(f"{user} cannot enrol")
        self.secret = base64.b32encode(next(self.numbers).to_bytes(20, "big")).decode()
        return self.secret, b"\x89PNG\r\n"

    def right(self, code: str) -> bool:
        """Whether it is the code of the moment."""
        return code == totp(self.secret, self.clock.now())

    async def tfa_verify(self, user: str, code: str, pending: str) -> AuthResult:
        if pending not in self.pending or self.wrong[user] >= LIMIT or code in self.used:
            return REFUSED
        if not self.right(code):
            self.wrong[user] += 1
            return REFUSED
        self.used.add(code)
        self.pending.discard(pending)
        return AuthResult(AuthStatus.OK, token="token")


class FakeAccounts:
    """Accounts in memory; a challenge is solved by writing it backwards."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.passwords: dict[str, str] = {}
        self.challenges: set[str] = set()
        self.links: dict[str, str] = {}

    async def captcha(self) -> tuple[str, bytes]:
        number = f"challenge-{next(self.numbers)}"
        self.challenges.add(number)
        return number, b"image"

    def check(self, captcha: str) -> None:
        """Take a solved challenge."""
        if captcha[::-1] not in self.challenges:
            raise AuthenticationError("the captcha is wrong")
        self.challenges.remove(captcha[::-1])

    async def register(self, user: str, password: str, captcha: str) -> None:
        self.check(captcha)
        if user in self.passwords:
            raise ConflictError(f"{user} is taken")
        self.passwords[user] = password

    async def request_password_reset(self, user: str, captcha: str, base_url: str) -> None:
        self.check(captcha)
        if user in self.passwords:
            self.links[user] = f"token-{next(self.numbers)}"

    async def reset_password(self, user: str, token: str, password: str) -> None:
        if not token or self.links.get(user) != token:
            raise AuthenticationError("the token does not fit")
        del self.links[user]
        self.passwords[user] = password


def second_factors(**members: Any) -> dict[str, Any]:
    """Fixtures with a second factor that differs in these members, made anew for each test."""
    made: list[Any] = []

    def make() -> Any:
        made[:] = [type("Mutant", (FakeTwoFactor,), members)()]
        return made[0]

    return {
        "two_factor": make,
        "enrollee": lambda: Enrollee("vera", made[0].log_in, made[0].clock),
    }


def account_services(**members: Any) -> dict[str, Any]:
    """Fixtures with accounts that differ in these members, made anew for each test."""
    made: list[Any] = []

    def make() -> Any:
        made[:] = [type("Mutant", (FakeAccounts,), members)()]
        return made[0]

    async def can_log_in(user: str, password: str) -> bool:
        return bool(made[0].passwords.get(user) == password)

    desk = AccountDesk(
        solve=lambda number, _: number[::-1],
        can_log_in=can_log_in,
        reset_token=lambda user: made[0].links.get(user, ""),
    )
    return {"accounts": make, "desk": lambda: desk}
