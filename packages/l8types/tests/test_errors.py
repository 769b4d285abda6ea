# SPDX-License-Identifier: Apache-2.0
"""The error tree."""

from __future__ import annotations

import inspect

import pytest

from l8types import errors
from l8types.errors import L8Error, RemoteError, error_class

CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, L8Error) and value is not L8Error
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_error_is_found_by_its_code(cls: type[L8Error]) -> None:
    """A class raised on one node is the class raised at the caller on another."""
    assert error_class(cls.code) is cls


def test_codes_are_unique() -> None:
    """No two classes share a code."""
    codes = [cls.code for cls in CLASSES]
    assert len(codes) == len(set(codes))


def test_an_unknown_code_gives_a_remote_error() -> None:
    """What another implementation calls its error still arrives as an error."""
    assert error_class("no-such-code") is RemoteError


def test_a_package_error_joins_the_tree_under_its_own_code() -> None:
    """A package derives an error and it travels by the new code."""

    class QuotaError(errors.OverloadedError):
        code = "test-quota"

    assert error_class("test-quota") is QuotaError


def test_message_is_the_text_without_the_class() -> None:
    """The message is what was said, and the code when nothing was said."""
    assert errors.NotFoundError("no book 7").message == "no book 7"
    assert errors.NotFoundError().message == "not-found"


def test_builtin_families_are_kept() -> None:
    """Callers who only know the standard library catch what they expect."""
    assert issubclass(errors.RequestTimeoutError, TimeoutError)
    assert issubclass(errors.NotFoundError, LookupError)
    assert issubclass(errors.InvalidInputError, ValueError)
