# SPDX-License-Identifier: Apache-2.0
"""Times and habits of an election; there is one set for each wire profile."""

from __future__ import annotations

from dataclasses import dataclass, fields

from l8types.errors import ConfigurationError

__all__ = ["ElectionRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectionRules:
    """All times in seconds. The defaults are those of the native profile."""

    terms: bool = True
    """Whether messages name epochs. Without them the greater id wins every conflict."""
    preempt: bool = False
    """Whether a voter with a greater id takes over from a leader that is well."""
    heartbeat: float = 2.0
    """Pause between two signs of life of a leader."""
    timeout: float = 5.0
    """Silence after which a leader is taken for lost, although the directory still has it."""
    window: float = 0.5
    """How long a candidate waits for objections; several round trips of a network."""
    patience: float = 2.0
    """How long a candidate that yielded waits for the stronger one to announce itself."""
    search: float = 0.3
    """How long a newcomer looks for the leader that is there before it calls an election."""
    debounce: float = 0.05
    """Reasons for an election that come closer together than this start one."""
    debounce_max: float = 0.5
    """Longest time for which further reasons put off an election."""
    query: float = 1.0
    """Pause between two questions for a leader of those who cannot elect one."""
    hand_over: float = 0.5
    """How long a successor may take to announce itself before the next one is asked."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type == "float" and getattr(self, field.name) <= 0:
                value = getattr(self, field.name)
                raise ConfigurationError(f"{field.name} is {value:g}, it must be above zero")
        if self.timeout <= self.heartbeat:
            raise ConfigurationError(
                f"timeout {self.timeout:g} must be above the heartbeat {self.heartbeat:g}"
            )

    @classmethod
    def go(cls) -> ElectionRules:
        """What nodes of the ``go`` profile do among each other."""
        return cls(
            terms=False,
            preempt=True,
            window=3.0,
            patience=5.0,
            search=0.5,
            debounce=0.5,
            debounce_max=2.0,
            query=5.0,
        )
