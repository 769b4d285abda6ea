# SPDX-License-Identifier: Apache-2.0
"""Where files are kept; known also to those who have nothing of the store installed."""

from __future__ import annotations

from typing import Final

from l8types.values import ServiceKey

__all__ = ["FILE_STORE"]

FILE_STORE: Final = ServiceKey("FileStore")
"""The service of the files."""
