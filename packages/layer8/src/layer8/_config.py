# SPDX-License-Identifier: Apache-2.0
"""Settings of a node from code, a TOML file and the environment, in that order of strength."""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from l8types.constants import Plugin
from l8types.enums import SerializerMode, WireProfile
from l8types.errors import ConfigurationError
from l8types.settings import NodeSettings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFAULT_PLUGINS", "load_settings", "parse_peers"]

DEFAULT_PLUGINS: Final[Mapping[str, str]] = {Plugin.SECURITY: "local"}
"""What is used where several implementations are installed and the settings name none."""

_PREFIX: Final = "LAYER8_"
_VNIC_PREFIX: Final = "LAYER8_VNIC_"
_TABLES: Final = frozenset({"node", "plugins", "vnic"})
_MODES: Final = tuple(SerializerMode)
_OF_MANY: Final[Mapping[str, str]] = {
    str(Plugin.SERIALIZER): f"choose by mode, for instance {Plugin.SERIALIZER}.json",
    str(Plugin.COLLECTOR): f"choose by protocol, for instance {Plugin.COLLECTOR}.snmp",
    str(Plugin.RULE): "all that are installed are used",
}
"""Groups of which no single member is chosen, and what can be done instead."""
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


def load_settings(
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    default_alias: str = "",
    **code: object,
) -> NodeSettings:
    """Compose the settings of a node.

    Args:
        file: TOML file with the tables ``[node]`` (fields of ``NodeSettings``) and ``[plugins]``
            (entry-point group to name) and ``[vnic]`` (options of the interface); by default the
            file that ``LAYER8_CONFIG`` names, if any.
        environment: Variables ``LAYER8_<FIELD>``, and ``LAYER8_VNIC_<OPTION>`` for options of the
            interface, ``LAYER8_VNIC_BREAKER_<OPTION>`` for those of its breakers; by default the
            variables of the process.
        default_alias: Name of the node when no source has one.
        **code: Fields of ``NodeSettings``; they win over file and environment.

    Returns:
        Validated settings.

    Raises:
        ConfigurationError: Unknown field or plug-in group, wrong type, unreadable file; names the
            source.
    """
    variables = os.environ if environment is None else environment
    if file is None and variables.get(f"{_PREFIX}CONFIG"):
        file = Path(variables[f"{_PREFIX}CONFIG"])
    merged: dict[str, object] = {"alias": default_alias} if default_alias else {}
    merged |= _from_environment(variables)
    plugins: dict[str, str] = dict(DEFAULT_PLUGINS)
    vnic = _vnic_from_environment(variables)
    if file is not None:
        content = _from_file(file)
        merged |= content.node
        plugins |= content.plugins
        vnic = _overlaid(vnic, content.vnic)
    merged |= _checked(code, "code")
    merged["vnic"] = _overlaid(vnic, merged.get("vnic", {}))
    own = merged.pop("plugins", {})
    if isinstance(own, dict):
        plugins |= own
    _check_groups(plugins)
    try:
        return NodeSettings(**merged, plugins=plugins)  # type: ignore[arg-type]  # checked there
    except TypeError as error:
        raise ConfigurationError(f"a setting has a value of the wrong type: {error}") from error


def _from_environment(variables: Mapping[str, str]) -> dict[str, object]:
    fields = {f"{_PREFIX}{name.upper()}": name for name in _CONVERTERS}
    return {
        field: _convert(field, variables[variable], variable)
        for variable, field in fields.items()
        if variable in variables
    }


def _vnic_from_environment(variables: Mapping[str, str]) -> dict[str, object]:
    """Options of the interface; which there are, the interface knows."""
    found: dict[str, object] = {}
    breaker: dict[str, object] = {}
    for variable, text in variables.items():
        if not variable.startswith(_VNIC_PREFIX):
            continue
        name = variable.removeprefix(_VNIC_PREFIX).lower()
        nested = name.removeprefix("breaker_")
        (found if nested == name else breaker)[nested] = text
    return {**found, "breaker": breaker} if breaker else found


def _overlaid(weaker: Mapping[str, object], stronger: object) -> dict[str, object]:
    """Options of two sources, one by one; tables of options too."""
    if not isinstance(stronger, Mapping):
        raise ConfigurationError(f"vnic holds options of the interface by name, not {stronger!r}")
    merged = {**weaker, **stronger}
    for name, value in stronger.items():
        below = weaker.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[name] = {**below, **value}
    return merged


