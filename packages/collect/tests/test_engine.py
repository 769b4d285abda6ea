# SPDX-License-Identifier: Apache-2.0
"""From answers to partial items."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect import (
    NETWORK,
    Catalogue,
    ParseReport,
    Poll,
    Profile,
    RuleRegistry,
    RulesEngine,
    RuleUse,
)
from collect.model import NetworkDevice
from l8types.enums import DecoratorType
from l8types.errors import ConfigurationError, InvalidInputError
from l8types.protocols.collection import PollOperation, PollResult, RuleContext

from .fakes import FakeIntrospector

if TYPE_CHECKING:
    from l8types.protocols.models import Introspector


def make_engine(*, declared: bool = True) -> RulesEngine:
    """An engine over the fake introspector."""
    introspector = FakeIntrospector()
    if declared:
        introspector.decorate(NetworkDevice, DecoratorType.PRIMARY, *NETWORK.primary_keys)
    return RulesEngine(cast("Introspector", introspector), RuleRegistry([Failing()]))


class Failing:
    """A rule that cannot read the answer."""

    name = "failing"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        raise InvalidInputError("not a table")


def make_poll(*rules: RuleUse, table: bool = False) -> tuple[Profile, Poll]:
    """A poll of two values, with rules."""
    operation = PollOperation.TABLE if table else PollOperation.GET
    poll = Poll("snmp", operation, 60.0, {"a": "1.1", "b": "1.2"}, rules, name="p")
    return Profile("lab", "NetworkDevice", ("Lab",), {"p": poll}), poll


def apply(
    result: PollResult, *rules: RuleUse, table: bool = False
) -> tuple[NetworkDevice, ParseReport]:
    """Apply rules to an answer."""
    compiled = make_engine().compiled(*make_poll(*rules, table=table), NetworkDevice)
    item, report = compiled.apply(result, "d1")
    assert isinstance(item, NetworkDevice)
    return item, report


@pytest.mark.feature("PAR-03")
def test_only_what_was_read_is_present() -> None:
    """The key, and what the device said; a zero that was read is told apart from nothing."""
    rules = (
        RuleUse("interfaces<{index}>.admin_status", "a", "choice", options={"2": "false"}),
        RuleUse("interfaces<{index}>.statistics.rx_errors", "b"),
    )
    item, report = apply(PollResult(rows={"7": {"a": 2, "b": 0}}), *rules, table=True)
    expected = NetworkDevice(id="d1")
    expected.interfaces["7"].admin_status = False
    expected.interfaces["7"].statistics.rx_errors = 0
    assert item == expected
    assert report == ParseReport(written=2)


def test_an_answer_without_rows_gives_the_key_alone() -> None:
    """No interface is made up, and the report says that nothing was written."""
    item, report = apply(PollResult(), RuleUse("interfaces<{index}>.name", "a"), table=True)
    assert item == NetworkDevice(id="d1")
    assert report == ParseReport(skipped=1)


@pytest.mark.feature("PAR-05")
def test_what_goes_wrong_with_one_rule_leaves_the_others_alone() -> None:
    """A rule that fails, a value that does not fit: reported, and the rest is written."""
    item, report = apply(
        PollResult(values={"a": "lots", "b": "lab"}),
        RuleUse("equipmentinfo.interface_count", "a"),
        RuleUse("equipmentinfo.series", "a", "failing"),
        RuleUse("equipmentinfo.device_type", "a"),
        RuleUse("equipmentinfo.uptime", "a", convert="ticks"),
        RuleUse("equipmentinfo.sys_name", "b"),
    )
    expected = NetworkDevice(id="d1")
    expected.equipmentinfo.sys_name = "lab"
    assert item == expected
    assert report.written == 1
    assert [str(error).split(":")[0] for error in report.errors] == [
        "equipmentinfo.interfacecount",
        "equipmentinfo.series",
        "equipmentinfo.devicetype",
        "equipmentinfo.uptime",
    ]


def test_a_rule_leaves_nothing_behind_for_the_next_one() -> None:
    """A value that was not given does not turn up in another property."""
    item, _ = apply(
        PollResult(values={"a": "first"}),
        RuleUse("equipmentinfo.vendor", "a"),
        RuleUse("equipmentinfo.model", "b"),
    )
    expected = NetworkDevice(id="d1")
    expected.equipmentinfo.vendor = "first"
    assert item == expected


@pytest.mark.feature("PAR-11")
@pytest.mark.parametrize(("value", "number"), [("DEVICE_TYPE_ROUTER", 1), (2, 2)])
def test_enum_values_come_by_name_or_number(value: object, number: int) -> None:
    """As the rule gives them."""
    item, _ = apply(PollResult(values={"a": value}), RuleUse("equipmentinfo.device_type", "a"))
    assert item.equipmentinfo.device_type == number


def test_a_number_below_zero_does_not_wrap() -> None:
    """Where only positive ones fit, it is reported."""
    item, report = apply(
        PollResult(values={"a": -1}), RuleUse("equipmentinfo.interface_count", "a")
    )
    assert item == NetworkDevice(id="d1")
    assert "-1 is below zero" in str(report.errors[0])


def test_numbers_and_flags_take_the_kind_of_their_attribute() -> None:
    """A number in a text attribute becomes text, 1 is true as in SNMP."""
    item, _ = apply(
        PollResult(values={"a": 1, "b": 2}),
        RuleUse("equipmentinfo.is_fru", "a"),
        RuleUse("equipmentinfo.series", "b"),
    )
    assert (item.equipmentinfo.is_fru, item.equipmentinfo.series) == (True, "2")


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (RuleUse("equipmentinfo.sysname2", "a"), "EquipmentInfo has no attribute 'sysname2'"),
        (RuleUse("equipment.sys_name", "a"), "NetworkDevice has no attribute 'equipment'"),
        (RuleUse("id.x", "a"), "has no attribute 'x'"),
        (RuleUse("equipmentinfo.vendor", "a", "vaule"), "did you mean 'value'"),
    ],
)
def test_a_poll_that_does_not_fit_the_model_is_refused_before_it_is_used(
    use: RuleUse, message: str
) -> None:
    """With profile, poll and path."""
    with pytest.raises(ConfigurationError, match=f"'lab': poll 'p': '.*{message}"):
        make_engine().compiled(*make_poll(use), NetworkDevice)


def test_a_model_without_key_is_refused() -> None:
    """Nobody could tell whose values they are."""
    with pytest.raises(ConfigurationError, match="no primary key"):
        make_engine(declared=False).compiled(*make_poll(), NetworkDevice)


def test_a_poll_is_compiled_once() -> None:
    """And again when the catalogue brings another one of the same name."""
    engine = make_engine()
    profile, poll = make_poll()
    first = engine.compiled(profile, poll, NetworkDevice)
    assert engine.compiled(profile, poll, NetworkDevice) is first
    assert engine.compiled(*make_poll(RuleUse("id", "a")), NetworkDevice) is not first


@pytest.mark.feature("BLT-06")
def test_all_built_in_polls_fit_their_models() -> None:
    """Every rule and every property of them exists."""
    engine = make_engine()
    for profile in Catalogue.builtin().profiles:
        for poll in profile.polls.values():
            assert engine.compiled(profile, poll, NETWORK.model).poll is poll


@given(
    st.dictionaries(
        st.sampled_from(list(Catalogue.builtin().profile("network").poll("ifx").ask)),
        st.none() | st.integers() | st.binary() | st.text(),
    )
)
def test_whatever_a_device_answers_gives_an_item_and_a_report(row: dict[str, object]) -> None:
    """Of any type, size or sense."""
    profile = Catalogue.builtin().profile("network")
    compiled = make_engine().compiled(profile, profile.poll("ifx"), NetworkDevice)
    item, report = compiled.apply(PollResult(rows={"1": row}), "d1")
    assert isinstance(item, NetworkDevice)
    assert NetworkDevice.FromString(item.SerializeToString()) == item
    assert report.written + report.skipped + len(report.errors) == len(profile.poll("ifx").rules)
