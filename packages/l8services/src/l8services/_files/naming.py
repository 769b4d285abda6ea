# SPDX-License-Identifier: Apache-2.0
"""Names that people give to files, and what a file is by its contents.

A name is only shown; no path is ever made of it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import filetype  # type: ignore[import-untyped]  # it has neither types nor stubs

from l8types.errors import InvalidInputError

__all__ = ["HEAD_BYTES", "clean_name", "media_type"]

HEAD_BYTES: Final = 8192
"""How much of a file tells what it is."""
_MAX_NAME_BYTES: Final = 255
_UNKNOWN: Final = "application/octet-stream"

_TEXTS: Final = {
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "json": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "xml": "text/xml",
}
_OLE: Final = frozenset({"application/x-ole-storage", "application/msword",
    "application/vnd.ms-excel", "application/vnd.ms-powerpoint"})  # fmt: skip
_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Older documents of offices; which of them it is, only its inside tells."""
_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument."
_BINARIES: Final = {
    "doc": "application/msword",
    "docx": f"{_OPEN_XML}wordprocessingml.document",
    "gif": "image/gif",
    "gz": "application/gzip",
    "gzip": "application/gzip",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": f"{_OPEN_XML}presentationml.presentation",
    "tar": "application/x-tar",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OPEN_XML}spreadsheetml.sheet",
    "zip": "application/zip",
}


def clean_name(name: str) -> str:
    """The last part of a path as a name that can be shown and used anywhere.

    Raises:
        InvalidInputError: Nothing is left of it, or it is too long.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # Control characters and marks of direction can make a name look like another one.
    shown = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    cleaned = unicodedata.normalize("NFC", shown).strip()
    if cleaned.strip(".") == "":
        raise InvalidInputError(f"{name[:80]!r} is no name of a file")
    if len(cleaned.encode()) > _MAX_NAME_BYTES:
        raise InvalidInputError(
            f"the name of the file has {len(cleaned.encode())} bytes, at most {_MAX_NAME_BYTES}"
        )
    return cleaned


def media_type(name: str, head: bytes) -> str:
    """What a file is, by its contents and its name.

    Args:
        name: Its name.
        head: Its beginning, :data:`HEAD_BYTES` or all of it.

    Raises:
        InvalidInputError: The contents are not what the name says.
    """
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    kind = filetype.guess(head)
    found = str(kind.mime) if kind is not None else ""
    if extension in _TEXTS:
        if found not in {"", _TEXTS[extension]} or (b"\0" in head and not _is_wide(head)):
            raise InvalidInputError(f"{name!r} holds {found or 'no text'}, not what its name says")
        return _TEXTS[extension]
    if extension in _BINARIES:
        wanted = _BINARIES[extension]
        if not _same_family(wanted, found, head):
            raise InvalidInputError(
                f"{name!r} holds {found or 'something else'}, not {wanted} as its name says"
            )
        return wanted
    return found or _UNKNOWN


def _is_wide(head: bytes) -> bool:
    """Whether a byte order mark says that a text has zero bytes."""
    return head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))


def _same_family(wanted: str, found: str, head: bytes) -> bool:
    """Whether contents can be of a type; documents of offices are archives of a common form."""
    if wanted.startswith(_OPEN_XML):
        return found.startswith(_OPEN_XML) or found == "application/zip"
    if wanted in _OLE:
        return found in _OLE or head.startswith(_OLE_MAGIC)
    if wanted == "application/zip":
        return found == wanted or found.startswith(_OPEN_XML)
    return found == wanted
