# SPDX-License-Identifier: Apache-2.0
"""What services have in common that can be asked and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

__all__ = ["AskedService"]


class AskedService:
    """The verbs that change something, refused; ``get`` and the life are for the subclass."""

    async def deactivate(self) -> None:
        """Nothing to release."""

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Refused."""
        self._refuse(call)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Refused."""
        self._refuse(call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Refused."""
        self._refuse(call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Refused."""
        self._refuse(call)

    async def notify(self, elements: Elements, call: Call) -> None:
        """What others say changes nothing here."""

    async def failed(self, elements: Elements, call: Call) -> None:
        """It sends nothing that could come back."""

    @staticmethod
    def _refuse(call: Call) -> NoReturn:
        raise InvalidInputError(f"service {call.key} can be asked, not changed")
