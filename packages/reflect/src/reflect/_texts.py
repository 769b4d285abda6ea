# SPDX-License-Identifier: Apache-2.0
"""Models from texts, through the serializer that knows the text forms of an application's types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.errors import ConfigurationError, DecodeError, PropertyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.models import Serializer

__all__ = ["TextForms"]

_SHOWN: Final = 60
"""How many characters of an offending text an error repeats."""


class TextForms:
    """Text forms of models.

    Args:
        source: Gives the serializer of the mode STRING; asked when the first text is to be read,
            since it may be made later than this. ``None`` when there is none.
    """

    __slots__ = ("_source",)

    def __init__(self, source: Callable[[], Serializer] | None = None) -> None:
        self._source = source

    def read(self, text: str, model: type) -> object:
        """Make an instance of a model; without a serializer it stays the text.

        Raises:
            PropertyError: The text is not the form of the model, or it has none.
        """
        if self._source is None:
            return text
        try:
            return self._source().unmarshal(text.encode(errors="surrogatepass"), model)
        except ConfigurationError:
            # The node has no serializer for texts: then no type has a form.
            return text
        except DecodeError as error:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise PropertyError(f"{shown!r} is no {model.__name__}: {error.message}") from error
