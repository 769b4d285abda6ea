# SPDX-License-Identifier: Apache-2.0
"""Text of a query to tokens.

A value may be written without quotes and may then have several words, so what a word means depends
on where it stands. The lexer knows four places: between clauses, left of an operator, at the
operator, and right of it. Keywords count where a clause may begin; quotes hide everything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gsql._problems import did_you_mean, problem, shown
from gsql._tree import MAX_COMPARISONS, MAX_DEPTH, MAX_LIST_ITEMS, Form, Operand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.errors import QueryError

__all__ = ["KEYWORDS", "Token", "tokens"]

KEYWORDS: Final = {
    "select": "SELECT",
    "distinct": "DISTINCT",
    "from": "FROM",
    "where": "WHERE",
    "group-by": "GROUP_BY",
    "having": "HAVING",
    "sort-by": "SORT_BY",
    "ascending": "ASCENDING",
    "descending": "DESCENDING",
    "limit": "LIMIT",
    "page": "PAGE",
    "offset": "OFFSET",
    "match-case": "MATCH_CASE",
    "mapreduce": "MAPREDUCE",
    "register": "REGISTER",
    "and": "AND",
    "or": "OR",
    "as": "AS",
    "true": "TRUE",
    "false": "FALSE",
}
"""Keywords and the tokens they become."""

_NAME_FOLLOWS: Final = frozenset(
    ("SELECT", "DISTINCT", "FROM", "GROUP_BY", "SORT_BY", "COMMA", "AS", "LPAR")
)
_PUNCTUATION: Final = {"*": "STAR", ",": "COMMA", "(": "LPAR", ")": "RPAR"}

# What may not follow a word for it to be a whole word, or a word to be no name of an attribute.
_END = r"(?![^\s()\[\]\"',=<>!])"
# "any like 'x'" is about an attribute called any, "any like='x'" about some element of like.
_WORD_OPERATOR = r"(?:(?:not\s+)?(?:in|like|between)|is(?:\s+not)?\s+(?:null|nil))(?![\w.])"
_NO_OPERATOR = (
    r"(?!\s*[=<>!])"
    rf"(?!\s+(?:in|like|between|is)(?![\w.])(?!\s*[=<>!])(?!\s+{_WORD_OPERATOR}))"
)
_STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_PARAMETER = r":[^\W\d]\w*"
_KEY = r"<\{\d{1,3}%?\}[^<>]*>"
_PATH = rf"[^\W\d][\w.]*(?:{_KEY}[\w.]*)*"
_STOPPERS = (
    "and|or|select|from|where|group-by|having|sort-by|ascending|descending|limit|page|match-case|"
    r"mapreduce|register|offset(?=\s+[\d:])"
)
_FLAGS: Final = re.IGNORECASE | re.DOTALL

_CLAUSE: Final = re.compile(
    rf"\s*(?:(?P<word>{_PATH}(?:-\w+)*)|(?P<int>[+-]?\d+)(?![\w.])|(?P<mark>[*,()])"
    rf"|(?P<parameter>{_PARAMETER}))",
    _FLAGS,
)
_LEFT: Final = re.compile(
    rf"(?P<open>\()|(?P<not>not{_END}{_NO_OPERATOR})"
    rf"|(?P<quantifier>(?:all|any){_END}(?!\s*\)){_NO_OPERATOR}(?!\s+not\s+(?:in|like|between)\b))"
    rf"|(?P<function>(?:count|sum|avg|min|max)\s*\(\s*(?:\*|(?:distinct\s+)?{_PATH})\s*\)"
    rf"|{_PATH}\.size\s*\(\s*\))"
    rf"|(?P<quoted>{_STRING})|(?P<parameter>{_PARAMETER}){_END}"
    rf"|(?P<bare>[^\s()<>=!,\[\]\"']+(?:{_KEY}[^\s()<>=!,\[\]\"']*)*)",
    _FLAGS,
)
_ELEMENT: Final = re.compile(rf"\s*\(\s*(?P<path>{_PATH})\s*:", _FLAGS)
_OPERATOR: Final = re.compile(
    r"(?P<symbol>[=<>!]+)|(?P<word>(?:not\s+)?(?:in|like|between)|is(?:\s+not)?\s+(?:null|nil))"
    rf"{_END}",
    _FLAGS,
)
_VALUE: Final = re.compile(
    rf"(?P<quoted>{_STRING})|(?P<parameter>{_PARAMETER})(?![^\s()])"
    rf"|(?P<keyed>[^\W\d][\w.]*{_KEY}[\w.]*(?:{_KEY}[\w.]*)*)"
    r"|(?P<bare>(?![\"'])[^\s()<>=]+"
    rf"(?:\s+(?!(?:{_STOPPERS})(?![^\s()]))[^\s()<>=]+)*)",
    _FLAGS,
)
_LIST_ITEM: Final = {
    close: re.compile(
        rf"\s*(?:(?P<quoted>{_STRING})|(?P<parameter>{_PARAMETER})(?=\s*[,\{close}])"
        rf"|(?P<bare>[^,\"'\{close}][^,\{close}]*))\s*(?P<end>[,\{close}])",
        _FLAGS,
    )
    for close in "])"
}
_LIST_PARAMETER: Final = re.compile(_PARAMETER)
_STOPPER: Final = re.compile(rf"(?:{_STOPPERS})(?![^\s()])", _FLAGS)
_AND: Final = re.compile(r"and(?![^\s()])", _FLAGS)
_SPACE: Final = re.compile(r"\s*")
_LINE_BREAK: Final = re.compile(r"\s*[\t\r\n]\s*")
_SYMBOLS: Final = frozenset(("=", "!=", ">", "<", ">=", "<="))
_HINTS: Final = {"<>": "!=", "==": "=", "=>": ">=", "=<": "<=", "===": "=", "!==": "!="}


class Token:
    """A word of a query, as the parser takes it."""

    __slots__ = ("offset", "operand", "text", "type")

    def __init__(self, kind: str, text: str, offset: int, operand: Operand | None = None) -> None:
        self.type = kind
        self.text = text
        self.offset = offset
        self.operand = operand


def tokens(text: str) -> Iterator[Token]:
    """Tokens of a query.

    Raises:
        QueryError: There is a place that no token can be made of.
    """
    return _Scan(text).run()


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.comparisons = 0

    def run(self) -> Iterator[Token]:
        """All tokens."""
        last = ""
        while (token := self._clause_word(last)) is not None:
            yield token
            last = token.type
            if last in {"WHERE", "HAVING", "AND", "OR"}:
                yield from self._condition()
                last = "VALUE"

    def _fail(self, message: str, offset: int, length: int = 1) -> QueryError:
        return problem(message, self.text, offset, length)

    def _skip(self) -> int:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.at

    def _clause_word(self, last: str) -> Token | None:
        found = _CLAUSE.match(self.text, self.at)
        if found is None:
            self._check_end()
            return None
        self.at = found.end()
        group = found.lastgroup or ""
        word = found[group]
        start = self.at - len(word)
        if group == "word":
            return Token(self._word_type(word, last), word, start)
        if group == "mark":
            return self._mark(word, start)
        kind = "INT" if group == "int" else "PARAMETER"
        return Token(kind, word, start, _operand(group, word, start))

    def _check_end(self) -> None:
        """Refuse what is left where no token can be made of it."""
        start = self._skip()
        if start < len(self.text):
            word = self.text[start : start + 20].split()[0]
            raise self._fail(f"{shown(word)} is not expected here", start, len(word))

    def _mark(self, mark: str, start: int) -> Token:
        if mark == ")":
            self.depth -= 1
        elif mark == "(":
            self.depth += 1
        return Token(_PUNCTUATION[mark], mark, start)

    def _word_type(self, word: str, last: str) -> str:
        keyword = KEYWORDS.get(word.lower())
        if keyword is None or last not in _NAME_FOLLOWS:
            return "NAME" if keyword is None else keyword
        if last in {"SELECT", "DISTINCT"} and keyword in {"FROM", "DISTINCT"}:
            # An attribute of that name is told by what follows it.
            rest = self.text[self.at : self.at + 40].lower().lstrip()
            return "NAME" if rest.startswith((",", "from ", ")")) else keyword
        if last == "LPAR" and keyword == "DISTINCT":
            rest = self.text[self.at : self.at + 40].lstrip()
            return "NAME" if rest.startswith(")") else keyword
        return "NAME"

    def _condition(self) -> Iterator[Token]:
        """Tokens from where a condition begins to the end of its first comparison."""
        nots = 0
        while True:
            start = self._skip()
            found = _LEFT.match(self.text, start)
            if found is None:
                raise self._fail("expected a condition", start)
            self.at = found.end()
            group = found.lastgroup or ""
            element = _ELEMENT.match(self.text, self.at) if group == "quantifier" else None
            if group not in {"open", "not"} and element is None:
                break
            nots += group == "not"
            self.depth += group != "not"
            if self.depth + nots > MAX_DEPTH:
                raise self._fail(f"the conditions are nested deeper than {MAX_DEPTH}", start)
            if element is None:
                yield Token("LPAR" if group == "open" else "NOT", found.group(), start)
            else:
                yield from self._element(found.group(), element, start)
        self._count_comparison(start)
        if group == "quantifier":
            yield Token("ANY_ALL", found.group(), start)
            start = self._skip()
            found = _LEFT.match(self.text, start)
            if found is None or found.lastgroup not in {"function", "bare"}:
                raise self._fail("expected an attribute", start)
            self.at, group = found.end(), found.lastgroup or ""
        word = found.group()
        yield Token("LEFT", word, start, _operand(group, word, start))
        yield from self._operator()

    def _count_comparison(self, start: int) -> None:
        self.comparisons += 1
        if self.comparisons > MAX_COMPARISONS:
            raise self._fail(f"there are more than {MAX_COMPARISONS} comparisons", start)

    def _element(self, word: str, found: re.Match[str], start: int) -> Iterator[Token]:
        """``any(path:``, which opens a condition on one object."""
        self._count_comparison(start)
        self.at = found.end()
        path, place = found["path"], found.start("path")
        yield Token("ANY_ALL", word, start)
        yield Token("ELEMENT", path, place, _operand("bare", path, place))

    def _operator(self) -> Iterator[Token]:
        start = self._skip()
        found = _OPERATOR.match(self.text, start)
        if found is None:
            raise self._no_operator(start)
        self.at = found.end()
        word = found.group()
        if found.lastgroup == "symbol":
            if word not in _SYMBOLS:
                hint = f"; use {_HINTS[word]!r}" if word in _HINTS else ""
                raise self._fail(f"{shown(word)} is no operator{hint}", start, len(word))
            yield Token("COMPARISON", word, start)
            yield self._value()
            return
        word = " ".join(word.lower().split())
        if word.startswith("is"):
            yield Token("NULL_TEST", word, start)
        elif word.endswith("between"):
            yield Token("BETWEEN", word, start)
            yield self._value()
            middle = self._skip()
            if not _AND.match(self.text, middle):
                raise self._fail("expected 'and' and the upper value of 'between'", middle)
            self.at = middle + 3
            yield Token("BETWEEN_AND", "and", middle)
            yield self._value()
        else:
            yield Token("COMPARISON", word, start)
            yield self._list() if word.endswith("in") else self._value()

    def _no_operator(self, start: int) -> QueryError:
        word = self.text[start : start + 40].split()[:1]
        if not word:
            return self._fail("the query ends where an operator is expected", start)
        hint = did_you_mean(word[0], ("in", "not in", "like", "between", "is null"))
        return self._fail(
            f"expected an operator, found {shown(word[0])}{hint}", start, len(word[0])
        )

    def _value(self) -> Token:
        before = self.at
        start = self._skip()
        found = _VALUE.match(self.text, start)
        if found is None:
            raise self._no_value(start)
        group, word = found.lastgroup or "", found.group()
        self.at = found.end()
        if group != "bare":
            return Token("VALUE", word, start, _operand(group, word, start))
        keyword = _STOPPER.match(word) if start > before else None
        if keyword is not None:
            length = keyword.end()
            message = f"expected a value, found the keyword {word[:length]!r}; quote it to mean it"
            raise self._fail(message, start, length)
        after = self._skip()
        if self.text[after : after + 1] in {"=", "<", ">"}:
            raise self._operator_in_value(word, start, after)
        return Token("VALUE", word, start, _operand(group, word, start))

    def _no_value(self, start: int) -> QueryError:
        if self.text[start : start + 1] in {'"', "'"}:
            return self._fail("the quote is not closed", start)
        found = f", found {self.text[start]!r}" if start < len(self.text) else ""
        return self._fail(f'expected a value{found}; write "" for the empty text', start)

    def _operator_in_value(self, word: str, start: int, after: int) -> QueryError:
        for part in re.finditer(r"\S+", word):
            hint = did_you_mean(part.group(), ("and", "or"))
            if hint and part.start():
                message = f"expected 'and' or 'or', found {shown(part.group())}{hint}"
                return self._fail(message, start + part.start(), len(part.group()))
        return self._fail(
            f"{self.text[after]!r} follows the value {shown(word)}; put the value in quotes or "
            "join the conditions with 'and' or 'or'",
            after,
        )

    def _list(self) -> Token:
        start = self._skip()
        parameter = _LIST_PARAMETER.match(self.text, start)
        if parameter is not None:
            self.at = parameter.end()
            word = parameter.group()
            return Token("VALUE", word, start, Operand(Form.PARAMETER, word[1:], start))
        close = {"[": "]", "(": ")"}.get(self.text[start : start + 1])
        if close is None:
            raise self._fail("expected a list of values such as [1, 2]", start)
        self.at = start + 1
        items = self._items(close)
        word = self.text[start : self.at]
        return Token("VALUE", word, start, Operand(Form.LIST, word, start, tuple(items)))

    def _items(self, close: str) -> list[Operand]:
        items: list[Operand] = []
        if self.text[self._skip() : self.at + 1] == close:
            self.at += 1
            return items
        while True:
            start = self._skip()
            found = _LIST_ITEM[close].match(self.text, start)
            if found is None:
                raise self._fail(f"expected a value, then ',' or {close!r}", start)
            group = next(
                name for name in ("quoted", "parameter", "bare") if found[name] is not None
            )
            items.append(_operand(group, found[group].rstrip(), start))
            if len(items) > MAX_LIST_ITEMS:
                raise self._fail(f"the list has more than {MAX_LIST_ITEMS} values", start)
            self.at = found.end()
            if found["end"] == close:
                return items


def _operand(group: str, word: str, offset: int) -> Operand:
    if group == "quoted":
        return Operand(Form.QUOTED, word[1:-1], offset)
    if group == "parameter":
        return Operand(Form.PARAMETER, word[1:], offset)
    if group == "function":
        return Operand(Form.BARE, "".join(word.split()), offset)
    if "\n" in word or "\t" in word or "\r" in word:
        word = _LINE_BREAK.sub(" ", word)
    return Operand(Form.BARE, word, offset)
