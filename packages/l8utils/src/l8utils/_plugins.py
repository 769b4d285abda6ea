# SPDX-License-Identifier: Apache-2.0
"""Finds the implementations of replaceable interfaces by their entry points.

Nothing is imported before it is asked for by name, so a broken or heavy implementation that nobody
uses costs nothing.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from l8types.constants import Plugin
from l8types.errors import ConfigurationError
from l8utils._names import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.metadata import EntryPoint

    from l8types.protocols.runtime import PluginFactory

DEFAULT_NAME: Final = "default"
"""A candidate of this name wins when the settings name none."""

EXPLICIT_ONLY: Final = frozenset({(Plugin.SECURITY.value, "shallow")})
"""Candidates that are taken only when the settings name them: a node must never become permissive
because the real implementation is missing."""


class PluginCatalog:
    """Candidates for each group: the installed entry points, and those given in code.

    A candidate given in code hides an installed one of the same group and name.

    Args:
        given: Group to name to factory.
        installed: Whether the installed entry points count; tests that must not depend on what is
            installed leave them out.
    """

    def __init__(
        self,
        given: Mapping[str, Mapping[str, PluginFactory]] | None = None,
        *,
        installed: bool = True,
    ) -> None:
        self._given = {str(group): dict(names) for group, names in (given or {}).items()}
        self._installed = installed

    def names(self, group: str) -> tuple[str, ...]:
        """Names of all candidates of a group, sorted."""
        return tuple(sorted({*self._given.get(group, ()), *self._entry_points(group)}))

    def choose(self, group: str, wanted: str = "") -> str:
        """Name of the candidate to use.

        Args:
            group: The entry-point group.
            wanted: What the settings or the caller name; "" leaves the choice to the rules: the
                candidate called ``default``, else the only one.

        Raises:
            ConfigurationError: Unknown or ambiguous; the message lists the candidates.
        """
        names = self.names(group)
        if wanted:
            if wanted not in names:
                raise ConfigurationError(
                    f"no {group!r} implementation {wanted!r}{suggestion(wanted, names)} "
                    f"{_candidates(names)}"
                )
            return wanted
        free = [name for name in names if (group, name) not in EXPLICIT_ONLY]
        if DEFAULT_NAME in free:
            return DEFAULT_NAME
        if len(free) == 1:
            return free[0]
        reason = "several implementations" if free else "no implementation"
        raise ConfigurationError(
            f"{reason} of {group!r}, install one or name it in plugins[{group!r}] of the settings "
            f"{_candidates(names)}"
        )

    def factory(self, group: str, name: str) -> PluginFactory:
        """Factory of a candidate, imported now.

        Raises:
            ConfigurationError: Unknown, not a factory, or it fails to import; the cause is chained.
        """
        given = self._given.get(group, {}).get(name)
        if given is not None:
            return given
        entry_point = self._entry_points(group)[self.choose(group, name)]
        with self.blaming(group, name):
            factory: PluginFactory = entry_point.load()
        if not callable(factory):
            raise ConfigurationError(
                f"{group!r} implementation {name!r} ({entry_point.value}) is no factory, "
                "its entry point has to name a callable that takes the resources"
            )
        return factory

    @contextmanager
    def blaming(self, group: str, name: str) -> Iterator[None]:
        """Tell any failure of the block as a failure of this candidate.

        Raises:
            ConfigurationError: The block failed; the cause is chained. A ``ConfigurationError`` of
                the block passes as it is, since it says already what to change.
        """
        try:
            yield
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"{group!r} implementation {name!r} failed with {error!r} "
                f"{_candidates(self.names(group))}"
            ) from error

    def _entry_points(self, group: str) -> dict[str, EntryPoint]:
        found = _by_group(tuple(sys.path)).get(group, ()) if self._installed else ()
        return {entry_point.name: entry_point for entry_point in found}


@lru_cache(maxsize=1)
def _by_group(_path: tuple[str, ...]) -> dict[str, tuple[EntryPoint, ...]]:
    """Return the entry points of every distribution on the import path.

    Finding them reads the metadata of each: ten milliseconds, and every node of a process asks
    for a handful of groups. They are looked for anew when the path changes; what is installed
    into a path that stays as it is counts from the next start of the process.
    """
    found = entry_points()
    return {group: tuple(found.select(group=group)) for group in found.groups}


def _candidates(names: tuple[str, ...]) -> str:
    return f"(candidates: {', '.join(names) or 'none'})"
