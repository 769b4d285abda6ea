# SPDX-License-Identifier: Apache-2.0
"""The text of a file whose encoding nobody told: byte order mark, UTF-8, then a guess."""

from __future__ import annotations

import codecs
import logging
from typing import Final

import charset_normalizer

from l8types.errors import InvalidInputError

__all__ = ["to_text"]

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    # The mark of UTF-32 begins with that of UTF-16, so it comes first.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE: Final = 65_536
"""Bytes that the encoding is guessed from; more would take long and tell little."""
_COMMON: Final = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "latin_1", "iso8859_15", "koi8_r",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "utf_16_le", "utf_16_be",
]  # fmt: skip
"""What files of offices are encoded in; the exotic rest would only win by chance."""

_log = logging.getLogger(__name__)


def to_text(data: bytes) -> str:
    """Decode a file.

    Raises:
        InvalidInputError: No encoding fits; tells the first byte that does not.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        guessed = _guess(data, error)
        _log.info("a file without byte order mark is no UTF-8, read as %s", guessed)
        return _decoded(data, guessed)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"the file is no {encoding} at byte {error.start}: {error.reason}; save it as UTF-8"
        ) from error


def _guess(data: bytes, failure: UnicodeDecodeError) -> str:
    # Where the plain part is long, what tells the encoding may be far behind its beginning.
    begin = max(0, failure.start - _SAMPLE // 2)
    # Of UTF-16 and UTF-32 a unit must not be cut.
    begin -= begin % 4
    sample = data[begin : begin + _SAMPLE]
    best = charset_normalizer.from_bytes(sample, cp_isolation=_COMMON).best()
    if best is None:
        raise InvalidInputError(
            f"the file is no text: no UTF-8 at byte {failure.start}, and nothing else fits; "
            "save it as UTF-8"
        )
    return best.encoding
