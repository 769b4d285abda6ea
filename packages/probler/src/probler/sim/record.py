# SPDX-License-Identifier: Apache-2.0
"""Make a recording of a live SNMP agent: ``python -m probler.sim.record``.

The agent is one that already runs (``--agent HOST:PORT``), or net-snmp's ``snmpd`` started here,
without privileges and on a free loopback port, with a configuration file of ours (``--snmpd``).
``probler/recordings/README.md`` has the commands that made the recordings of the package.
The walk uses pysnmp (the extra ``record``), not the simulator's own codec, so that a mistake in
one cannot hide in the other.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, SupportsBytes, SupportsInt

from l8types.errors import L8Error, NotFoundError, RequestTimeoutError, UnavailableError
from probler.sim._recording import write_recording
from probler.sim._values import EXCEPTIONS, Kind, Oid, Value, parse_oid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

__all__ = ["main", "run_snmpd", "walk"]

_LOOPBACK = "127.0.0.1"
_PROCESSOR_LOAD = "1.3.6.1.2.1.25.3.3.1.2"
_STORAGE_ENTRY = parse_oid("1.3.6.1.2.1.25.2.3.1")
_STORAGE_DESCR = (*_STORAGE_ENTRY, 3)
_SETTLE_LIMIT = 120.0
_REPETITIONS = 25


async def walk(
    host: str, port: int, *, community: str = "public", root: str = "1.3.6", timeout: float = 5.0
) -> AsyncIterator[tuple[Oid, Value]]:
    """Yield all object instances below a root, by GETBULK.

    Args:
        host: Address of the agent.
        port: Its UDP port.
        community: SNMP v2c community.
        root: OID at which to start; the walk ends with the view or when it leaves the root.
        timeout: Seconds to wait for an answer before each of two retries.

    Yields:
        OID and typed value.

    Raises:
        NotFoundError: The extra ``record`` is not installed.
        RequestTimeoutError: The agent does not answer.
        UnavailableError: The agent answers with an error.
    """
    try:
        from pysnmp.hlapi.v1arch import asyncio as snmp  # type: ignore[import-untyped] # noqa: PLC0415
    except ImportError as error:
        msg = "recording needs pysnmp: pip install probler[record]"
        raise NotFoundError(msg) from error
    target = await snmp.UdpTransportTarget.create((host, port), timeout=timeout, retries=2)
    dispatcher = snmp.SnmpDispatcher()
    try:
        rows = snmp.bulk_walk_cmd(
            dispatcher,
            snmp.CommunityData(community, mpModel=1),  # noqa: S508 - version 2c is what is recorded
            target,
            0,
            _REPETITIONS,
            snmp.ObjectType(snmp.ObjectIdentity(root)),
            lookupMib=False,
            lexicographicMode=False,
        )
        async for failure, status, _, varbinds in rows:
            if failure:
                msg = f"no answer from {host}:{port}: {failure}"
                raise RequestTimeoutError(msg)
            if status:
                msg = f"{host}:{port} answered with error status {int(status)}"
                raise UnavailableError(msg)
            for name, value in varbinds:
                typed = _typed(sum(value.tagSet.superTags[-1]), value)
                if typed.kind not in EXCEPTIONS:
                    yield tuple(name), typed
    finally:
        dispatcher.close()


class _Answer(SupportsBytes, SupportsInt, Protocol):
    """What is used of pysnmp's values, which carry no type hints."""

    def __iter__(self) -> Iterator[int]: ...


def _typed(tag: int, value: _Answer) -> Value:
    """Our value for one of pysnmp's, of the type that a BER tag tells."""
    kind = Kind(tag)
    match kind:
        case Kind.OCTET_STRING | Kind.OPAQUE | Kind.IP_ADDRESS:
            return Value(kind, bytes(value))
        case Kind.OBJECT_IDENTIFIER:
            return Value(kind, tuple(value))
        case Kind.NULL:
            return Value(kind)
        case _ if kind in EXCEPTIONS:
            return Value(kind)
    return Value(kind, int(value))


