# SPDX-License-Identifier: Apache-2.0
"""Rows of XML: the children of the root, whatever they are called.

A child of a row is a column, its text the value; elements inside become dotted names, attributes
columns too. Entities, DTDs and references to elsewhere are refused.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from l8services._import.rows import CellError, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_xml"]


def read_xml(data: bytes, *, max_depth: int) -> Table:
    """Read a file; its encoding is the one that it declares.

    Args:
        data: The file.
        max_depth: How deep elements may be nested.
    """
    return Table(None, _rows(data, max_depth))


def _rows(data: bytes, max_depth: int) -> Iterator[Row]:
    number = 0
    open_elements: list[Element] = []
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                open_elements.append(element)
                if len(open_elements) > max_depth:
                    yield _broken(number + 1, f"elements are nested more than {max_depth} deep")
                    return
                continue
            open_elements.pop()
            if len(open_elements) == 1:
                number += 1
                yield _row(number, element)
                # What was read is let go, so that the size of the tree is that of one row.
                open_elements[0].clear()
    except DefusedXmlException as error:
        yield _broken(number + 1, f"DTDs and entities are not allowed: {type(error).__name__}")
    except (ParseError, LookupError, ValueError) as error:
        yield _broken(number + 1, f"is no XML: {error}")


def _broken(number: int, what: str) -> Row:
    return Row(number, problem=CellError(f"{what}; the rest of the file is not read"))


def _row(number: int, element: Element) -> Row:
    collected: dict[str, list[str]] = {}
    _collect(element, "", collected)
    values = {
        name: texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)
        for name, texts in collected.items()
    }
    return Row(number, values)


def _collect(element: Element, prefix: str, into: dict[str, list[str]]) -> None:
    for name, value in element.attrib.items():
        into.setdefault(prefix + _local(name), []).append(value)
    for child in element:
        name = prefix + _local(child.tag)
        if len(child):
            _collect(child, f"{name}.", into)
            continue
        into.setdefault(name, []).append(child.text or "")
        if child.attrib:
            _collect(child, f"{name}.", into)


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