class _Content(NamedTuple):
    """What a file says."""

    node: dict[str, object]
    plugins: dict[str, str]
    vnic: dict[str, object]


def _from_file(file: Path) -> _Content:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not a TOML file: {error}") from error
    unknown = sorted(content.keys() - _TABLES)
    if unknown:
        raise ConfigurationError(
            f"{file}: unknown table {unknown[0]!r}; use [node], [vnic] and [plugins]"
        )
    plugins, node = content.get("plugins", {}), content.get("node", {})
    if not isinstance(node, dict):
        raise ConfigurationError(f"{file}: [node] holds settings of the node, not {node!r}")
    if not isinstance(plugins, dict) or not all(isinstance(name, str) for name in plugins.values()):
        raise ConfigurationError(f"{file}: [plugins] maps entry-point groups to names")
    vnic = content.get("vnic", {})
    if not isinstance(vnic, dict):
        raise ConfigurationError(f"{file}: [vnic] holds options of the interface, not {vnic!r}")
    return _Content(_checked(node, str(file)), plugins, vnic)


def _check_groups(plugins: Mapping[str, str]) -> None:
    """Refuse a misspelt group; those that do not begin with ``layer8.`` are the user's own."""
    known = {*map(str, Plugin), *(f"{Plugin.SERIALIZER}.{mode.name.lower()}" for mode in _MODES)}
    known -= _OF_MANY.keys()
    for group in plugins:
        # Protocols of collectors are anybody's.
        if group.startswith(f"{Plugin.COLLECTOR}."):
            continue
        if group in _OF_MANY:
            raise ConfigurationError(
                f"[plugins] cannot name one of {str(group)!r}: {_OF_MANY[group]}"
            )
        if group.startswith("layer8.") and group not in known:
            near = difflib.get_close_matches(group, known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(
                f"[plugins] has no group {group!r}{hint} (groups: {', '.join(sorted(known))})"
            )


def _checked(values: Mapping[str, object], source: str) -> dict[str, object]:
    known = {field.name for field in dataclasses.fields(NodeSettings)}
    for name in values:
        if name not in known:
            raise ConfigurationError(
                f"{source}: unknown setting {name!r}; known are {', '.join(sorted(known))}"
            )
    return {
        name: _convert(name, value, source) if isinstance(value, str) else _listed(value)
        for name, value in values.items()
    }


def _listed(value: object) -> object:
    """TOML lists of ``[host, port]`` as the tuples that the settings hold."""
    if isinstance(value, list):
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return value


def _convert(name: str, text: str, source: str) -> object:
    try:
        return _CONVERTERS.get(name, str)(text)
    except (ValueError, KeyError) as error:
        raise ConfigurationError(f"{source}: {text!r} is no value for {name}") from error


def _bool(text: str) -> bool:
    folded = text.strip().lower()
    if folded not in _TRUE | _FALSE:
        raise ValueError(text)
    return folded in _TRUE


def parse_peers(text: str, source: str) -> tuple[tuple[str, int], ...]:
    """Switches to link to, from ``host:port`` pairs that are separated by commas.

    Args:
        text: The pairs; an IPv6 address is in brackets.
        source: Where they are from, for the error.

    Raises:
        ConfigurationError: It is something else.
    """
    try:
        return _peers(text)
    except ValueError as error:
        raise ConfigurationError(f"{source}: {text!r} is not HOST:PORT") from error


def _peers(text: str) -> tuple[tuple[str, int], ...]:
    return tuple(_peer(part.strip()) for part in text.split(",") if part.strip())


def _peer(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        # Whether the last group is a port, nobody can tell.
        raise ValueError(text)
    if not host:
        raise ValueError(text)
    return host, int(port)


_CONVERTERS: Final[dict[str, Callable[[str], object]]] = {
    "alias": str,
    "uuid": str,
    "host": str,
    "port": int,
    "peers": _peers,
    "advertise_host": str,
    "discovery": _bool,
    "discovery_port": int,
    "discovery_address": str,
    "dns_name": str,
    "profile": WireProfile,
    "insecure": _bool,
    "data_directory": Path,
    "keep_alive": float,
    "request_timeout": float,
    "max_frame_bytes": int,
    "queue_bytes": int,
    "tls_certificate": Path,
    "tls_key": Path,
    "tls_authority": Path,
    "metrics_port": int,
    "metrics_host": str,
    "profiling": _bool,
}
