# SPDX-License-Identifier: Apache-2.0
"""Errors as the text that an entry carries: ``code: message``."""

from l8types.errors import InvalidInputError, L8Error, RemoteError, RequestTimeoutError, error_class


def text_of(error: BaseException | str) -> str:
    """Text of an error for the wire.

    Args:
        error: An ``L8Error`` keeps its code; any other exception is told as a failure of this
            side, with the name of its class; a text is taken as it is.

    Raises:
        InvalidInputError: An empty text, which would read as "no error".
    """
    if isinstance(error, str):
        if not error:
            raise InvalidInputError("an error needs a text, an empty one means success")
        return error
    if isinstance(error, L8Error):
        return f"{error.code}: {error.message}"
    if isinstance(error, TimeoutError):
        return f"{RequestTimeoutError.code}: {str(error) or 'timed out'}"
    return f"{RemoteError.code}: {type(error).__name__}: {error}"


def error_of(text: str) -> L8Error:
    """Error of a text from the wire, of the class that its code names.

    A text without a known code, such as those of Go nodes, becomes a ``RemoteError`` with the
    whole text as its message.
    """
    code, separator, message = text.partition(": ")
    if not separator or not message:
        return RemoteError(text)
    if code in (RemoteError.code, L8Error.code):
        return RemoteError(message)
    known = error_class(code)
    if known is RemoteError:
        return RemoteError(text)
    try:
        return known(message)
    except TypeError:
        # A class of somebody else's, whose constructor asks for more than the wire carries.
        return RemoteError(text)
