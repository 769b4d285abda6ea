# SPDX-License-Identifier: Apache-2.0
"""An error on its way out of nested values, collecting where it happened."""

from typing import Self, final

SHOWN_CHARACTERS = 60
"""How much of an offending value an error message repeats."""


@final
class Fault(Exception):  # noqa: N818 - never leaves the package
    """What is wrong with a value; each level on the way out adds its step."""

    def __init__(self, reason: str, *steps: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self._steps = list(steps)

    def within(self, step: str) -> Self:
        """Note that the value was found below this attribute (``.name``) or item (``[0]``)."""
        self._steps.append(step)
        return self

    def path(self, root: str) -> str:
        """Where it happened, beginning with the name of the whole value."""
        steps = root + "".join(reversed(self._steps))
        return steps.removeprefix(".")


def shown(value: object) -> str:
    """A value in an error message: cut, so that a hostile one cannot fill a log."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
