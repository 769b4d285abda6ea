# SPDX-License-Identifier: Apache-2.0
"""Names and contents of files: what they may be, and that none leaves its folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._files.disk import Disk
from l8services._files.naming import clean_name, media_type
from l8types.enums import Action
from l8types.errors import (
    InvalidInputError,
    NotFoundError,
)

from .network import FakeNetwork
from .storing import PNG, download, on_disk, serve, upload
from .virtual import run


@pytest.mark.feature("FIL-02")
def test_contents_have_to_be_what_the_name_says(tmp_path: Path) -> None:
    """A program is no picture and a picture no text; what is not known by name is by contents."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            with pytest.raises(InvalidInputError, match=r"'a\.png' holds something else"):
                await upload(node, b"??", "a.png")
            with pytest.raises(InvalidInputError, match=r"'a\.csv' holds image/png"):
                await upload(node, PNG, "a.csv")
            assert on_disk(tmp_path) == []

    run(scenario())


ZIP = b"PK\x03\x04" + bytes(60)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.csv", b"x", "text/csv"),
        ("a.TXT", b"\xff\xfea\0", "text/plain"),
        ("a.xml", b"<a/>", "text/xml"),
        ("a.svg", b"<svg/>", "image/svg+xml"),
        ("a.docx", ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.xls", OLE, "application/vnd.ms-excel"),
        ("a.zip", ZIP, "application/zip"),
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.gz", b"\x1f\x8b\x08", "application/gzip"),
        ("noname", PNG, "image/png"),
        ("a.bin", b"?", "application/octet-stream"),
    ],
)
def test_types_are_told(name: str, head: bytes, expected: str) -> None:
    """By name where the contents agree, else by contents."""
    assert media_type(name, head) == expected


@pytest.mark.parametrize(
    ("name", "head"), [("a.txt", b"a\0b"), ("a.docx", OLE), ("a.doc", ZIP), ("a.jpg", PNG)]
)
def test_types_that_disagree_are_refused(name: str, head: bytes) -> None:
    """The name is not believed."""
    with pytest.raises(InvalidInputError, match="its name says"):
        media_type(name, head)


@pytest.mark.parametrize(
    "name", ["", "/", "..", "a/..", "\\", "\0", " . ", "x" * 256, "../.\u202e."]
)
def test_names_that_are_none_are_refused(name: str) -> None:
    """Nothing that could not be shown, or that is a folder."""
    with pytest.raises(InvalidInputError):
        clean_name(name)


PATHS = st.text(st.sampled_from("./\\a\0~:%2eC\u202e") | st.characters(), max_size=40)


@given(PATHS)
def test_names_never_leave_a_folder(name: str) -> None:
    """What comes out is one component of a path, and cleaning it again changes nothing."""
    try:
        cleaned = clean_name(name)
    except InvalidInputError:
        return
    root = Path("/srv/root")
    assert Path(os.path.normpath(root / cleaned)).parent == root
    assert clean_name(cleaned) == cleaned


@given(PATHS | st.from_regex(r"[0-9a-f]{32}\n?"), st.sampled_from(["data", "meta", "part"]))
def test_no_path_leaves_the_folder_of_the_store(text: str, ending: str) -> None:
    """W-17: whatever is taken for an id, the file is within the folder, or the id is refused."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        try:
            path = Disk(root).path(text, ending)
        except InvalidInputError:
            return
        assert path.resolve().is_relative_to(root)
        assert path.resolve() == path


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "", "0" * 32, "0" * 31 + "\n"])
def test_paths_of_strangers_are_not_found(tmp_path: Path, path: str) -> None:
    """An id that the store did not give is no file, for reading and for removing."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await serve(network, tmp_path)
            for action in (Action.PUT, Action.GET, Action.DELETE):
                with pytest.raises(NotFoundError):
                    await download(node, path, action)

    run(scenario())
