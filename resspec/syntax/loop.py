"""The loop of the parser: lark's tables and terminals, walked with less ado than lark has.

It goes as far as a text is of the language, and leaves its end, and every error, to lark, which goes on from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lark import Token
from lark.exceptions import UnexpectedInput
from lark.grammar import Rule
from lark.lexer import (
    AbstractBasicLexer,
    BasicLexer,
    ContextualLexer,
    LexerState,
    LexerThread,
    UnlessCallback,
)
from lark.parse_tree_builder import ExpandSingleChild
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser
from lark.parsers.lalr_parser import LALR_Parser
from lark.parsers.lalr_parser_state import ParseConf, ParserState

Match = Callable[[str, int], re.Match[str] | None]
Reduction = tuple[
    int, Callable[[list[Any]], Any] | None, str
]  # of so many values, by this function if any, to this rule


class Parser(LALR_Parser):
    """In lark's place, as its plug-in; for that version of lark only which the tables are of. `tokens`: of the text that was
    read last."""

    tokens: Sequence[Token] = ()

    def parse(self, lexer: LexerThread, start: str) -> Any:  # type: ignore[override]
        conf: Any = ParseConf(self._parse_table, self.parser.callbacks, start)
        assert isinstance(lexer.lexer, ContextualLexer) and lexer.state
        if not hasattr(self, "_states"):
            self._states = _States(conf, lexer.lexer.lexers)
        state = ParserState(conf, lexer)
        self.tokens = tokens = list[Token]()
        end, wrong = _walk(
            lexer.state.text.text, self._states, state.state_stack, state.value_stack, tokens
        )
        last = tokens[-1] if tokens else None
        _go_to(end, [word for word in (last, wrong) if word], lexer.state)
        if wrong is None:
            return self.parser.parse_from_state(state, last)
        try:
            state.feed_token(wrong)
        except UnexpectedInput as error:
            error.interactive_parser = InteractiveParser(self.parser, state, lexer)
            raise


class _State(NamedTuple):
    """What may stand at a place, and what follows then."""

    match: Match
    ignored: frozenset[str]
    words: dict[str, dict[str, str]]  # of a terminal: which of its texts are terminals of their own
    moves: dict[
        str, Any
    ]  # for a terminal: the state it leads to, or a Reduction to make first; for a rule: a state


class _States(dict[int, _State]):
    """Of lark's tables, each worked out when it is first come to."""

    def __init__(self, conf: Any, lexers: dict[int, AbstractBasicLexer]) -> None:
        self.conf, self.lexers = conf, lexers

    def __missing__(self, number: int) -> _State:
        callbacks, lexer = self.conf.callbacks, self.lexers[number]
        assert isinstance(lexer, BasicLexer)
        (pattern,) = lexer.scanner._mres
        row = self.conf.states[number].items()
        moves = {
            name: to if action is Shift else _reduction(to, callbacks[to])
            for name, (action, to) in row
        }
        words = dict[str, dict[str, str]]()
        for name, texts in lexer.callback.items():
            assert isinstance(texts, UnlessCallback) and name not in callbacks, name
            words[name] = {each.pattern.value: each.name for each in texts.scanner.terminals}
        self[number] = made = _State(pattern.match, lexer.ignore_types, words, moves)
        return made


def _reduction(rule: Rule, make: Callable[[list[Any]], Any]) -> Reduction:
    size = len(rule.expansion)
    return (
        size,
        None if size == 1 and isinstance(make, ExpandSingleChild) else make,
        rule.origin.name,
    )


def _walk(
    text: str, table: _States, states: list[int], values: list[Any], tokens: list[Token]
) -> tuple[int, Token | None]:
    """To the text's end, or to where it is wrong: the place, and the word that cannot stand there."""
    at, end = 0, len(text)
    new: Callable[..., Token] = Token._future_new
    match, ignored, words, moves = table[states[-1]]
    while at < end:
        if text[at] == " ":  # the commonest of what is ignored
            at += 1
            continue
        if not (found := match(text, at)):
            break
        kind, after = found.lastgroup or "", found.end()
        if kind in ignored:
            at = after
            continue
        value = found[0]
        if kind in words:
            kind = words[kind].get(value, kind)
        move = moves.get(kind)
        while isinstance(move, tuple):
            size, make, rule = move
            if make is None:
                states.pop()
            elif size:
                made = make(values[-size:])
                del states[-size:]
                values[-size:] = (made,)
            else:
                values.append(make([]))
            states.append(state := table[states[-1]].moves[rule])
            move = table[state].moves.get(kind)
        if move is None:
            return at, new(kind, value, at, end_pos=after)
        token = new(kind, value, at, end_pos=after)
        values.append(token)
        tokens.append(token)
        states.append(move)
        match, ignored, words, moves = table[move]
        at = after
    return at, None


def _go_to(at: int, words: list[Token], lexer: LexerState) -> None:
    """Where lark goes on, with the lines and columns of these words, which only its errors need."""
    here, text = lexer.line_ctr, lexer.text.text
    for word in words:
        here.feed(text[here.char_pos : word.start_pos])
        word.line, word.column = here.line, here.column
    here.feed(text[here.char_pos : at])
