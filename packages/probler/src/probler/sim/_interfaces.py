# SPDX-License-Identifier: Apache-2.0
"""Interfaces in a recording: find, copy, change and remove them.

An interface is more than its rows in ifTable and ifXTable: addresses, routes and neighbours refer
to it by its ifIndex. The tables below say where, so that a device whose interfaces differ from
the recorded ones still tells one consistent story.
"""

from __future__ import annotations

from typing import TypeAlias

from probler.sim._values import Kind, Oid, Value, parse_oid

__all__ = [
    "IF_ADMIN_STATUS",
    "IF_ALIAS",
    "IF_DESCR",
    "IF_HIGH_SPEED",
    "IF_NAME",
    "IF_NUMBER",
    "IF_OPER_STATUS",
    "IF_PHYS_ADDRESS",
    "IF_SPEED",
    "IF_TYPE",
    "Records",
    "copy_interface",
    "interface_names",
    "remove_interfaces",
]

Records: TypeAlias = dict[Oid, Value]
"""Value of each object instance of a device in the making."""

IF_NUMBER = parse_oid("1.3.6.1.2.1.2.1.0")
_IF_ENTRY = parse_oid("1.3.6.1.2.1.2.2.1")
_IF_X_ENTRY = parse_oid("1.3.6.1.2.1.31.1.1.1")
_DOT3_STATS_ENTRY = parse_oid("1.3.6.1.2.1.10.7.2.1")

IF_DESCR = (*_IF_ENTRY, 2)
IF_TYPE = (*_IF_ENTRY, 3)
IF_SPEED = (*_IF_ENTRY, 5)
IF_PHYS_ADDRESS = (*_IF_ENTRY, 6)
IF_ADMIN_STATUS = (*_IF_ENTRY, 7)
IF_OPER_STATUS = (*_IF_ENTRY, 8)
IF_NAME = (*_IF_X_ENTRY, 1)
IF_HIGH_SPEED = (*_IF_X_ENTRY, 15)
IF_ALIAS = (*_IF_X_ENTRY, 18)

_OWN_ENTRIES = (_IF_ENTRY, _IF_X_ENTRY, _DOT3_STATS_ENTRY)
"""Entries with one row for each interface and the ifIndex as their only index."""

_OWN_INDEX_COLUMNS = ((*_IF_ENTRY, 1), (*_DOT3_STATS_ENTRY, 1))
"""Columns of those entries that repeat the ifIndex."""

_INDEXED: dict[Oid, tuple[int, int]] = {
    **dict.fromkeys(_OWN_ENTRIES, (0, 0)),
    parse_oid("1.3.6.1.2.1.3.1.1"): (0, 0),  # atTable
    parse_oid("1.3.6.1.2.1.4.22.1"): (0, 0),  # ipNetToMediaTable
    parse_oid("1.3.6.1.2.1.4.28.1"): (0, 0),  # ipv4InterfaceTable
    parse_oid("1.3.6.1.2.1.4.30.1"): (0, 0),  # ipv6InterfaceTable
    parse_oid("1.3.6.1.2.1.4.31.3.1"): (1, 0),  # ipIfStatsTable, after the IP version
    parse_oid("1.3.6.1.2.1.4.32.1"): (0, 0),  # ipAddressPrefixTable
    parse_oid("1.3.6.1.2.1.4.35.1"): (0, 0),  # ipNetToPhysicalTable
    parse_oid("1.3.6.1.2.1.4.37.1"): (-1, 0),  # ipDefaultRouterTable, after the address
    parse_oid("1.3.6.1.2.1.55.1.5.1"): (0, 0),  # ipv6IfTable
    parse_oid("1.3.6.1.2.1.25.3.2.1"): (0, 262_144),  # hrDeviceTable of net-snmp
    parse_oid("1.3.6.1.2.1.25.3.4.1"): (0, 262_144),  # hrNetworkTable of net-snmp
}
"""Entry: position of the ifIndex in its index, and what the agent adds to the ifIndex there."""

_VALUED: dict[Oid, int] = {
    parse_oid("1.3.6.1.2.1.4.20.1"): 2,  # ipAdEntIfIndex
    parse_oid("1.3.6.1.2.1.4.21.1"): 2,  # ipRouteIfIndex
    parse_oid("1.3.6.1.2.1.4.24.4.1"): 5,  # ipCidrRouteIfIndex
    parse_oid("1.3.6.1.2.1.4.24.7.1"): 7,  # inetCidrRouteIfIndex
    parse_oid("1.3.6.1.2.1.4.34.1"): 3,  # ipAddressIfIndex
}
"""Entry: column whose value is an ifIndex."""

_ENTRY_LENGTHS = sorted({len(entry) for entry in (*_INDEXED, *_VALUED)})


def interface_names(records: Records) -> dict[str, int]:
    """The ifIndex of each interface by its ifName."""
    depth = len(IF_NAME)
    return {
        value.content.decode("utf-8", "replace"): oid[-1]
        for oid, value in records.items()
        if oid[:depth] == IF_NAME and isinstance(value.content, bytes)
    }


def copy_interface(records: Records, like: int, index: int) -> None:
    """Give an interface of its own to a free ifIndex.

    Args:
        records: Changed in place.
        like: The ifIndex of the interface to copy.
        index: The new ifIndex.
    """
    for entry in _OWN_ENTRIES:
        for oid, value in list(records.items()):
            if oid[: len(entry)] == entry and oid[len(entry) + 1 :] == (like,):
                own = oid[:-1] in _OWN_INDEX_COLUMNS
                records[*oid[:-1], index] = Value(Kind.INTEGER, index) if own else value


def remove_interfaces(records: Records, indexes: frozenset[int]) -> None:
    """Remove interfaces with everything that refers to them.

    Args:
        records: Changed in place.
        indexes: Their ifIndexes.
    """
    rows = {_row(oid) for oid, value in records.items() if _refers(oid, value, indexes)}
    for oid in [oid for oid in records if _row(oid) in rows]:
        del records[oid]


def _entry(oid: Oid) -> Oid | None:
    """Entry of the tables above that an instance belongs to."""
    for length in _ENTRY_LENGTHS:
        if oid[:length] in _INDEXED or oid[:length] in _VALUED:
            return oid[:length]
    return None


def _row(oid: Oid) -> tuple[Oid, Oid]:
    """Entry and index of an instance's row; a scalar or a row of another table is its own."""
    entry = _entry(oid)
    return (oid, ()) if entry is None else (entry, oid[len(entry) + 1 :])


def _refers(oid: Oid, value: Value, indexes: frozenset[int]) -> bool:
    """Whether an instance shows that its row is about one of the interfaces."""
    entry = _entry(oid)
    if entry is None:
        return False
    if entry in _INDEXED:
        position, offset = _INDEXED[entry]
        index = oid[len(entry) + 1 :]
        return len(index) > position and index[position] - offset in indexes
    return oid[len(entry)] == _VALUED[entry] and value.content in indexes
