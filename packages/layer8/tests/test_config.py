# SPDX-License-Identifier: Apache-2.0
"""Settings from code, file and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from l8types.constants import Plugin
from l8types.enums import WireProfile
from l8types.errors import ConfigurationError
from l8utils import NodeResources
from layer8 import load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with some settings."""
    path = tmp_path / "layer8.toml"
    path.write_text(
        """
        [node]
        alias = "from-file"
        port = 20000
        peers = [["other", 20001]]
        data_directory = "/srv/layer8"
        profile = "go"

        [plugins]
        "layer8.security" = "shallow"
        """
    )
    return path


def test_code_wins_over_file_and_file_over_environment(file: Path) -> None:
    """Each source fills in what the stronger ones leave open."""
    environment = {"LAYER8_ALIAS": "e", "LAYER8_PORT": "1", "LAYER8_KEEP_ALIVE": "2.5"}
    settings = load_settings(file=file, environment=environment, alias="from-code")
    assert settings.alias == "from-code"
    assert settings.port == 20000
    assert settings.keep_alive == 2.5
    assert settings.peers == (("other", 20001),)
    assert settings.data_directory == Path("/srv/layer8")
    assert settings.profile is WireProfile.GO
    assert settings.plugins[Plugin.SECURITY] == "shallow"


@pytest.mark.feature("layer8-net:SEC-09")
def test_without_any_source_the_defaults_hold() -> None:
    """Among them the provider that denies unless allowed."""
    settings = load_settings(environment={})
    assert settings.port == 10005
    assert settings.plugins[Plugin.SECURITY] == "local"


@pytest.mark.feature("NIC-02")
def test_the_switch_is_found_by_file_or_environment(tmp_path: Path) -> None:
    """A node dials where they say; what the file leaves open the environment tells."""
    file = tmp_path / "layer8.toml"
    file.write_text("[node]\nport = 7000\n")
    told = {"LAYER8_HOST": "switch.example", "LAYER8_PORT": "7001"}
    settings = load_settings(file=file, environment=told)
    assert (settings.host, settings.port) == ("switch.example", 7000)
    settings = load_settings(environment=told)
    assert (settings.host, settings.port) == ("switch.example", 7001)
    assert load_settings(environment={}).host == "127.0.0.1"


def test_options_of_the_interface(tmp_path: Path) -> None:
    """They have tables of their own, and each one is taken from its strongest source."""
    file = tmp_path / "layer8.toml"
    file.write_text(
        """
        [vnic]
        outage = "hold"
        held_bytes = 2

        [vnic.breaker]
        window = 3.5
        """
    )
    environment = {
        "LAYER8_VNIC_OUTAGE": "fail",
        "LAYER8_VNIC_MAX_PENDING": "4",
        "LAYER8_VNIC_BREAKER_ENABLED": "no",
        "LAYER8_VNIC_BREAKER_WINDOW": "1",
    }
    settings = load_settings(file=file, environment=environment, vnic={"held_bytes": 5})
    assert settings.vnic == {
        "outage": "hold",
        "held_bytes": 5,
        "max_pending": "4",
        "breaker": {"enabled": "no", "window": 3.5},
    }
    assert load_settings(environment={}).vnic == {}


def test_options_that_the_interface_does_not_have() -> None:
    """The interface refuses them when it is made, and lists those that there are."""
    settings = load_settings(environment={"LAYER8_VNIC_HELD": "1"})
    with pytest.raises(ConfigurationError, match="unknown option 'held'; known are breaker"):
        NodeResources(settings).create(Plugin.VNIC)


@pytest.mark.parametrize("text", ["vnic = 3\n", "[node]\nvnic = 3\n"])
def test_options_that_are_no_table(tmp_path: Path, text: str) -> None:
    """A single value is refused."""
    file = tmp_path / "layer8.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"vnic.* holds options of the interface"):
        load_settings(file=file, environment={})


