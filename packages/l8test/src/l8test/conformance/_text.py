# SPDX-License-Identifier: Apache-2.0
"""Conformance of codecs of typed text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from l8types.enums import Kind
from l8types.errors import DecodeError

if TYPE_CHECKING:
    from l8types.protocols.models import TextCodec

__all__ = ["TextCodecConformance"]

SCALARS: Final = (
    "", "abc", "a::b", "{24}x", "<a>", "ü\n\t ", "0", True, False, 0, 7, -1, 2**62, -(2**63),
    0.5, -0.25, 1e21, 1e-7, 3.0,
)  # fmt: skip
KNOWN: Final = (
    ("abc", None, "{24}abc"),
    (5, None, "{2}5"),
    (-70000, Kind.INT32, "{5}-70000"),
    (2.5, None, "{14}2.5"),
    (True, None, "{1}true"),
)
"""What other nodes write."""


class TextCodecConformance:
    """What every ``TextCodec`` promises.

    Fixture:
        text_codec: A ``TextCodec``.
    """

    @pytest.mark.parametrize("value", SCALARS, ids=repr)
    def test_round_trip(self, text_codec: TextCodec, value: object) -> None:
        """A value comes back as what it was, of the same type."""
        found = text_codec.from_text(text_codec.to_text(value))
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize(("value", "kind", "text"), KNOWN)
    def test_known(
        self, text_codec: TextCodec, value: object, kind: Kind | None, text: str
    ) -> None:
        """Texts are those of the ecosystem, since they are parts of ids that travel."""
        assert text_codec.to_text(value, kind) == text
        assert text_codec.from_text(text) == value

    def test_different(self, text_codec: TextCodec) -> None:
        """Different values have different texts, also when they look alike."""
        values = ["1", 1, 1.5, "1.5", "True", True, ""]
        assert len({text_codec.to_text(value) for value in values}) == len(values)

    @pytest.mark.parametrize("text", ["", "abc", "{", "{24", "24}a", "{x}1", "{5}abc", "{999}1"])
    def test_malformed(self, text_codec: TextCodec, text: str) -> None:
        """A text without a type, or with one that it is not, is refused."""
        with pytest.raises(DecodeError):
            text_codec.from_text(text)
