# SPDX-License-Identifier: Apache-2.0
"""How much a file store keeps."""

from __future__ import annotations

from dataclasses import dataclass

from l8types.errors import ConfigurationError

__all__ = ["FileLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """Sizes in bytes, times in seconds; what is above a size is refused."""

    max_file_bytes: int = 5_242_880
    """Largest file."""
    quota_bytes: int = 1_073_741_824
    """All files together, those among them that are being uploaded."""
    part_bytes: int = 1_048_576
    """Bytes of a part when a file is read as a stream."""
    max_answer_bytes: int = 16_777_216
    """Largest file in one answer, which has to fit into one message; above it, read a stream."""
    max_uploads: int = 64
    """Uploads in parts that are open at the same time."""
    abandoned_after: float = 3600.0
    """How long an upload in parts may rest before it is removed."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value <= 0:
                raise ConfigurationError(f"{name} is {value}, it must be above 0")
