# SPDX-License-Identifier: Apache-2.0
"""Errors as the texts that travel, ``code: message``, and back."""

from __future__ import annotations

from l8types.errors import L8Error, RemoteError, error_class

__all__ = ["error_of", "error_text", "split_error"]


def error_text(error: L8Error) -> str:
    """Text of an error."""
    return f"{error.code}: {error.message}"


def split_error(text: str) -> tuple[str, str]:
    """Code and message of a text; without a known form the code is that of ``RemoteError``."""
    code, colon, message = text.partition(": ")
    if not colon or not code or " " in code:
        return RemoteError.code, text
    return code, message


def error_of(text: str) -> L8Error:
    """Error of a text, as the class that its code names."""
    code, message = split_error(text)
    return error_class(code)(message)
