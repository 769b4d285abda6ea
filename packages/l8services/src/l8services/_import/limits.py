# SPDX-License-Identifier: Apache-2.0
"""How much an import takes in, so that no file can take the node with it."""

from __future__ import annotations

from dataclasses import dataclass

from l8types.errors import ConfigurationError

__all__ = ["ImportLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLimits:
    """Sizes; each is refused above, never cut."""

    max_bytes: int = 33_554_432
    """Bytes of a file. It is held in memory while it is imported, about five times its size."""
    max_rows: int = 1_000_000
    """Rows of a file; what is above is not read, and told as an error of the next row."""
    max_columns: int = 1000
    """Columns of a row."""
    max_cell_chars: int = 100_000
    """Characters of a cell."""
    max_depth: int = 32
    """How deep the values of JSON and the elements of XML may be nested."""
    max_errors: int = 1000
    """Errors that are listed in an answer; those above are only counted."""
    batch_size: int = 200
    """Rows that are written with one call of the service."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value < 1:
                raise ConfigurationError(f"{name} is {value}, it must be at least 1")
