# SPDX-License-Identifier: Apache-2.0
"""What the entry points of this package name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collect._snmp._collector import SnmpCollector
from l8types.errors import ConfigurationError

if TYPE_CHECKING:
    from l8types.protocols.collection import CollectorFactory, CollectorProtocol, HostAddress
    from l8types.protocols.runtime import Resources

__all__ = ["create_snmp"]


def create_snmp(_resources: Resources) -> CollectorFactory:
    """Factory of SNMP v2c sessions.

    Raises:
        ConfigurationError: The extra ``snmp`` is not installed.
    """
    try:
        # Importing the package must not need the library of every protocol.
        from collect._snmp._session import open_session  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "the SNMP library is missing; install layer8-collect[snmp]"
        ) from error

    def create(host: HostAddress) -> CollectorProtocol:
        return SnmpCollector(host, open_session)

    return create
