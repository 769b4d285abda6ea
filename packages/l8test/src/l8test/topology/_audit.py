# SPDX-License-Identifier: Apache-2.0
"""Compares what was asked with what was executed, over all processes of a network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from l8types.enums import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Audit", "audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """What the books say."""

    sent: int
    """Requests of all that were still there to tell."""
    outcomes: Counter[str]
    """How they ended: "reply" or the class of an error."""
    executed: int
    """Requests that were executed, those of killed nodes included."""
    problems: list[str] = field(default_factory=list)
    """Broken promises: requests without an end, executed twice, answered but not executed."""

    @property
    def failed(self) -> int:
        """Requests that ended with an error or their time-out."""
        return self.outcomes.total() - self.outcomes["reply"]


def audit(ledger: Path, reports: Iterable[Mapping[str, Any]]) -> Audit:
    """Check that each request ended once and was executed at most once.

    Args:
        ledger: File of the services.
        reports: Of the loads, after each of their requests has ended.
    """
    executions = _executions(ledger)
    outcomes: Counter[str] = Counter()
    problems = [
        f"{request} was executed {count} times"
        for request, count in executions.items()
        if count > 1
    ]
    sent = 0
    for report in reports:
        sent += report["sent"]
        outcomes.update(report["outcomes"])
        problems += report["faults"]
        if report["sent"] != report["ended"]:
            problems.append(f"{report['sent'] - report['ended']} requests have no end")
        problems += [
            f"{request} was answered but not executed"
            for request in report["replied"]
            if request not in executions
        ]
    if sent != outcomes.total():
        problems.append(f"{sent} requests ended {outcomes.total()} times")
    return Audit(sent, outcomes, len(executions), problems)


def _executions(ledger: Path) -> Counter[str]:
    counted: Counter[str] = Counter()
    if ledger.exists():
        for line in ledger.read_text(encoding="utf-8", errors="replace").splitlines():
            parts = line.split(" ", 2)
            if len(parts) == 3 and parts[1] == Action.POST.name:
                counted[parts[2]] += 1
    return counted