def test_the_environment_names_the_file(file: Path) -> None:
    """``LAYER8_CONFIG`` is read when the code names no file."""
    assert load_settings(environment={"LAYER8_CONFIG": str(file)}).alias == "from-file"


def test_the_environment_holds_every_type() -> None:
    """Numbers, switches, peers and paths are read from text."""
    settings = load_settings(
        environment={
            "LAYER8_INSECURE": "yes",
            "LAYER8_PEERS": "a:1, b:2",
            "LAYER8_DATA_DIRECTORY": "/data",
            "LAYER8_MAX_FRAME_BYTES": "8192",
        }
    )
    assert settings.insecure is True
    assert settings.peers == (("a", 1), ("b", 2))
    assert settings.data_directory == Path("/data")
    assert settings.max_frame_bytes == 8192


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"LAYER8_PORT": "many"}, "LAYER8_PORT: 'many' is no value for port"),
        ({"LAYER8_INSECURE": "perhaps"}, "LAYER8_INSECURE: 'perhaps'"),
        ({"LAYER8_PROFILE": "rust"}, "LAYER8_PROFILE: 'rust'"),
        ({"LAYER8_CONFIG": "/no/such/file"}, "cannot read /no/such/file"),
    ],
)
def test_a_wrong_variable_is_named(environment: dict[str, str], message: str) -> None:
    """The error says which variable holds what."""
    with pytest.raises(ConfigurationError, match=message):
        load_settings(environment=environment)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[node]\nprt = 1", "unknown setting 'prt'; known are advertise_host"),
        ("[nodes]\nport = 1", "unknown table 'nodes'"),
        ("port = ", "is not a TOML file"),
        ("[plugins]\na = 1", "maps entry-point groups to names"),
        ("[node]\nport = 70000", "port 70000"),
        ("[node]\nport = [1]", "wrong type"),
        ("node = 5", r"\[node\] holds settings of the node, not 5"),
        ("plugins = 5", "maps entry-point groups to names"),
        ('plugins = {"layer8.cahce" = "mine"}', r"no group 'layer8\.cahce', did you mean"),
        ('plugins = {"layer8.x" = "mine"}', r"groups: layer8\.cache, layer8\.cloner, "),
        ('plugins = {"layer8.serializer.yaml" = "mine"}', "no group"),
        ('plugins = {"layer8.serializer" = "json"}', r"choose by mode, .*layer8\.serializer\.json"),
        ('plugins = {"layer8.collector" = "x"}', r"choose by protocol, .*layer8\.collector\.snmp"),
        ('plugins = {"layer8.rule" = "x"}', "all that are installed are used"),
        ('[node]\ntls_key = "key.pem"', "are set together or not at all"),
        ("[node]\nmetrics_port = 70000", "metrics_port 70000"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    """The error says what is wrong and what there is instead."""
    path = tmp_path / "layer8.toml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        load_settings(file=path, environment={})


def test_known_groups_and_those_of_users_are_taken(tmp_path: Path) -> None:
    """Groups of other names are the user's own; one serializer is chosen by its mode."""
    path = tmp_path / "layer8.toml"
    path.write_text(
        '[plugins]\n"layer8.serializer.json" = "fast"\n"acme.shelf" = "oak"\n'
        '"layer8.collector.snmp" = "quick"\n'
        '[node]\nmetrics_port = 0\ntls_certificate = "c"\ntls_key = "k"\ntls_authority = "a"'
    )
    settings = load_settings(file=path, environment={"LAYER8_METRICS_HOST": "127.0.0.2"})
    assert settings.plugins["layer8.serializer.json"] == "fast"
    assert settings.plugins["acme.shelf"] == "oak"
    assert settings.plugins["layer8.collector.snmp"] == "quick"
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.2", 0)
    assert settings.tls_authority == Path("a")


def test_an_unknown_setting_in_code_is_refused() -> None:
    """A misspelt keyword is not ignored."""
    with pytest.raises(ConfigurationError, match="code: unknown setting 'prot'"):
        load_settings(environment={}, prot=1)
