# SPDX-License-Identifier: Apache-2.0
"""Recordings of many vendors' devices, which are kept outside the project.

They are looked for in the folder that ``LAYER8_SHARED_DATA`` names, else in ``shared/data`` next to
the checkout; without them the tests are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from probler.sim import (
    Kind,
    Replay,
    SimulatedFleet,
    Value,
    format_oid,
    load_recording,
)

from . import snmp_wire as wire

pytest.importorskip("gufo.snmp", reason="gufo-snmp is not installed")
from gufo.snmp.aio import SnmpSession


def _folder() -> Path | None:
    """Folder of the recordings, if there is one."""
    named = os.environ.get("LAYER8_SHARED_DATA")
    roots = [Path(named)] if named else [up / "shared" / "data" for up in Path(__file__).parents]
    return next((root / "snmp" for root in roots if (root / "snmp").is_dir()), None)


_FOLDER = _folder()
_PATHS = sorted(_FOLDER.glob("*.snmprec")) if _FOLDER else []

pytestmark = [
    pytest.mark.feature("SIM-04"),
    pytest.mark.skipif(not _PATHS, reason="no shared recordings: set LAYER8_SHARED_DATA"),
]

every_recording = pytest.mark.parametrize("path", _PATHS, ids=lambda path: path.stem)


def as_read(value: Value) -> object:
    """A value as gufo-snmp gives it."""
    content = value.content
    if isinstance(content, tuple):
        return format_oid(content)
    if value.kind is Kind.IP_ADDRESS and isinstance(content, bytes):
        return ".".join(str(octet) for octet in content)
    return content


@every_recording
async def test_a_recording_loads_and_can_be_walked_by_a_poller(path: Path) -> None:
    """Every OID and value that was recorded reaches gufo-snmp, in order."""
    records = load_recording(path).records
    # gufo-snmp takes a NULL for the end of a walk, and reads some Opaque values as floats.
    async with SimulatedFleet([Replay(load_recording(path))]) as fleet:
        device = fleet.devices[0]
        for oid, value in records.items():
            if value.kind is Kind.NULL:
                fleet.remove(device.id, oid)
        walked = {}
        async with SnmpSession(addr=device.host, port=device.port, timeout=5.0) as snmp:
            for root in ("1.0", "1.3"):  # LLDP is below iso.standard
                walked.update({oid: value async for oid, value in snmp.getbulk(root)})
    expected = {
        format_oid(oid): value for oid, value in records.items() if value.kind is not Kind.NULL
    }
    assert list(walked) == list(expected)
    different = {
        oid: (walked[oid], value)
        for oid, value in expected.items()
        if value.kind is not Kind.OPAQUE and walked[oid] != as_read(value)
    }
    assert different == {}


@every_recording
def test_a_recording_keeps_every_type(path: Path) -> None:
    """A walk gives back the recording with all its types."""
    recording = load_recording(path)
    agent = wire.agent_of(recording.records)
    assert dict(wire.walk(agent, repetitions=40)) == recording.records
