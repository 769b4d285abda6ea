# SPDX-License-Identifier: Apache-2.0
"""Makes queries, and keeps those that were made before."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from google.protobuf.message import DecodeError

from gsql._bind import bind
from gsql._parser import parse_text
from gsql._problems import problem
from gsql._query import BoundQuery
from gsql._wire import from_message, is_text_only
from l8types.pb import L8Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gsql._bind import Bound
    from gsql._builder import Selection
    from gsql._tree import RawQuery
    from l8types.protocols.models import Inspector

__all__ = ["QueryFactory"]

T = TypeVar("T")

_NO_PARAMETERS: Final[Mapping[str, object]] = MappingProxyType({})


class QueryFactory:
    """Parses texts and reads messages; implements ``l8types`` ``QueryFactory``.

    Queries are immutable, so equal texts give the same object while it is among the last ones.

    Args:
        inspector: Knows the models that may be queried.
        cache_size: How many texts, and how many messages, are remembered.
        precedence: How texts that mix ``and`` and ``or`` without brackets are read: ``sql``, where
            ``and`` binds tighter, or ``reference``, where the shape decides as it does on nodes of
            the first make. Received trees say by themselves what belongs together.
        wildcards: What a star in the value of ``=`` means: ``whole``, where the pattern has to fit
            the whole text, or ``reference``, where any piece between the stars may stand anywhere
            and ``!=`` knows no stars, as on nodes of the first make. It goes for received trees
            as well.
    """

    def __init__(
        self,
        inspector: Inspector,
        *,
        cache_size: int = 1_024,
        precedence: Literal["sql", "reference"] = "sql",
        wildcards: Literal["whole", "reference"] = "whole",
    ) -> None:
        if precedence not in {"sql", "reference"}:
            raise ValueError(f"precedence is 'sql' or 'reference', not {precedence!r}")
        self._inspector = inspector
        if wildcards not in {"whole", "reference"}:
            raise ValueError(f"wildcards is 'whole' or 'reference', not {wildcards!r}")
        self._by_shape = precedence == "reference"
        self._loose = wildcards == "reference"
        # Texts with parameters; of the others the bound query is kept.
        self._raw = lru_cache(cache_size)(parse_text)
        self._texts = lru_cache(cache_size)(self._from_text)
        self._messages = lru_cache(cache_size)(self._from_bytes)

    def parse(self, text: str, **parameters: object) -> BoundQuery:
        """Query from text; ``:name`` in the text is bound to ``parameters``.

        A parameter is always a value: wildcards and names in it have no meaning.

        Raises:
            QueryError: Not a query or not of a known model; tells line, column, what was expected.
        """
        if not parameters:
            return self._texts(text)
        return BoundQuery(self._bind(self._raw(text), parameters))

    def build(self, selection: Selection[T]) -> BoundQuery:
        """Query of a selection that was put together in Python.

        Raises:
            QueryError: A name or value does not fit the model, or the model is not known.
        """
        raw, parameters = selection.parts(self._inspector)
        return BoundQuery(bind(raw, self._inspector, parameters))

    def from_wire(self, message: L8Query) -> BoundQuery:
        """Query from its message; a message with only text is parsed.

        Raises:
            QueryError: The tree makes no sense or names an unknown model or attribute.
        """
        return self._messages(message.SerializeToString(deterministic=True))

    def forget(self) -> None:
        """Drop all remembered queries; needed when a model was replaced by another of its name."""
        self._texts.cache_clear()
        self._messages.cache_clear()

    def _from_text(self, text: str) -> BoundQuery:
        return BoundQuery(self._bind(parse_text(text)), text)

    def _bind(self, raw: RawQuery, parameters: Mapping[str, object] = _NO_PARAMETERS) -> Bound:
        return bind(raw, self._inspector, parameters, by_shape=self._by_shape, loose=self._loose)

    def _from_bytes(self, data: bytes) -> BoundQuery:
        try:
            message = L8Query.FromString(data)
        except DecodeError as error:
            # Made in this process: none that is nested so deeply comes in from outside.
            raise problem(f"the tree is nested deeper than a message may be: {error}") from error
        if is_text_only(message):
            if not message.text:
                raise problem("the query is empty; send a text or a tree")
            bound = self._bind(parse_text(message.text))
            return BoundQuery(bound, message.text, identity=message.aaa_id)
        bound = bind(from_message(message), self._inspector, _NO_PARAMETERS, loose=self._loose)
        return BoundQuery(bound, message.text, identity=message.aaa_id, message=message)
