# SPDX-License-Identifier: Apache-2.0
"""The cipher of Go networks."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import ConfigurationError, DecodeError
from layer8_net.go import CfbCipher, new_key

from .go_parts import CIPHER, KEY


@pytest.mark.feature("SEC-04", "l8types:TYP-37")
def test_known_texts() -> None:
    """Texts that Go nodes encrypted are read, and written again with the same start."""
    assert KEY == b"XWdwYcD1cDp14gx3m8gzBQ=="
    assert CIPHER.decrypt(b"hoOcjsl2RIeKnts4dHPFFIiNaZV4") == b"hello"
    text = b"wCmu3kBSdJLvf7Ya9jU6IFfabQZkXHAmcGJUWyJSR9m/3wKVaN3WDdqbfrW24KQisYg8"
    iv = base64.b64decode(text)[:16]
    cipher = CfbCipher(b"abcdefghijklmnopqrstuvwx", lambda: iv)
    assert cipher.decrypt(text) == b"0123456789abcdef0123456789abcdefXYZ"
    assert cipher.encrypt(b"0123456789abcdef0123456789abcdefXYZ") == text


@pytest.mark.feature("SEC-04", "l8types:TYP-37")
@given(st.binary(max_size=500), st.sampled_from([16, 24, 32]))
def test_round_trip(data: bytes, size: int) -> None:
    """What was encrypted comes back, with keys of each length."""
    cipher = CfbCipher(bytes(range(size)))
    assert cipher.decrypt(cipher.encrypt(data)) == data


@pytest.mark.feature("SEC-04")
def test_large() -> None:
    """A megabyte is nothing special."""
    data = bytes(1_048_576)
    assert CIPHER.decrypt(CIPHER.encrypt(data)) == data


@pytest.mark.feature("SEC-04")
def test_fresh_start() -> None:
    """The same text looks different each time, and to another key like noise."""
    first, second = CIPHER.encrypt(b"twice the same"), CIPHER.encrypt(b"twice the same")
    assert first != second
    assert CfbCipher(bytes(16)).decrypt(first) != b"twice the same"


@pytest.mark.feature("SEC-04")
def test_keys() -> None:
    """Generated keys are 32 letters and digits, each another one; other lengths are refused."""
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 32 and key.isalnum() and key.isascii() for key in keys)
    with pytest.raises(ConfigurationError, match="key of 5 bytes"):
        CfbCipher(b"short")


@pytest.mark.parametrize("text", [b"no base64!", b"\xff\xfe", b"aGVsbG8=", b""])
def test_not_encrypted(text: bytes) -> None:
    """What is no encrypted text is a named error."""
    with pytest.raises(DecodeError):
        CIPHER.decrypt(text)