@contextlib.asynccontextmanager
async def run_snmpd(config: Path) -> AsyncIterator[int]:
    """Run net-snmp's agent in the foreground on a free UDP port of the loopback interface.

    Args:
        config: Its configuration file; it must grant a community and set no ``agentaddress``.

    Yields:
        The port.

    Raises:
        NotFoundError: ``snmpd`` or the configuration file is not there.
        UnavailableError: ``snmpd`` ended at once; the message holds what it said.
    """
    command = _snmpd_command(config)
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="snmpd-") as state:
        process = await asyncio.create_subprocess_exec(
            *command,
            f"udp:{_LOOPBACK}:{port}",
            env={**os.environ, "SNMP_PERSISTENT_DIR": state},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await _wait_until_it_runs(process)
            yield port
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


def _snmpd_command(config: Path) -> tuple[str, ...]:
    """How to start the agent: in the foreground, with this configuration file and no other."""
    # Debian keeps it out of the search path of ordinary users.
    program = shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or not config.is_file():
        what = "snmpd: install net-snmp" if program is None else f"the file {str(config)!r}"
        msg = f"cannot find {what}"
        raise NotFoundError(msg)
    return (program, "-f", "-Le", "-I", "-smux", "-C", "-c", str(config.resolve()))


async def _wait_until_it_runs(process: asyncio.subprocess.Process) -> None:
    """Read what a starting agent says until it announces itself, or raise what it said."""
    said = []
    if process.stderr is None:
        return
    async for raw in process.stderr:
        said.append(raw.decode("utf-8", "replace").strip())
        if said[-1].startswith("NET-SNMP version"):
            return
    msg = f"snmpd ended at once: {'; '.join(filter(None, said))}"
    raise UnavailableError(msg)


def _free_port() -> int:
    """A UDP port of the loopback interface that nobody uses right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


async def _settle(port: int, community: str) -> None:
    """Wait until the agent has its first minute of samples: only then it shows processor load."""
    async with asyncio.timeout(_SETTLE_LIMIT):
        while True:
            async for _ in walk(_LOOPBACK, port, community=community, root=_PROCESSOR_LOAD):
                return
            await asyncio.sleep(1.0)


def _without_mounts(records: list[tuple[Oid, Value]]) -> list[tuple[Oid, Value]]:
    """Leave out the storage rows of mount points: they describe the recording machine."""
    mounts = {
        oid[-1]
        for oid, value in records
        if oid[:-1] == _STORAGE_DESCR
        and isinstance(value.content, bytes)
        and value.content.startswith(b"/")
        and value.content != b"/"
    }
    depth = len(_STORAGE_ENTRY)
    return [
        (oid, value)
        for oid, value in records
        if oid[:depth] != _STORAGE_ENTRY or oid[-1] not in mounts
    ]


async def _record(options: argparse.Namespace) -> int:
    """Walk the chosen agent and write the file; returns the number of records."""
    if options.agent is not None:
        host, _, port = options.agent.rpartition(":")
        records = [item async for item in walk(host, int(port), community=options.community)]
    else:
        async with run_snmpd(options.snmpd) as free_port:
            await _settle(free_port, options.community)
            walked = walk(_LOOPBACK, free_port, community=options.community)
            records = _without_mounts([item async for item in walked])
    return write_recording(options.output, records)


def _agent_address(text: str) -> str:
    """Check ``HOST:PORT``; argparse turns the error into a usage message."""
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        msg = f"{text!r} is not HOST:PORT"
        raise argparse.ArgumentTypeError(msg)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the command's name; ``None`` takes it from the process.

    Returns:
        Exit code: 0, or 2 after one line that says what went wrong.
    """
    parser = argparse.ArgumentParser(
        prog="python -m probler.sim.record", description="Record a complete walk of an SNMP agent."
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--agent", type=_agent_address, help="HOST:PORT of a running agent")
    source.add_argument("--snmpd", type=Path, metavar="CONF", help="start snmpd with this file")
    parser.add_argument("--community", default="public", help="SNMP v2c community (public)")
    parser.add_argument("--output", type=Path, required=True, help="recording to write")
    options = parser.parse_args(arguments)
    try:
        count = asyncio.run(_record(options))
    except (L8Error, OSError) as error:
        print(f"record: {error}", file=sys.stderr)  # noqa: T201 - a command line's message
        return 2
    print(f"{count} records in {options.output}")  # noqa: T201 - a command line's result
    return 0


if __name__ == "__main__":
    sys.exit(main())
