# SPDX-License-Identifier: Apache-2.0
"""Conformance of data collection: sessions with devices, and rules that read their answers."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

import pytest

from l8types.errors import (
    InvalidInputError,
    L8Error,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.protocols.collection import (
    CollectorFactory,
    HostAddress,
    ParsingRule,
    PollRequest,
    PollResult,
    RuleContext,
)

__all__ = ["CollectorConformance", "Device", "DeviceOpener", "ParsingRuleConformance", "RuleCase"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]*")
_SLACK: Final = 5.0
"""Seconds by which a time-out may be later on a busy machine."""


@dataclass(frozen=True, slots=True)
class Device:
    """What the sessions under test talk to.

    Attributes:
        factory: Makes sessions.
        host: A host that answers.
        silent: A host that never does; its ``timeout`` is short.
        request: What the host is asked.
        expected: What it answers.
        nonsense: A request that is none in the language of the protocol.
    """

    factory: CollectorFactory
    host: HostAddress
    silent: HostAddress
    request: PollRequest
    expected: PollResult
    nonsense: PollRequest


DeviceOpener = Callable[[], AbstractAsyncContextManager[Device]]
"""Opens a device, and closes it."""


class CollectorConformance:
    """What every ``CollectorProtocol`` and its factory promise.

    Fixture:
        open_device: A ``DeviceOpener``.
    """

    async def test_life(self, open_device: DeviceOpener) -> None:
        """A session runs while it is entered, and its protocol has a name of one word."""
        async with open_device() as device:
            session = device.factory(device.host)
            assert not session.running
            async with session:
                assert session.running
                assert _NAME.fullmatch(session.name)
            assert not session.running

    async def test_poll(self, open_device: DeviceOpener) -> None:
        """A host answers what it is asked, again and again in one session."""
        async with open_device() as device, device.factory(device.host) as session:
            for _ in range(3):
                assert await session.poll(device.request) == device.expected

    async def test_sessions_side_by_side(self, open_device: DeviceOpener) -> None:
        """Sessions with one host are independent: one that ends leaves the others alone."""
        async with open_device() as device, device.factory(device.host) as stays:
            async with device.factory(device.host) as goes:
                assert await goes.poll(device.request) == device.expected
            assert await stays.poll(device.request) == device.expected

    async def test_silent_host(self, open_device: DeviceOpener) -> None:
        """A host that does not answer is told as such in time, each time it is asked."""
        async with open_device() as device, device.factory(device.silent) as session:
            for _ in range(2):
                async with asyncio.timeout(device.silent.timeout + _SLACK):
                    with pytest.raises((RequestTimeoutError, UnavailableError)):
                        await session.poll(device.request)

    async def test_cancellation(self, open_device: DeviceOpener) -> None:
        """A poll can be given up, and the session can still be left."""
        async with open_device() as device:
            async with device.factory(device.silent) as session:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(device.silent.timeout / 4):
                        await session.poll(device.request)
            assert not session.running

    async def test_nonsense(self, open_device: DeviceOpener) -> None:
        """What is no question of the protocol is refused, and the session can be used on."""
        async with open_device() as device, device.factory(device.host) as session:
            with pytest.raises(InvalidInputError):
                await session.poll(device.nonsense)
            assert await session.poll(device.request) == device.expected

    async def test_closed(self, open_device: DeviceOpener) -> None:
        """A session that was left answers nothing."""
        async with open_device() as device:
            async with device.factory(device.host) as session:
                pass
            with pytest.raises(L8Error):
                await session.poll(device.request)


@dataclass(frozen=True, slots=True)
class RuleCase:
    """An answer that a rule must understand, and what it makes of it.

    Attributes:
        rule: The rule.
        result: The answer.
        context: Circumstances.
        expected: Values by property path.
    """

    rule: ParsingRule
    result: PollResult
    context: RuleContext
    expected: dict[str, object]


_ODD: Final[tuple[object, ...]] = (
    None, "", " ", "x" * 5000, "-1", "1e999", "nan", b"", b"\xff\x00", 0, -1, 2**80, True,
    float("nan"), float("inf"), [], {}, object(),
)  # fmt: skip
"""What devices answer at times, and what a faulty collector may make of it."""


class ParsingRuleConformance:
    """What every ``ParsingRule`` promises.

    Fixture:
        rule_case: A ``RuleCase``.
    """

    def test_name(self, rule_case: RuleCase) -> None:
        """The name by which polls use a rule is one word."""
        assert _NAME.fullmatch(rule_case.rule.name)

    def test_apply(self, rule_case: RuleCase) -> None:
        """A rule reads the answer of a device."""
        found = rule_case.rule.apply(rule_case.result, rule_case.context)
        assert dict(found) == rule_case.expected

    def test_pure(self, rule_case: RuleCase) -> None:
        """A rule changes neither answer nor circumstances, and keeps nothing between two uses."""
        rule, result, context = rule_case.rule, rule_case.result, rule_case.context
        before = copy.deepcopy((result, context))
        rule.apply(result, context)
        assert (result, context) == before
        rule.apply(PollResult(), context)
        assert dict(rule.apply(result, context)) == rule_case.expected

    def test_nothing(self, rule_case: RuleCase) -> None:
        """An empty answer is read or refused, and nothing else."""
        assert self.outcome(rule_case, PollResult()) in {"read", "refused"}

    @pytest.mark.parametrize("odd", _ODD, ids=lambda odd: f"{odd!r:.20}")
    def test_odd_answers(self, rule_case: RuleCase, odd: object) -> None:
        """Whatever a device answers, the rule reads or refuses it, and nothing else."""
        result = PollResult(
            dict.fromkeys(rule_case.result.values, odd),
            {index: dict.fromkeys(row, odd) for index, row in rule_case.result.rows.items()},
        )
        assert self.outcome(rule_case, result) in {"read", "refused"}

    @staticmethod
    def outcome(case: RuleCase, result: PollResult) -> str:
        """How the application of the rule to an answer ends."""
        try:
            found = case.rule.apply(result, case.context)
        except InvalidInputError:
            return "refused"
        return "read" if all(isinstance(path, str) for path in found) else f"{found!r}"
