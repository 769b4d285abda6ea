# SPDX-License-Identifier: Apache-2.0
"""The suites of the parts of security pass what keeps its promises, and catch each mutant."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from l8test.conformance import (
    AccountServiceConformance,
    SecurityConformance,
    TwoFactorConformance,
)
from l8test.conformance._people import totp
from l8types.enums import AuthStatus
from l8types.errors import AuthenticationError, NotFoundError
from l8types.pb import L8SysConfig

from .fake_people import REFUSED, FakeAccounts, FakeTwoFactor, account_services, second_factors
from .fake_security import BLOCKED, FACTORY, SNMP, FakeSecurity
from .harness import Fixtures, failures
from .test_runtime_suites import providers

if TYPE_CHECKING:
    from l8types.values import AuthResult, Credential


def one_sided(self: FakeSecurity, *, server_side: bool) -> ssl.SSLContext | None:
    """A provider whose clients show no certificate."""
    return TLS(self, server_side=True) if server_side else None


def trustful(self: FakeSecurity, *, server_side: bool) -> ssl.SSLContext | None:
    """A provider whose servers look at no certificate."""
    context = TLS(self, server_side=server_side)
    if server_side and context is not None:
        context.verify_mode = ssl.CERT_NONE
    return context


TLS = FakeSecurity.tls


async def once_only(self: FakeSecurity, uuid: str, alias: str, address: str) -> None:
    """A guard that takes a peer that comes back for an impostor."""
    met = self.__dict__.setdefault("met", set())
    await ADMIT(self, "id-1" if uuid in met else uuid, alias, address)
    met.add(uuid)


async def first_blocked(self: FakeSecurity, uuid: str, alias: str, address: str) -> None:
    """A guard that knows the first of the blocked peers only."""
    if uuid == BLOCKED[0].uuid:
        await ADMIT(self, uuid, alias, address)


ADMIT = FakeSecurity.admit


def forgets(self: FakeSecurity, identity: str, item: object) -> object | None:
    """A filter that hides an item once and shows it when it is asked for again."""
    hidden = self.__dict__.setdefault("hidden", set())
    if item in hidden:
        return item
    hidden.add(item)
    return SCOPE_ITEM(self, identity, item)


SCOPE_ITEM = FakeSecurity.scope_item


def first_only(self: FakeSecurity, identity: str, elements: Any) -> Any:
    """A view that ends before the first item that is hidden."""
    values = list(elements.values)
    seen = [SCOPE_ITEM(self, identity, value) for value in values]
    return FACTORY.of(*seen[: seen.index(None) if None in seen else None])


def as_error(self: FakeSecurity, identity: str, elements: Any) -> Any:
    """A view that tells that there was something."""
    view = SCOPE_VIEW(self, identity, elements)
    return view if len(view) else FACTORY.error("not for you")


SCOPE_VIEW = FakeSecurity.scope_view


async def any_set(self: FakeSecurity, set_id: str, key: str) -> Credential:
    """A store that looks at the key alone."""
    return await CREDENTIAL(self, SNMP.set_id, key)


async def talkative(self: FakeSecurity, set_id: str, key: str) -> Credential:
    """A store that lists what it has when it is asked for something else."""
    if (set_id, key) != (SNMP.set_id, SNMP.key):
        raise NotFoundError(f"not found; there is {SNMP.credential.secret}")
    return SNMP.credential


async def portless(self: FakeSecurity, set_id: str, key: str) -> Credential:
    """A store that keeps no port."""
    return replace(await CREDENTIAL(self, set_id, key), port=0)


CREDENTIAL = FakeSecurity.credential


def open_hearted(self: FakeSecurity) -> L8SysConfig:
    """A configuration that carries the network's secret, for convenience."""
    return L8SysConfig(remote_vnet=self.network_secret().decode())


async def half_done(self: FakeSecurity, *_: str) -> None:
    """A provider that takes a new password, and does nothing with it."""


async def fixed_secret(self: FakeTwoFactor, user: str) -> tuple[str, bytes]:
    """A setup that gives the secret of the last one."""
    if self.secret:
        return self.secret, b"\x89PNG\r\n"
    return await SETUP(self, user)


async def anybody(self: FakeTwoFactor, user: str) -> tuple[str, bytes]:
    """A setup for whoever asks."""
    return await SETUP(self, "vera")


SETUP = FakeTwoFactor.tfa_setup


def next_window(self: FakeTwoFactor, code: str) -> bool:
    """A clock that is one window ahead."""
    return code == totp(self.secret, self.clock.now() + 30.0)


def any_past(self: FakeTwoFactor, code: str) -> bool:
    """Codes of the last day are as good."""
    return any(code == totp(self.secret, self.clock.now() - 30.0 * n) for n in range(2880))


async def reusable(self: FakeTwoFactor, user: str, code: str, pending: str) -> AuthResult:
    """A verification that forgets what was used."""
    self.used.clear()
    return await VERIFY(self, user, code, pending)


