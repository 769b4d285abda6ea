# SPDX-License-Identifier: Apache-2.0
"""Errors as texts."""

from __future__ import annotations

import pytest

from l8types.errors import NotFoundError, RemoteError
from layer8_net._core.failures import error_of, error_text


def test_round_trip() -> None:
    """An error keeps its class and its message."""
    error = error_of(error_text(NotFoundError("no such book: 7")))
    assert type(error) is NotFoundError
    assert error.message == "no such book: 7"


@pytest.mark.parametrize("text", ["", "plain", "two words: x", ": x", "unknown-code: x"])
def test_other_texts(text: str) -> None:
    """A text of another form or with an unknown code is an error of the remote side."""
    assert type(error_of(text)) is RemoteError
