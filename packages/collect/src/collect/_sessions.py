# SPDX-License-Identifier: Apache-2.0
"""Finds what makes the sessions of a protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from l8types.constants import Plugin
from l8types.errors import ConfigurationError

if TYPE_CHECKING:
    from l8types.protocols.collection import CollectorFactory
    from l8types.protocols.runtime import Resources

__all__ = ["session_factory"]


def session_factory(resources: Resources, protocol: str) -> CollectorFactory:
    """What makes sessions of a protocol.

    It is the entry point that is named like the protocol, unless the settings name another one in
    ``plugins["layer8.collector.<protocol>"]``.

    Raises:
        ConfigurationError: Nothing has that name, or what it makes makes no sessions.
    """
    chosen = resources.settings.plugins.get(f"{Plugin.COLLECTOR}.{protocol}", "") or protocol
    factory = resources.create(Plugin.COLLECTOR, chosen)
    if not callable(factory):
        raise ConfigurationError(
            f"{Plugin.COLLECTOR.value} {chosen!r} makes a {type(factory).__name__}; "
            "it has to make a factory of sessions"
        )
    return cast("CollectorFactory", factory)
