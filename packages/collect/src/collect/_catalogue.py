# SPDX-License-Identifier: Apache-2.0
"""The catalogue of polls: what is asked, how often, and what becomes of the answers.

A catalogue is data. Each TOML file describes one profile, a set of polls that fill one model; what
is wrong in it is said when it is loaded, with file, poll and field.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from collect._rules._converters import CONVERTERS
from collect._rules._places import INDEX
from collect._rules._registry import nearest
from l8types.errors import ConfigurationError, NotFoundError
from l8types.protocols.collection import PollOperation, PollRequest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["STATIC", "Catalogue", "Poll", "Profile", "RuleUse"]

STATIC: Final = "static"
"""Protocol of the polls that the collector answers by itself, without asking the host."""


class RuleUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """One use of a parsing rule.

    Attributes:
        to: Property path below the item; ``{index}`` stands for the index of a row.
        source: Names of the values that the rule reads, with commas between (``from`` in the file).
        rule: Name of the rule.
        convert: Name of a converter.
        options: Further parameters of the rule.
    """

    to: str
    source: str = ""
    rule: str = "value"
    convert: str = ""
    options: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values that the rule reads."""
        return tuple(name.strip() for name in self.source.split(",") if name.strip())

    @property
    def parameters(self) -> Mapping[str, str]:
        """All parameters as the rule gets them."""
        return {**self.options, "from": self.source, "to": self.to, "convert": self.convert}


class Poll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question to a host.

    Attributes:
        protocol: Name of the collector that asks, or ``static``.
        operation: Shape of the answer.
        every: Seconds from one run to the next.
        ask: Names of the values with what is asked for each, in the language of the protocol.
        rules: What becomes of the answer.
        source: The document that defines what is asked.
        timeout: Seconds that the whole poll may take.
        name: Name within the profile; the key of its table in the file.
    """

    protocol: str
    operation: PollOperation
    every: float
    ask: dict[str, str]
    rules: tuple[RuleUse, ...] = ()
    source: str = ""
    timeout: float = 60.0
    name: str = ""

    @property
    def request(self) -> PollRequest:
        """The question as a collector takes it."""
        what = tuple(f"{name}={text}" for name, text in self.ask.items())
        return PollRequest(self.name, self.operation, what)


@dataclass(frozen=True, slots=True)
class Profile:
    """A set of polls that fill one model.

    Attributes:
        name: Its name.
        model: Short name of the model.
        links: Kinds of targets (their links ids) that are polled with it.
        polls: The polls by name, in the order of the file.
    """

    name: str
    model: str
    links: tuple[str, ...]
    polls: Mapping[str, Poll]

    def poll(self, name: str) -> Poll:
        """A poll by its name.

        Raises:
            NotFoundError: The profile has no such poll.
        """
        poll = self.polls.get(name)
        if poll is None:
            raise NotFoundError(
                f"profile {self.name!r} has no poll {name!r}; {nearest(name, self.polls)}"
            )
        return poll


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    model: str
    polls: dict[str, dict[str, object]]
    links: tuple[str, ...] = ()


class Catalogue:
    """Profiles by name.

    Args:
        profiles: The profiles; of two with the same name the later one counts, so that an
            application can replace a built-in one.

    Example:
        >>> catalogue = Catalogue.builtin()
        >>> catalogue.profile("network").poll("system").every
        300.0
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._profiles = {profile.name: profile for profile in profiles}

    @classmethod
    def builtin(cls, *more: Path) -> Catalogue:
        """The profiles that come with the package, and those of further files.

        Raises:
            ConfigurationError: A file cannot be used; names file, poll and field.
        """
        own = sorted(files("collect").joinpath("polls").iterdir(), key=lambda file: file.name)
        sources = [file for file in own if file.name.endswith(".toml")]
        return cls(_load(file) for file in (*sources, *more))

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All profiles, in the order in which they came."""
        return tuple(self._profiles.values())

    def profile(self, name: str) -> Profile:
        """A profile by its name.

        Raises:
            NotFoundError: There is none.
        """
        profile = self._profiles.get(name)
        if profile is None:
            raise NotFoundError(f"no profile {name!r}; {nearest(name, self._profiles)}")
        return profile

    def for_links(self, links_id: str) -> tuple[Profile, ...]:
        """The profiles for a kind of targets."""
        return tuple(profile for profile in self.profiles if links_id in profile.links)


def _load(file: Traversable | Path) -> Profile:
    try:
        content = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file.name}: {error}") from error
    polls = {name: _poll(file.name, name, table) for name, table in content.polls.items()}
    _check_writers(file.name, polls)
    return Profile(content.name, content.model, content.links, polls)


def _poll(file: str, name: str, table: dict[str, object]) -> Poll:
    try:
        poll = msgspec.convert({**table, "name": name}, Poll)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{file}: poll {name!r}: {error}") from error
    for fault in _faults(poll):
        raise ConfigurationError(f"{file}: poll {name!r}: {fault}")
    return poll


def _faults(poll: Poll) -> Iterable[str]:
    """What types cannot say about a poll."""
    if not poll.ask:
        yield "ask: nothing is asked; name at least one value"
    if poll.every <= 0:
        yield f"every: {poll.every:g} s must be above zero"
    if poll.timeout <= 0:
        yield f"timeout: {poll.timeout:g} s must be above zero"
    for position, use in enumerate(poll.rules):
        yield from (f"rules[{position}].{fault}" for fault in _rule_faults(poll, use))


def _rule_faults(poll: Poll, use: RuleUse) -> Iterable[str]:
    for name in use.names:
        if name not in poll.ask:
            yield f"from: {name!r} is not asked for; {nearest(name, poll.ask)}"
    if use.convert and use.convert not in CONVERTERS:
        yield f"convert: no converter {use.convert!r}; {nearest(use.convert, CONVERTERS)}"
    rows = poll.operation is PollOperation.TABLE
    if rows is not (INDEX in use.to):
        wanted = f"needs {INDEX}, since a table has rows" if rows else f"has {INDEX} but no rows"
        yield f"to: {use.to!r} {wanted}"


def _check_writers(file: str, polls: Mapping[str, Poll]) -> None:
    """Refuse two polls that write one property: it would change to and fro without end."""
    writers: dict[str, str] = {}
    for poll in polls.values():
        for position, use in enumerate(poll.rules):
            other = writers.setdefault(use.to, poll.name)
            if other != poll.name:
                raise ConfigurationError(
                    f"{file}: poll {poll.name!r}: rules[{position}].to: {use.to!r} is written by "
                    f"poll {other!r} already; ask for both values in one poll"
                )
