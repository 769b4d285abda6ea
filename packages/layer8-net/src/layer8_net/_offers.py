# SPDX-License-Identifier: Apache-2.0
"""What a node offers, and what it offered until it was drained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l8types.values import Message

__all__ = ["Offers"]

Service = tuple[str, int]
"""Name and area."""


class Offers:
    """Services of this node; looked up with every request that the network or a rule routed."""

    def __init__(self) -> None:
        self._offered: set[Service] = set()
        self._retired: set[Service] = set()

    def __contains__(self, service: Service) -> bool:
        return service in self._offered

    def add(self, service: Service) -> None:
        """Offer a service."""
        self._offered.add(service)
        self._retired.discard(service)

    def remove(self, service: Service) -> None:
        """No longer offer a service: requests for it are for someone else from now on."""
        self._offered.discard(service)
        self._retired.discard(service)

    def retire(self) -> list[Service]:
        """No longer offer anything, but answer who did not know yet; what was offered."""
        retired = sorted(self._offered)
        self._retired.update(retired)
        self._offered.clear()
        return retired

    def serves(self, message: Message) -> bool:
        """Whether a request is for this node: it names it, or what it offers or offered lately."""
        if not message.mode:
            return True
        service = (message.service, message.area)
        return service in self._offered or service in self._retired
