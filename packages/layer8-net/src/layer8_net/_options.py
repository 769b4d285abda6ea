# SPDX-License-Identifier: Apache-2.0
"""How an interface behaves in trouble; most nodes are served well by the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Final, TypeVar

from l8types.errors import ConfigurationError
from layer8_net._core.breaker import BreakerOptions

__all__ = ["OutagePolicy", "VNicOptions", "vnic_options_of"]

_O = TypeVar("_O", "VNicOptions", BreakerOptions)

_BOOLEANS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
"""Texts of the environment, which knows no other values."""


class OutagePolicy(Enum):
    """What happens to a message while there is no connection to the switch."""

    FAIL = "fail"
    """The call raises ``UnavailableError`` at once."""
    HOLD = "hold"
    """The message is kept, within the limit, until the connection is back. A request waits no
    longer than its time-out; a message without an answer that is still kept when the interface
    is left comes back to the services of the node as a failed one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VNicOptions:
    """Options of one interface."""

    outage: OutagePolicy = OutagePolicy.FAIL
    """Messages while there is no connection. Failing tells the caller at once, who may know better
    what to do; holding hides short outages and costs memory."""
    held_bytes: int = 16_777_216
    """Bytes that may be held during an outage; more is refused with ``OverloadedError``."""
    max_pending: int = 65_536
    """Requests and streams that may wait for answers at a time; each costs about a kilobyte. More
    are refused with ``OverloadedError``."""
    max_streams: int = 1024
    """Streams that this node answers at a time; more are refused with ``OverloadedError``."""
    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    """When calls to a node that fails are no longer tried."""

    def __post_init__(self) -> None:
        for name in ("held_bytes", "max_pending", "max_streams"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} {getattr(self, name)} must be above zero")


def vnic_options_of(values: Mapping[str, object]) -> VNicOptions:
    """Options of an interface from settings, as ``NodeSettings.vnic`` holds them.

    Args:
        values: Options by name. Numbers and switches may also be texts, as environment variables
            are; ``outage`` is ``fail`` or ``hold``; ``breaker`` holds the options of the breakers
            by name.

    Returns:
        The options; what is not named has its default.

    Raises:
        ConfigurationError: There is no option of a name, or a value does not fit; the message
            lists what is allowed.
    """
    return _filled(VNicOptions(), values, "vnic")


def _filled(defaults: _O, values: Mapping[str, object], where: str) -> _O:
    known = {one.name: getattr(defaults, one.name) for one in fields(defaults)}
    unknown = sorted(str(name) for name in values if name not in known)
    if unknown:
        raise ConfigurationError(
            f"{where}: unknown option {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
    taken = {name: _value(f"{where}.{name}", known[name], value) for name, value in values.items()}
    return type(defaults)(**{**known, **taken})


def _value(where: str, default: object, value: object) -> object:
    """A value of the same kind as the default."""
    if isinstance(default, BreakerOptions):
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{where} is {value!r}; it holds options by name")
        return _filled(default, value, where)
    allowed = _ALLOWED[type(default)]
    try:
        if isinstance(default, OutagePolicy):
            return OutagePolicy(value.lower() if isinstance(value, str) else value)
        if isinstance(default, bool):
            return value if isinstance(value, bool) else _BOOLEANS[str(value).strip().lower()]
        return _number(default, value)
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigurationError(f"{where} is {value!r}; {allowed} is allowed") from error


_ALLOWED: Final[Mapping[type, str]] = {
    OutagePolicy: " or ".join(repr(one.value) for one in OutagePolicy),
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}


def _number(default: object, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(value)
    if isinstance(default, float):
        return float(value)
    if isinstance(value, float):
        raise TypeError(value)
    return int(value)
