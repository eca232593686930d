"""The lexer: from a text to the tokens of grammar/resspec.lark, chosen by what the parser accepts.

It yields the same tokens and errors as lark's contextual lexer, which compiles a regular expression
for each set of terminals that the parser accepts: 35 of them for a small spec, an eighth of the
time of a report. Here one expression finds nearly every token, and another is compiled only where
the parser does not accept that token.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from lark import Token
from lark.common import LexerConf
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lexer import Lexer, LexerState, TerminalDef

_POINT = "POINT"  # matches every name too
_WORDS = {"NAME", _POINT}  # which match keywords too
_END = "<END-OF-FILE>"  # lark's word for a place where no terminal is accepted


class SpecLexer(Lexer):
    """A lexer to pass to lark as the option `lexer`."""

    __future_interface__ = 2  # lark then passes the state of the parser

    def __init__(self, conf: LexerConf) -> None:
        self._terminals = sorted(conf.terminals, key=_precedence)
        self._ignored = frozenset(conf.ignore)
        self._keywords = {
            terminal.pattern.value: terminal.name
            for terminal in self._terminals
            if terminal.pattern.type == "str" and terminal.pattern.value.isidentifier()
        }
        self._common = self._scanner({each.name for each in self._terminals} - {_POINT})
        self._exact: dict[frozenset[str], _Scanner] = {}

    def lex(self, lexer_state: LexerState, parser_state: Any) -> Iterator[Token]:
        """Yield the tokens of a text. Raises UnexpectedInput where none of the accepted follows."""
        text = _text(lexer_state)
        place = lexer_state.line_ctr
        while place.char_pos < len(text):
            start = place.char_pos
            accepted = parser_state.parse_conf.states[parser_state.position]
            token = self._token(text, start, accepted)
            if token is None:
                raise self._unexpected(text, start, accepted)
            place.char_pos = start + len(token)
            if token.type not in self._ignored:
                yield token

    def _token(self, text: str, start: int, accepted: Collection[str]) -> Token | None:
        """Return the token at a place: the first of all terminals, or the first of those accepted.

        Where the first of all is accepted, it is also the first of those accepted.
        """
        if _POINT not in accepted:
            token = self._common.token(text, start, accepted)
            if token and (token.type in accepted or token.type in self._ignored):
                return token
        return self._scanner_of(accepted).token(text, start, accepted)

    def _scanner_of(self, accepted: Collection[str]) -> _Scanner:
        """Return the scanner of only the terminals that are accepted, and those ignored."""
        names = frozenset(accepted) | self._ignored
        if names not in self._exact:
            self._exact[names] = self._scanner(names)
        return self._exact[names]

    def _scanner(self, names: Collection[str]) -> _Scanner:
        terminals = [each for each in self._terminals if each.name in names]
        if _WORDS.isdisjoint(names):
            return _Scanner(terminals, {})
        as_words = set(self._keywords.values())
        others = [each for each in terminals if each.name not in as_words]
        return _Scanner(others, self._keywords)

    def _unexpected(self, text: str, start: int, accepted: Collection[str]) -> UnexpectedInput:
        """Return the error of a place where nothing follows that is accepted."""
        expected = self._scanner_of(accepted).names - self._ignored or {_END}
        names = {each.name for each in self._terminals}
        token = self._scanner(names).token(text, start, names)
        if token:
            return UnexpectedToken(token, expected)  # type: ignore[no-untyped-call]
        line = 1 + text.count("\n", 0, start)
        column = start - text.rfind("\n", 0, start)
        return UnexpectedCharacters(  # type: ignore[no-untyped-call]
            text, start, line, column, allowed=expected
        )


class _Scanner:
    """The regular expression of some terminals: the first that matches is taken.

    Args:
        terminals: The terminals, in the order of their precedence.
        keywords: The keywords among them that a terminal of _WORDS finds, with their terminals.
    """

    def __init__(self, terminals: list[TerminalDef], keywords: dict[str, str]) -> None:
        self.names = frozenset(each.name for each in terminals)
        self._keywords = keywords
        groups = [f"(?P<{each.name}>{each.pattern.to_regexp()})" for each in terminals]
        self._pattern = re.compile("|".join(groups))

    def token(self, text: str, start: int, accepted: Collection[str]) -> Token | None:
        """Return the token that starts there. A word is a keyword where that is accepted."""
        found = self._pattern.match(text, start)
        if not found:
            return None
        kind, value = found.lastgroup, found[0]
        if kind in _WORDS and (keyword := self._keywords.get(value)) in accepted:
            kind = keyword
        assert kind is not None
        return Token(kind, value, start, end_pos=found.end())


def _precedence(terminal: TerminalDef) -> tuple[int, int, int, str]:
    """Return the key by which lark sorts terminals, too: the first one that matches is taken."""
    pattern = terminal.pattern
    return -terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name


def _text(state: LexerState) -> str:
    """Return the text of a state, which newer versions of lark wrap."""
    wrapped: Any = state.text
    text: str = getattr(wrapped, "text", wrapped)
    return text
