# SPDX-License-Identifier: Apache-2.0
"""Kinds of handlers by name, for those who know only the name: settings, plug-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.services import ServiceHandler

    HandlerFactory = Callable[[], ServiceHandler]

__all__ = ["HandlerTypes"]


class HandlerTypes:
    """What makes handlers, by name."""

    def __init__(self) -> None:
        self._factories: dict[str, HandlerFactory] = {}

    def register(self, name: str, factory: HandlerFactory) -> None:
        """Let a name stand for a class or a factory; doing it again changes nothing.

        Raises:
            InvalidInputError: The name is empty.
            ConflictError: It stands for something else.
        """
        if not name:
            raise InvalidInputError("a kind of handler needs a name")
        if self._factories.setdefault(name, factory) is not factory:
            raise ConflictError(f"handlers named {name!r} are made by something else already")

    def factory(self, name: str) -> HandlerFactory:
        """What makes a handler of this name, for an agreement.

        The name is looked up when a service is activated, so that it may be registered later.
        """

        def make() -> ServiceHandler:
            known = self._factories.get(name)
            if known is None:
                names = ", ".join(sorted(self._factories)) or "none"
                raise NotFoundError(f"no handler is registered as {name!r}; there are: {names}")
            return known()

        return make