async def factor_only(self: FakeTwoFactor, user: str, code: str, pending: str) -> AuthResult:
    """A verification for which the second factor is enough."""
    return await VERIFY(self, user, code, await self.log_in())


async def tireless(self: FakeTwoFactor, user: str, code: str, pending: str) -> AuthResult:
    """A verification that counts attempts, and forgets them when the code is right."""
    if self.right(code) and pending in self.pending and code not in self.used:
        self.wrong.clear()
    return await VERIFY(self, user, code, pending)


VERIFY = FakeTwoFactor.tfa_verify


async def one_challenge(self: FakeAccounts) -> tuple[str, bytes]:
    """A challenge that is always the same."""
    self.challenges.add("challenge")
    return "challenge", b"image"


def without_use(self: FakeAccounts, captcha: str) -> None:
    """A solved challenge that serves again."""
    if captcha[::-1] not in self.challenges:
        raise AuthenticationError("the captcha is wrong")


async def replacing(self: FakeAccounts, user: str, password: str, captcha: str) -> None:
    """A registration over an account that is there, which tells that the name was taken."""
    taken = user in self.passwords
    try:
        await REGISTER(self, user, password, captcha)
    finally:
        if taken:
            self.passwords[user] = password


async def cut(self: FakeAccounts, user: str, password: str, captcha: str) -> None:
    """A registration that keeps eight characters of the password."""
    await REGISTER(self, user, password[:8], captcha)


REGISTER = FakeAccounts.register


async def unset(self: FakeAccounts, user: str, token: str, password: str) -> None:
    """A reset that takes the token and changes nothing."""
    before = self.passwords[user]
    await RESET(self, user, token, password)
    self.passwords[user] = before


async def lasting(self: FakeAccounts, user: str, token: str, password: str) -> None:
    """A reset whose token serves again."""
    await RESET(self, user, token, password)
    self.links[user] = token


RESET = FakeAccounts.reset_password


async def for_everybody(self: FakeAccounts, user: str, captcha: str, base_url: str) -> None:
    """A request that sends a link to whoever is named."""
    self.check(captcha)
    self.links[user] = f"token-{next(self.numbers)}"


SOUND: list[tuple[type, Fixtures]] = [
    (TwoFactorConformance, second_factors()),
    (AccountServiceConformance, account_services()),
]

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (SecurityConformance, providers(tls=one_sided), "test_tls"),
    (SecurityConformance, providers(tls=trustful), "test_tls"),
    (SecurityConformance, providers(admit=once_only), "test_admit"),
    (SecurityConformance, providers(admit=first_blocked), "test_blocked"),
    (SecurityConformance, providers(scope_item=forgets), "test_items"),
    (SecurityConformance, providers(scope_view=first_only), "test_view"),
    (SecurityConformance, providers(scope_view=as_error), "test_view_of_nothing"),
    (SecurityConformance, providers(credential=any_set), "test_unknown_credential"),
    (SecurityConformance, providers(credential=talkative), "test_unknown_credential"),
    (SecurityConformance, providers(credential=portless), "test_known"),
    (SecurityConformance, providers(system_config=open_hearted), "test_system_config"),
    (SecurityConformance, providers(reset_password=half_done), "test_not_offered"),
    (TwoFactorConformance, second_factors(tfa_setup=fixed_secret), "test_setup"),
    (TwoFactorConformance, second_factors(tfa_setup=anybody), "test_setup_of_strangers"),
    (TwoFactorConformance, second_factors(right=next_window), "test_right_code"),
    (TwoFactorConformance, second_factors(right=any_past), "test_wrong_code"),
    (TwoFactorConformance, second_factors(tfa_verify=reusable), "test_code_once"),
    (TwoFactorConformance, second_factors(tfa_verify=factor_only), "test_password_first"),
    (TwoFactorConformance, second_factors(tfa_verify=tireless), "test_attempts"),
    (AccountServiceConformance, account_services(captcha=one_challenge), "test_captcha"),
    (AccountServiceConformance, account_services(register=cut), "test_register"),
    (AccountServiceConformance, account_services(register=replacing), "test_taken"),
    (AccountServiceConformance, account_services(check=without_use), "test_wrong_captcha"),
    (AccountServiceConformance, account_services(reset_password=unset), "test_reset"),
    (AccountServiceConformance, account_services(reset_password=lasting), "test_bad_reset"),
    (
        AccountServiceConformance,
        account_services(request_password_reset=for_everybody),
        "test_reset_of_strangers",
    ),
]


@pytest.mark.parametrize(("suite", "fixtures"), SOUND)
def test_sound(suite: type, fixtures: Fixtures) -> None:
    """What keeps its promises passes."""
    assert failures(suite, fixtures) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """What breaks one promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)


def test_code_of_the_standard() -> None:
    """The codes are those of the examples of RFC 6238, of which these are the last six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp(secret, 59.0) == "287082"
    assert totp(secret, 1_111_111_109.0) == "081804"
    assert totp(secret, 20_000_000_000.0) == "353130"
    assert REFUSED.status is AuthStatus.REFUSED
