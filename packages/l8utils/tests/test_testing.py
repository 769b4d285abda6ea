# SPDX-License-Identifier: Apache-2.0
"""Shallow security: what everybody may do, and the cipher of networks without real security."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import Action, AuthStatus
from l8types.errors import DecodeError, NotFoundError, PermissionDeniedError
from l8types.settings import NodeSettings
from l8types.values import ServiceKey
from l8utils.testing import SECRET, ShallowSecurity, create_shallow_security

from .fakes import Book, resources_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from l8types.protocols.data import Elements


@pytest.fixture
def security() -> ShallowSecurity:
    """A provider."""
    return ShallowSecurity(NodeSettings(alias="lab", port=1234, keep_alive=4.6))


@pytest.mark.feature("RES-02")
def test_it_says_in_the_log_that_it_protects_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Once, as a warning, with the name of the node."""
    create_shallow_security(resources_of())
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "node node runs with shallow security" in record.getMessage()


@given(st.binary(max_size=1000))
def test_what_is_encrypted_can_be_decrypted(data: bytes) -> None:
    """Any bytes, and never twice the same text."""
    security = ShallowSecurity(NodeSettings())
    secret = security.encrypt(data)
    assert security.decrypt(secret) == data
    assert security.encrypt(data) != secret


def test_what_a_go_node_encrypts_can_be_decrypted(security: ShallowSecurity) -> None:
    """Key and format are those of its permissive provider."""
    assert security.decrypt(b"AAECAwQFBgcICQoLDA0OD+4AQKGB") == b"hello"
    assert security.network_secret() == SECRET


@pytest.mark.parametrize("data", [b"%%%", b"AAAA", base64.b64encode(bytes(15))])
def test_damaged_data_is_refused(security: ShallowSecurity, data: bytes) -> None:
    """As far as it can be noticed."""
    with pytest.raises(DecodeError, match="encrypted data"):
        security.decrypt(data)


@pytest.mark.feature("layer8-net:SEC-03")
async def test_everybody_may_do_everything(security: ShallowSecurity) -> None:
    """Join, log in, use any token, any action, see any item; there is no TLS."""
    await security.admit("uuid", "alias", "10.0.0.1")
    result = await security.authenticate("anybody", "anything")
    assert result.status is AuthStatus.OK
    first, second = await security.validate(result.token), await security.validate("other")
    assert first.id != second.id
    await security.revoke(result.token)
    elements = cast("Elements", [Book()])
    await security.authorize("", Action.DELETE, ServiceKey("Books"), elements)
    assert Action.DELETE in (await security.allowed_actions(""))["*"]
    assert security.scope_view("", elements) is elements
    book = Book()
    assert security.scope_item("", book) is book
    assert security.tls(server_side=True) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda provider: provider.tfa_setup("u"),
        lambda provider: provider.tfa_verify("u", "1", "p"),
        lambda provider: provider.captcha(),
        lambda provider: provider.register("u", "p", "c"),
        lambda provider: provider.request_password_reset("u", "c", "http://localhost"),
        lambda provider: provider.reset_password("u", "t", "p"),
    ],
)
async def test_what_needs_accounts_is_refused(security: ShallowSecurity, call: object) -> None:
    """With the advice to use a real provider."""
    operation = cast("Coroutine[object, object, object]", call(security))  # type: ignore[operator]
    with pytest.raises(PermissionDeniedError, match="use a real security provider"):
        await operation


async def test_simulated_devices_have_credentials(security: ShallowSecurity) -> None:
    """Others have none."""
    assert (await security.credential("sim", "snmp")).secret == "public"
    assert (await security.credential("sim", "ssh")).user == "simadmin"
    with pytest.raises(NotFoundError, match="no credential lab/snmp, only sim/snmp, sim/ssh"):
        await security.credential("lab", "snmp")


@pytest.mark.feature("RES-03")
def test_the_system_configuration_comes_from_the_settings(security: ShallowSecurity) -> None:
    """A fresh message each time."""
    config = security.system_config()
    assert (config.vnet_port, config.local_alias, config.max_data_size) == (1234, "lab", 52428800)
    assert config.keep_alive_interval_seconds == 5
    assert security.system_config() is not config
