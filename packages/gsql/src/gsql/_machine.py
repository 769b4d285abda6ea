# SPDX-License-Identifier: Apache-2.0
"""Runs the tables that lark makes of a grammar.

lark checks the grammar and computes the tables; the loop over them is ours. That of lark serves
every option of lark, which with texts as short as queries was a third of the parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from lark import Lark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lark.grammar import Rule

__all__ = ["END", "Kinded", "Machine", "UnexpectedError"]

END: Final = "$END"
"""Kind of what stands behind the last token."""

Reduction: TypeAlias = "tuple[int, str, Callable[[list[Any]], object]]"
"""How many values a rule takes, the name of what it makes of them, and what makes it."""
Actions: TypeAlias = "dict[int, dict[str, int | Reduction]]"
"""For each state, what to do at a token: go to a state with it, or reduce."""
Gotos: TypeAlias = "dict[int, dict[str, int]]"
"""For each state, where it goes on with what a rule has made."""


class Kinded(Protocol):
    """What the machine wants to know of a token."""

    @property
    def type(self) -> str:
        """Name of its terminal."""


class UnexpectedError(Exception):
    """A token that no rule has a place for.

    Args:
        token: The token, ``None`` for the end.
        expected: Kinds that would have had a place.
    """

    def __init__(self, token: Kinded | None, expected: frozenset[str]) -> None:
        super().__init__()
        self.token = token
        self.expected = expected


class Machine:
    """A parser of one grammar; may be used by several threads at once.

    Args:
        grammar: In the language of lark, with terminals that are only declared.
        builder: Has a method for each rule, called by the alias of the alternative or by the name
            of the rule, which takes the list of its parts.
    """

    def __init__(self, grammar: str, builder: object) -> None:
        machine = Lark(grammar, parser="lalr", lexer="basic", maybe_placeholders=False)
        tables = machine.parse_interactive("").parser_state.parse_conf
        self._start: int = tables.start_state
        self._end: int = tables.end_state
        self._actions: Actions = {}
        self._gotos: Gotos = {}
        for state, entries in tables.states.items():
            actions, gotos = self._actions.setdefault(state, {}), self._gotos.setdefault(state, {})
            for name, (_, what) in entries.items():
                if not isinstance(what, int):
                    actions[str(name)] = _reduction(what, builder)
                elif name.isupper():
                    actions[str(name)] = what
                else:
                    gotos[str(name)] = what

    def run(self, tokens: Iterable[Kinded]) -> object:
        """What the builder makes of all tokens.

        Raises:
            UnexpectedError: They are no sentence of the grammar.
        """
        actions, states, values = self._actions, [self._start], list[object]()
        for token in tokens:
            kind = token.type
            action = actions[states[-1]].get(kind)
            while isinstance(action, tuple):
                self._reduce(states, values, action)
                action = actions[states[-1]].get(kind)
            if action is None:
                raise UnexpectedError(token, self._fitting(states))
            states.append(action)
            values.append(token)
        while states[-1] != self._end:
            action = actions[states[-1]].get(END)
            if not isinstance(action, tuple):
                raise UnexpectedError(None, self._fitting(states))
            self._reduce(states, values, action)
        return values[-1]

    def _reduce(self, states: list[int], values: list[object], reduction: Reduction) -> None:
        size, name, make = reduction
        parts: list[object] = []
        if size:
            parts = values[-size:]
            del states[-size:], values[-size:]
        values.append(make(parts))
        states.append(self._gotos[states[-1]][name])

    def _fitting(self, states: list[int]) -> frozenset[str]:
        """Kinds that have a place; a state alone lists some that only fit elsewhere."""
        return frozenset(kind for kind in self._actions[states[-1]] if self._fits(kind, [*states]))

    def _fits(self, kind: str, states: list[int]) -> bool:
        while isinstance(action := self._actions[states[-1]].get(kind), tuple):
            size, name, _ = action
            del states[len(states) - size :]
            states.append(self._gotos[states[-1]][name])
        return action is not None or (kind == END and states[-1] == self._end)


def _reduction(rule: Rule, builder: object) -> Reduction:
    name = str(rule.origin.name)
    make: Callable[[list[Any]], object] = getattr(builder, rule.alias or name)
    return len(rule.expansion), name, make
