# SPDX-License-Identifier: Apache-2.0
"""The language in which polls ask over SNMP.

    question = [ name "=" ] oid [ ":" type ]

The name is that of the value in the answer, by default the OID itself. The type says how octets
are to be read, since they do not tell: the six octets of a hardware address may well be text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from l8types.errors import InvalidInputError

__all__ = ["ValueType", "Variable", "parse_variable", "variables"]

_QUESTION: Final = re.compile(
    r"(?:(?P<name>[A-Za-z][\w.-]*)=)?\.?(?P<oid>\d+(?:\.\d+)+)(?::(?P<type>[a-z]+))?"
)
_MAX_ARCS: Final = 128
"""RFC 2578, section 3.5."""


class ValueType(StrEnum):
    """How the value of a variable is read."""

    AUTO = "auto"
    """As SNMP has it: numbers, text for octets, dotted text for OIDs and addresses."""
    TEXT = "text"
    """Octets as text; those that are no UTF-8 survive as lone surrogates."""
    MAC = "mac"
    """Six octets as a hardware address with colons; other octets as text."""
    OCTETS = "octets"
    """Octets as they are."""
    OID = "oid"
    """Object identifier with a leading dot."""
    NUMBER = "number"
    """Whole number, also from octets with decimal text."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing that is asked for."""

    name: str
    oid: str
    """With a leading dot."""
    type: ValueType = ValueType.AUTO

    @property
    def number(self) -> int:
        """The last number of the OID: that of the column, when it is one."""
        return int(self.oid.rpartition(".")[2])


@lru_cache(maxsize=4096)
def parse_variable(text: str) -> Variable:
    """One variable from its text.

    Raises:
        InvalidInputError: Not a question in this language.
    """
    found = _QUESTION.fullmatch(text)
    if found is None or found["oid"].count(".") >= _MAX_ARCS:
        raise InvalidInputError(
            f"{text!r} asks nothing over SNMP; write name=1.3.6.1.2.1.1.5.0:text"
        )
    try:
        kind = ValueType(found["type"] or ValueType.AUTO)
    except ValueError as error:
        known = ", ".join(ValueType)
        raise InvalidInputError(f"{text!r}: {error}; there are {known}") from error
    oid = f".{found['oid']}"
    return Variable(found["name"] or oid, oid, kind)


def variables(what: tuple[str, ...]) -> tuple[Variable, ...]:
    """The variables of a request.

    Raises:
        InvalidInputError: A text is not a question in this language.
    """
    return tuple(parse_variable(text) for text in what)
