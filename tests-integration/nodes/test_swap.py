# SPDX-License-Identifier: Apache-2.0
"""A part of one's own takes the place of one of ours: it is installed, and named in settings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest

from .support import announce, environment, free_port, program, run_program, until
from .test_node_example import DUNE, EXAMPLE, MODEL, SHARER

PLUGINS: Final = Path(__file__).parent / "plugins"

DELETING: Final = EXAMPLE.replace(
    "        print(", '        await node.delete("Books", Book("1", "Dune"))\n        print('
)


def install(folder: Path, module: str, group: str, entry: str) -> None:
    """Lay out a package as an installer does: the module, and what it is known by."""
    folder.mkdir(exist_ok=True)
    shutil.copy(PLUGINS / f"{module}.py", folder)
    announce(folder, module, group, entry)


def name_in_settings(directory: Path, group: str, name: str) -> Path:
    """The one line of settings by which a part is chosen."""
    file = directory / "layer8.toml"
    file.write_text(f'[plugins]\n"{group}" = "{name}"\n')
    return file


@pytest.mark.feature("l8utils:RES-01", "layer8-reflect:REF-45")
async def test_a_cache_of_ones_own_is_used_by_naming_it(tmp_path: Path) -> None:
    """The example runs unchanged on it; that it is installed is not enough."""
    install(tmp_path / "site", "plain_cache", "layer8.cache", "plain = plain_cache:create_caches")
    path = {"PYTHONPATH": str(tmp_path / "site")}
    env = environment(tmp_path, port=free_port()) | path
    unnamed = await run_program("-c", EXAMPLE, cwd=tmp_path, env=env)
    assert (unnamed.code, unnamed.out) == (0, f"{DUNE}\n")
    assert "plain cache" not in unnamed.err

    config = name_in_settings(tmp_path, "layer8.cache", "plain")
    env = environment(tmp_path, port=free_port(), config=config) | path
    named = await run_program("-c", EXAMPLE, cwd=tmp_path, env=env)
    assert (named.code, named.out) == (0, f"{DUNE}\n")
    assert "a plain cache keeps Book" in named.err


async def test_nodes_with_different_caches_agree(tmp_path: Path) -> None:
    """What a part is made of is nobody's business: the other nodes keep theirs."""
    install(tmp_path / "site", "plain_cache", "layer8.cache", "plain = plain_cache:create_caches")
    (tmp_path / "model.py").write_text(MODEL)
    ours = environment(tmp_path, port=free_port())
    config = name_in_settings(tmp_path, "layer8.cache", "plain")
    theirs = ours | {"PYTHONPATH": str(tmp_path / "site"), "LAYER8_CONFIG": str(config)}
    async with (
        program("-c", SHARER, "ours", cwd=tmp_path, env=ours) as one,
        program("-c", SHARER, "theirs", cwd=tmp_path, env=theirs) as other,
    ):
        assert [await one.line(), await other.line()] == ["ready", "ready"]
        await one.ask("a")
        await until(lambda: other.ask(""), lambda books: books == "a")
        await other.ask("b")
        await until(lambda: one.ask(""), lambda books: books == "a b")
        assert "a plain cache keeps Book" in (await other.end()).err
        assert "plain cache" not in (await one.end()).err


@pytest.mark.feature("l8types:TYP-34", "l8services:SVC-17")
async def test_security_of_ones_own_decides(tmp_path: Path) -> None:
    """What it refuses is not done, on a node that knows nothing of it."""
    install(tmp_path / "site", "keeping", "layer8.security", "keeping = keeping:create_security")
    config = name_in_settings(tmp_path, "layer8.security", "keeping")
    env = environment(tmp_path, port=free_port())
    deleted = await run_program("-c", DELETING, cwd=tmp_path, env=env)
    assert (deleted.code, deleted.out) == (0, "[]\n")

    env |= {"PYTHONPATH": str(tmp_path / "site"), "LAYER8_CONFIG": str(config)}
    kept = await run_program("-c", DELETING, cwd=tmp_path, env=env)
    assert kept.code == 1
    assert "PermissionDeniedError: nothing is deleted from Books here" in kept.err.splitlines()[-1]


async def test_a_part_that_fails_is_blamed(tmp_path: Path) -> None:
    """One line that names the part, its group and the candidates."""
    install(tmp_path / "site", "plain_cache", "layer8.switch", "broken = plain_cache:missing")
    config = name_in_settings(tmp_path, "layer8.switch", "broken")
    env = environment(tmp_path, port=0, config=config)
    env |= {"PYTHONPATH": str(tmp_path / "site")}
    told = (await run_program("-m", "layer8", "vnet", cwd=tmp_path, env=env)).refused()
    assert "'layer8.switch' implementation 'broken' failed" in told
    assert "candidates: broken, layer8-net" in told
