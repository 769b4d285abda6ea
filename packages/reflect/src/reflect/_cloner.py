# SPDX-License-Identifier: Apache-2.0
"""Copies of models behind the interface."""

from __future__ import annotations

import copy
from typing import TypeVar

from reflect._clone import CLONERS, cloner_of
from reflect._hints import is_model
from reflect._tidy import tidied

__all__ = ["Cloner"]

T = TypeVar("T")


class Cloner:
    """Copies models and everything below them."""

    def clone(self, item: T) -> T:
        """Deep copy of a model instance, unknown protobuf fields included.

        Other values (scalars, lists, arrays) are copied as ``copy.deepcopy`` does. Where a list or
        map holds ``None`` instead of a model, the copy has an empty item, or no entry.

        Raises:
            PropertyError: An attribute holds something else than the model declares; the message
                names the place.
        """
        model = type(item)
        clone = CLONERS.get(model)
        if clone is None:
            if not is_model(model):
                return copy.deepcopy(item)
            clone = cloner_of(model)
        copied: T
        try:
            copied = clone(item)
        except (AttributeError, TypeError):
            tidy = tidied(item)
            if tidy is item:
                raise
            copied = clone(tidy)
        return copied
