# SPDX-License-Identifier: Apache-2.0
"""A network of hosts on one machine: namespaces, joined by bridges in a namespace of their own.

Nothing is added to the machine's own network. A partition moves ports of the bridge to another one:
packets vanish and nobody is told, as when a cable between two rooms is pulled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

__all__ = ["Lan"]

_BRIDGE: Final = "whole"
_NOBODY: Final = "02:00:00:00:00:01"
_SECONDS: Final = 10.0


class Lan:
    """Hosts as network namespaces.

    Args:
        hosts: How many.

    Attributes:
        namespaces: Name of each host's namespace.
        addresses: IPv4 address of each host.
    """

    def __init__(self, hosts: int) -> None:
        self._mark = uuid.uuid4().hex[:8]
        self._hub = f"l8-{self._mark}-hub"
        self.namespaces = tuple(f"l8-{self._mark}-{number + 1}" for number in range(hosts))
        self.addresses = tuple(f"10.8.0.{number + 1}" for number in range(hosts))
        self._made: list[str] = []
        self._deaf: set[tuple[int, int]] = set()
        self._bridges = 0

    @staticmethod
    def unavailable() -> str:
        """Why this machine has no namespaces for us, "" if it has."""
        if shutil.which("ip") is None:
            return "there is no program 'ip'"
        if os.geteuid():
            return "only root makes network namespaces"
        name = f"l8-{uuid.uuid4().hex[:8]}-try"
        try:
            _ip("netns", "add", name)
        except OSError as error:
            return str(error)
        try:
            _ip("-n", name, "link", "add", "name", "try0", "type", "bridge")
            _ip("-n", name, "link", "add", "name", "try1", "type", "veth", "peer", "name", "try2")
        except OSError as error:
            return str(error)
        finally:
            _ip("netns", "del", name)
        return ""

    def __enter__(self) -> Self:
        """Make namespaces, bridge and cables.

        Raises:
            OSError: Not possible here.
        """
        try:
            self._add(self._hub)
            self._add_bridge(_BRIDGE)
            for number, (name, address) in enumerate(
                zip(self.namespaces, self.addresses, strict=True)
            ):
                self._add(name)
                self._plug_in(number, name, address)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove all of it."""
        self._remove()

    def partition(self, *groups: Iterable[int]) -> None:
        """Let hosts reach only those of their own group; hosts are counted from 0.

        Hosts that are in no group stay together.
        """
        for group in groups:
            self._bridges += 1
            bridge = f"part{self._bridges}"
            self._add_bridge(bridge)
            self._join(bridge, group)

    def cut_one_way(self, source: int, target: int) -> None:
        """Let all that a host sends to another one vanish, while what comes from there arrives.

        Nobody is told: packets go to an address on the wire that no card has.
        """
        self._neighbour("replace", source, target, "lladdr", _NOBODY, "nud", "permanent")
        self._deaf.add((source, target))

    def heal(self) -> None:
        """Let all reach all."""
        for source, target in self._deaf:
            self._neighbour("del", source, target)
        self._deaf.clear()
        self._join(_BRIDGE, range(len(self.namespaces)))

    def _join(self, bridge: str, hosts: Iterable[int]) -> None:
        for number in hosts:
            _ip("-n", self._hub, "link", "set", f"port{number}", "master", bridge)

    def _neighbour(self, what: str, source: int, target: int, *options: str) -> None:
        """Change what a host knows of another one on the wire."""
        entry = ("neigh", what, self.addresses[target], "dev", "eth0", *options)
        _ip("-n", self.namespaces[source], *entry)

    def _add(self, name: str) -> None:
        _ip("netns", "add", name)
        self._made.append(name)
        _ip("-n", name, "link", "set", "lo", "up")

    def _add_bridge(self, bridge: str) -> None:
        _ip("-n", self._hub, "link", "add", "name", bridge, "type", "bridge")
        _ip("-n", self._hub, "link", "set", bridge, "up")

    def _plug_in(self, number: int, name: str, address: str) -> None:
        port = f"port{number}"
        cable = ("link", "add", "name", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("-n", self._hub, *cable)
        _ip("-n", self._hub, "link", "set", port, "master", _BRIDGE, "up")
        _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")

    def _remove(self) -> None:
        while self._made:
            _ip("netns", "del", self._made.pop())


def _ip(*arguments: str) -> None:
    """Run ``ip``.

    Raises:
        OSError: It failed, with what it said.
    """
    command: Sequence[str] = ("ip", *arguments)
    done = subprocess.run(  # noqa: S603 - arguments of our own
        command, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
