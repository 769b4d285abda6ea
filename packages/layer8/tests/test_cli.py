# SPDX-License-Identifier: Apache-2.0
"""The commands, as far as they need no network."""

from __future__ import annotations

import socket
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from l8types.errors import ConfigurationError, ConflictError, UnavailableError
from layer8 import _cli, _daemon, load_settings
from layer8._config import parse_peers
from layer8._daemon import tell_manager
from layer8._options import settings_of

if TYPE_CHECKING:
    from pathlib import Path

RUNNER = CliRunner()


def say(*arguments: str) -> str:
    """Run a command that succeeds, and return what it printed."""
    result = RUNNER.invoke(_cli.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of this test alone."""
    monkeypatch.delenv("LAYER8_CONFIG", raising=False)
    monkeypatch.setenv("LAYER8_DATA_DIRECTORY", str(tmp_path / "data"))


def test_what_cannot_be_developed() -> None:
    """A target that is none is told before anything is started."""
    with pytest.raises(ExceptionGroup) as caught:
        RUNNER.invoke(_cli.app, ["dev", "books"], catch_exceptions=False)
    assert caught.group_contains(ConfigurationError, match="MODULE:FUNCTION")


@pytest.mark.feature("layer8-net:SEC-05")
def test_certificates_are_made_by_two_commands(tmp_path: Path) -> None:
    """What is printed is a part of a settings file that works."""
    directory = str(tmp_path / "certs")
    assert "ca.pem is for all nodes" in say("certs", "init", directory, "--name", "Lab")
    printed = say("certs", "issue", directory, "north", "--host", "10.0.0.7", "--days", "30")
    file = tmp_path / "layer8.toml"
    file.write_text(printed)
    assert tomllib.loads(printed)["node"]["tls_key"].endswith("north/key.pem")
    settings = load_settings(file=file, environment={})
    assert settings.tls_certificate == tmp_path / "certs" / "north" / "cert.pem"
    told = say("certs", "show", str(tmp_path / "certs" / "north"))
    assert told.startswith("north, signed by Lab\nhosts: north, localhost, 127.0.0.1, ::1, 10.0")
    with pytest.raises(ConflictError):
        RUNNER.invoke(_cli.app, ["certs", "init", directory], catch_exceptions=False)


def test_options_win_over_the_file(tmp_path: Path) -> None:
    """An option that was not given changes nothing."""
    file = tmp_path / "layer8.toml"
    file.write_text('[node]\nport = 1\nmetrics_port = 2\nalias = "from-file"')
    options = {"port": 3, "alias": None}
    settings = settings_of(options, config=file, certs=tmp_path, default_alias="vnet")
    assert (settings.port, settings.metrics_port, settings.alias) == (3, 2, "from-file")
    assert settings.tls_authority == tmp_path / "ca.pem"
    assert settings_of({}, config=None, certs=None, default_alias="vnet").alias == "vnet"


def test_every_option_of_a_switch_reaches_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers, discovery, profile and the rest."""
    seen: list[Any] = []

    def take(settings: object, ready: object) -> None:
        seen.append(settings)

    monkeypatch.setattr(_daemon, "run_switch", take)
    monkeypatch.setattr(_cli, "run", lambda _: None)
    monkeypatch.setenv("LAYER8_KEEP_ALIVE", "9")
    say(
        *("vnet", "--host", "::1", "--port", "1", "--peer", "a:2", "--peer", "[::2]:3"),
        *("--advertise-host", "b", "--dns-name", "c:4", "--discovery", "--discovery-port", "5"),
        *("--discovery-address", "239.0.0.1", "--profile", "go", "--insecure", "--alias", "d"),
        *("--metrics", "6", "--metrics-host", "::1", "--log-level", "warning", "--log-json"),
    )
    [settings] = seen
    assert (settings.host, settings.port, settings.alias) == ("::1", 1, "d")
    assert settings.peers == (("a", 2), ("::2", 3))
    assert (settings.advertise_host, settings.dns_name) == ("b", "c:4")
    assert (settings.discovery, settings.discovery_port) == (True, 5)
    assert (settings.discovery_address, settings.profile.value) == ("239.0.0.1", "go")
    assert (settings.insecure, settings.metrics_port, settings.metrics_host) == (True, 6, "::1")
    assert settings.keep_alive == 9


@pytest.mark.parametrize("text", ["a", "a:b", ":1", "::1:5", "a:1,b"])
def test_a_peer_that_cannot_be_is_named(text: str) -> None:
    """With the option that it came from."""
    with pytest.raises(ConfigurationError, match=r"--peer: .* is not HOST:PORT"):
        parse_peers(text, "--peer")


def test_a_log_level_that_cannot_be_is_named() -> None:
    """With those that there are."""
    with pytest.raises(ConfigurationError, match="'loud' is none of debug, info"):
        RUNNER.invoke(_cli.app, ["vnet", "--log-level", "loud"], catch_exceptions=False)


def test_an_error_is_one_line_and_code_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also errors in groups, as parts that run together raise them."""

    def fail() -> None:
        raise ExceptionGroup("parts", [UnavailableError("one"), ExceptionGroup("", [OSError()])])

    def refuse() -> None:
        raise ExceptionGroup("parts", [UnavailableError("one"), UnavailableError("two")])

    monkeypatch.setattr(_cli, "app", refuse)
    with pytest.raises(SystemExit) as ended:
        _cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "layer8: one\nlayer8: two\n"
    # A fault of our own among them is not hidden.
    monkeypatch.setattr(_cli, "app", fail)
    with pytest.raises(ExceptionGroup) as raised:
        _cli.main()
    assert raised.group_contains(OSError)


def test_the_manager_of_processes_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a datagram, when there is one; without one nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_manager("READY=1")
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    tell_manager("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        tell_manager("STOPPING=1")
        assert manager.recv(100) == b"STOPPING=1"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"layer8-{tmp_path.name}"
        manager.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        tell_manager("READY=1")
        assert manager.recv(100) == b"READY=1"


def test_the_version_is_told() -> None:
    """As it is installed."""
    assert say("version").strip()
