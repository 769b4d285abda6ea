# SPDX-License-Identifier: Apache-2.0
"""Which column belongs to which field: a suggestion for a person to check."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, Protocol

from rapidfuzz.distance import Levenshtein

from l8services._import.dates import date_reader
from l8services._import.rows import CellError
from l8types.errors import InvalidInputError
from l8types.pb import (
    L8ImportAIMappingResponse,
    L8ImportColumnMapping,
    L8ImportFieldInfo,
    L8ImportValueTransform,
)
from l8types.pb.api_pb2 import L8ImportTransformType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MappingProvider", "SimilarNames", "score"]

_MAX_COLUMNS: Final = 1000
"""Columns of a question; every one is compared with every field."""
_ACCEPTED: Final = 0.6
"""Scores below are no suggestion."""
_ABBREVIATIONS: Final = {
    "emp": "employee", "dept": "department", "mgr": "manager", "addr": "address",
    "qty": "quantity", "amt": "amount", "desc": "description", "num": "number", "no": "number",
    "nr": "number", "fname": "firstname", "lname": "lastname", "tel": "phone",
    "org": "organization", "cat": "category", "stat": "status", "dt": "date",
}  # fmt: skip
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[0-9]+")
_DATES: Final = (
    "YYYY-MM-DD",
    "YYYY-MM-DDTHH:mm:ssZ",
    "YYYY-MM-DDTHH:mm:ss",
    "YYYY-MM-DD HH:mm:ss",
    "DD.MM.YYYY",
)
"""Forms of which each text can be only one; days and months between slashes cannot be told."""


class MappingProvider(Protocol):
    """Suggests mappings; a model of language may stand behind it."""

    async def suggest(
        self, fields: Sequence[L8ImportFieldInfo], columns: Sequence[str], samples: Sequence[str]
    ) -> L8ImportAIMappingResponse:
        """A mapping for each column, skipped where nothing fits.

        Args:
            fields: What can be filled; keys and required ones are marked.
            columns: Titles of the file.
            samples: One cell per column, in the same order, or nothing.
        """
        ...


class SimilarNames:
    """Goes by the names alone, and by the samples for the form of dates."""

    async def suggest(
        self, fields: Sequence[L8ImportFieldInfo], columns: Sequence[str], samples: Sequence[str]
    ) -> L8ImportAIMappingResponse:
        """The best pairs first, each column and each field once.

        Raises:
            InvalidInputError: Too many columns.
        """
        if len(columns) > _MAX_COLUMNS:
            raise InvalidInputError(f"{len(columns)} columns, at most {_MAX_COLUMNS} are compared")
        # Each is compared with each, which takes a while for many.
        pairs = await asyncio.to_thread(_best_pairs, columns, fields)
        answer = L8ImportAIMappingResponse()
        for index, column in enumerate(columns):
            found = pairs.get(index)
            if found is None:
                skipped = L8ImportColumnMapping(source_column=column, skip=True)
                answer.suggested_mappings.append(skipped)
                continue
            target = found[1]
            answer.suggested_mappings.append(
                L8ImportColumnMapping(source_column=column, target_field=target.field_name)
            )
            if len(samples) == len(columns):
                answer.suggested_transforms.extend(_transforms(target, samples[index]))
        scores = [value for value, _ in pairs.values()]
        answer.confidence = sum(scores) / len(scores) if scores else 0.0
        answer.explanation = _explanation(fields, columns, pairs)
        return answer


_Pairs = dict[int, tuple[float, L8ImportFieldInfo]]


def _best_pairs(columns: Sequence[str], fields: Sequence[L8ImportFieldInfo]) -> _Pairs:
    rated = (
        (score(column, field.field_name), index, position)
        for index, column in enumerate(columns)
        for position, field in enumerate(fields)
    )
    good = sorted(
        (one for one in rated if one[0] >= _ACCEPTED), key=lambda one: (-one[0], *one[1:])
    )
    pairs: _Pairs = {}
    taken: set[int] = set()
    for value, index, position in good:
        if index not in pairs and position not in taken:
            pairs[index] = (value, fields[position])
            taken.add(position)
    return pairs


def score(column: str, target: str) -> float:
    """How well a column's title fits the name of a field.

    Returns:
        1 for names that are equal but for case and punctuation; 0.9 for the same words in another
        order; 0.8 when they are after abbreviations are written out; 0.7 when one contains the
        other; 0.6 to 0.69 for misspelt ones; else 0.
    """
    left, right = column[:200], target[:200]
    bare, wanted = _bare(left), _bare(right)
    if not bare or not wanted:
        return 0.0
    words, target_words = _words(left), _words(right)
    if bare == wanted:
        return 1.0
    if sorted(words) == sorted(target_words):
        return 0.9
    if _expanded(words) == _expanded(target_words):
        return 0.8
    # Two letters are in almost everything.
    if min(len(bare), len(wanted)) > 2 and (bare in wanted or wanted in bare):
        return 0.7
    return _misspelt(bare, wanted)


def _misspelt(bare: str, wanted: str) -> float:
    longest = max(len(bare), len(wanted))
    distance = Levenshtein.distance(bare, wanted, score_cutoff=2)
    if distance > 2 or distance >= 0.3 * longest:
        return 0.0
    return 0.69 - 0.09 * distance / 2


def _bare(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORDS.findall(name)]


def _expanded(words: Iterable[str]) -> str:
    return "".join(_ABBREVIATIONS.get(word, word) for word in words)


def _transforms(field: L8ImportFieldInfo, sample: str) -> list[L8ImportValueTransform]:
    if field.field_type not in {"int32", "int64"} or field.enum_values:
        return []
    for pattern in _DATES:
        try:
            known = bool(date_reader(pattern)(sample))
        except CellError:
            continue
        if known:
            return [
                L8ImportValueTransform(
                    target_field=field.field_name,
                    transform_type=L8ImportTransformType.IMPORT_TRANSFORM_DATE_FORMAT,
                    format_pattern=pattern,
                )
            ]
    return []


def _explanation(fields: Sequence[L8ImportFieldInfo], columns: Sequence[str], pairs: _Pairs) -> str:
    mapped = {found.field_name for _, found in pairs.values()}
    lines = [
        f"{columns[index]!r} -> {found.field_name} ({value:.2f})"
        + (" key" if found.is_primary_key else "")
        for index, (value, found) in sorted(pairs.items())
    ]
    missing = [f.field_name for f in fields if f.is_required and f.field_name not in mapped]
    if missing:
        lines.append(f"nothing fits the required {', '.join(missing)}")
    return "; ".join(lines) or "nothing fits"
