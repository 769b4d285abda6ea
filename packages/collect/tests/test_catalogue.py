# SPDX-License-Identifier: Apache-2.0
"""The catalogue: what it holds, and what it says about mistakes."""

from pathlib import Path

import pytest

from collect import Catalogue
from l8types.errors import ConfigurationError, NotFoundError
from l8types.protocols.collection import PollOperation, PollRequest

HEAD = """
name = "lab"
model = "NetworkDevice"
links = ["Lab"]
[polls.system]
"""
POLL = """
protocol = "snmp"
operation = "get"
every = 60
ask = { sysName = "1.3.6.1.2.1.1.5.0:text" }
"""


def load(folder: Path, text: str) -> Catalogue:
    """Load the built-in profiles and one more."""
    file = folder / "lab.toml"
    file.write_text(text, encoding="utf-8")
    return Catalogue.builtin(file)


@pytest.mark.feature("BLT-01", "POL-12")
def test_every_network_device_is_asked_for_address_state_system_and_interfaces() -> None:
    """The built-in profile is there without any configuration."""
    profiles = Catalogue.builtin().for_links("NetDev")
    assert [profile.name for profile in profiles] == ["network"]
    assert list(profiles[0].polls) == ["address", "status", "system", "interfaces", "ifx"]


@pytest.mark.feature("POL-02")
def test_a_poll_says_what_is_asked_how_and_how_often() -> None:
    """Its request is ready for a collector."""
    poll = Catalogue.builtin().profile("network").poll("system")
    assert (poll.protocol, poll.every, poll.timeout) == ("snmp", 300.0, 30.0)
    request = poll.request
    assert (request.name, request.operation) == ("system", PollOperation.GET)
    assert "sysName=1.3.6.1.2.1.1.5.0:text" in request.what


@pytest.mark.feature("POL-13", "POL-14")
def test_an_application_adds_a_profile_for_its_own_targets(tmp_path: Path) -> None:
    """It stands beside the built-in ones."""
    catalogue = load(tmp_path, HEAD + POLL)
    (profile,) = catalogue.for_links("Lab")
    request = PollRequest("system", PollOperation.GET, ("sysName=1.3.6.1.2.1.1.5.0:text",))
    assert profile.poll("system").request == request
    assert len(catalogue.profiles) == 2


def test_an_application_replaces_a_built_in_profile(tmp_path: Path) -> None:
    """The later profile of a name counts."""
    catalogue = load(tmp_path, HEAD.replace('"lab"', '"network"') + POLL)
    assert list(catalogue.profile("network").polls) == ["system"]


@pytest.mark.feature("POL-05", "POL-09")
def test_unknown_names_are_answered_with_the_nearest() -> None:
    """For profiles and for polls."""
    catalogue = Catalogue.builtin()
    with pytest.raises(NotFoundError, match="no profile 'netwrk'; did you mean 'network'"):
        catalogue.profile("netwrk")
    with pytest.raises(NotFoundError, match="no poll 'zzz'; there are: address, ifx"):
        catalogue.profile("network").poll("zzz")


RULE = '[[polls.system.rules]]\nfrom = "sysName"\nto = "equipmentinfo.sys_name"\n'


@pytest.mark.feature("POL-03", "BLT-06")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "lab.toml: Invalid value"),
        ('name = "lab"\nmodel = "X"', "lab.toml: .*`polls`"),
        (HEAD, "lab.toml: poll 'system': .*`protocol`"),
        (HEAD + POLL.replace("60", '"often"'), r"poll 'system': Expected `float`.*\$\.every"),
        (HEAD + POLL.replace('"get"', '"guess"'), r"poll 'system': .*'guess'.*\$\.operation"),
        (HEAD + POLL + "evry = 3\n", "poll 'system': .*unknown field `evry`"),
        (HEAD + POLL.replace("60", "0"), "poll 'system': every: 0 s must be above zero"),
        (HEAD + POLL + "timeout = -1\n", "poll 'system': timeout: -1 s"),
        (HEAD + POLL.replace("sysName =", "#"), "lab.toml"),
        (HEAD + 'protocol = "snmp"\noperation = "get"\nevery = 1\nask = {}\n', "ask: nothing"),
        (
            HEAD + POLL + RULE.replace('"sysName"', '"sysNane"'),
            r"poll 'system': rules\[0\]\.from: 'sysNane' is not asked for; did you mean 'sysName'",
        ),
        (
            HEAD + POLL + RULE + 'convert = "tex"\n',
            r"rules\[0\]\.convert: no converter 'tex'; did you mean 'text'",
        ),
        (
            HEAD + POLL + RULE.replace("equipmentinfo", "interfaces<{index}>"),
            r"rules\[0\]\.to: .* has {index} but no rows",
        ),
        (
            HEAD + POLL.replace('"get"', '"table"') + RULE,
            r"rules\[0\]\.to: .* needs {index}",
        ),
        (
            HEAD + POLL + RULE + "[polls.other]" + POLL + RULE.replace("system", "other"),
            "poll 'other': .*written by poll 'system' already",
        ),
    ],
)
def test_a_mistake_is_told_with_file_poll_and_field(
    tmp_path: Path, text: str, message: str
) -> None:
    """Whoever writes a profile finds the place."""
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(ConfigurationError, match=r"nothing\.toml"):
        Catalogue.builtin(tmp_path / "nothing.toml")
