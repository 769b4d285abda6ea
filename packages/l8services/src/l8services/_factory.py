# SPDX-License-Identifier: Apache-2.0
"""The entry point under which a node finds this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._manager import ServiceManager

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Services

__all__ = ["create_services"]


def create_services(resources: Resources) -> Services:
    """Service manager of a node; entry point ``l8services`` of the group ``layer8.services``."""
    return ServiceManager(resources)
