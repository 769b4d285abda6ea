# SPDX-License-Identifier: Apache-2.0
"""Options of an interface from the settings of its node."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from l8types.errors import ConfigurationError
from l8types.settings import NodeSettings
from layer8_net import BreakerOptions, OutagePolicy, TcpVNic, VNicOptions
from layer8_net._options import vnic_options_of

from .fakes import resources

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources


def test_nothing_named() -> None:
    """Without settings the defaults hold."""
    assert vnic_options_of({}) == VNicOptions()


def test_values() -> None:
    """Options and those of the breakers are taken by name, the others keep their defaults."""
    found = vnic_options_of(
        {"outage": "hold", "held_bytes": 1000, "breaker": {"enabled": False, "window": 7}}
    )
    assert found == VNicOptions(
        outage=OutagePolicy.HOLD,
        held_bytes=1000,
        breaker=BreakerOptions(enabled=False, window=7.0),
    )


def test_texts() -> None:
    """An environment has texts only: they are read as what the option holds."""
    found = vnic_options_of(
        {
            "outage": "HOLD",
            "max_streams": "12",
            "breaker": {"enabled": "off", "failure_ratio": "0.25", "max_failures": "3"},
        }
    )
    assert found == VNicOptions(
        outage=OutagePolicy.HOLD,
        max_streams=12,
        breaker=BreakerOptions(enabled=False, failure_ratio=0.25, max_failures=3),
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"outages": "hold"},
            "vnic: unknown option 'outages'; known are breaker, held_bytes, max_pending, max_st",
        ),
        ({"breaker": {"window_s": 1}}, "vnic.breaker: unknown option 'window_s'; known are en"),
        ({"outage": "wait"}, "vnic.outage is 'wait'; 'fail' or 'hold' is allowed"),
        ({"outage": 3}, "vnic.outage is 3; 'fail' or 'hold' is allowed"),
        ({"held_bytes": "much"}, "vnic.held_bytes is 'much'; a whole number is allowed"),
        ({"held_bytes": 1.5}, "vnic.held_bytes is 1.5; a whole number is allowed"),
        ({"held_bytes": True}, "vnic.held_bytes is True; a whole number is allowed"),
        ({"held_bytes": [1]}, "vnic.held_bytes is [1]; a whole number is allowed"),
        ({"breaker": {"window": "x"}}, "vnic.breaker.window is 'x'; a number is allowed"),
        ({"breaker": {"enabled": 2}}, "vnic.breaker.enabled is 2; true or false is allowed"),
        ({"breaker": "off"}, "vnic.breaker is 'off'; it holds options by name"),
        ({"max_pending": 0}, "max_pending 0 must be above zero"),
        ({"breaker": {"window": float("nan")}}, "window nan"),
    ],
)
def test_wrong(values: dict[str, object], told: str) -> None:
    """What does not fit is refused, and the message says what does."""
    with pytest.raises(ConfigurationError) as caught:
        vnic_options_of(values)
    assert told in caught.value.message


@pytest.mark.feature("NIC-02")
def test_an_interface_reads_its_settings() -> None:
    """Options of the settings are those of the interface, unless the code gives others."""
    parts = cast("Resources", resources(settings=NodeSettings(vnic={"outage": "never"})))
    with pytest.raises(ConfigurationError, match=r"vnic\.outage"):
        TcpVNic(parts)
    assert not TcpVNic(parts, VNicOptions()).running
