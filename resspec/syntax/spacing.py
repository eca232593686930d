"""The blanks between two words that stand on one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resspec.syntax.outline import Chain, Statement
from resspec.syntax.words import Word

_OPERANDS = ("NAME", "NUMBER", "BYTES", "SIZE", "RPAR")  # after which a minus subtracts


def gaps(words: Sequence[Word], declarations: Sequence[Statement]) -> list[str]:
    """What stands before each word where its line does not begin with it."""
    spaced = set(_spaced_equals(words, declarations))
    glued = set(_parameter_lists(words, declarations))
    callees = set(_callees(words, declarations))
    found, sign = [""], False  # after a slash or minus that belongs to what follows
    for i in range(1, len(words)):
        before, word = words[i - 1], words[i]
        sign = before.kind == "TOUCHING_SLASH" or (
            before.text == "-"
            and (i - 2 in callees or sign or (i > 1 and words[i - 2].kind not in _OPERANDS))
        )
        if word.opens:
            found.append("; ")
        elif (
            sign
            or word.text in (",", ")")
            or before.text == "("
            or (before.text, word.text) == ("{", "}")
            or i in glued
        ):
            found.append("")
        elif "=" in (word.text, before.text):
            found.append(" " if (i if word.text == "=" else i - 1) in spaced else "")
        else:
            found.append(" ")
    return found


def _spaced_equals(words: Sequence[Word], declarations: Sequence[Statement]) -> Iterator[int]:
    """The `=` of declarations: not those of arguments and defaults."""
    for each in _statements(declarations):
        match words[each.start].kind:
            case "LET":
                yield each.start + 2
            case "BLOCK" if each.chain:
                yield each.chain.start - 1
            case "NETWORK" if words[each.start + 2].text == "=":
                yield each.start + 2


def _parameter_lists(words: Sequence[Word], declarations: Sequence[Statement]) -> Iterator[int]:
    """The parentheses that touch the name before them."""
    for each in _statements(declarations):
        if (
            words[each.start].kind in ("BLOCK", "NETWORK", "EXPECT")
            and words[each.start + 2].text == "("
        ):
            yield each.start + 2


def _callees(words: Sequence[Word], declarations: Sequence[Statement]) -> Iterator[int]:
    """The names that arguments follow."""
    for each in _statements(declarations):
        match words[each.start].kind:
            case "INIT":
                yield each.start + (2 if words[each.start + 1].kind == "LABEL" else 1)
            case "NETWORK" if words[each.start + 2].text == "=":
                yield each.start + 3
        if each.chain:
            yield from _called(each.chain)


def _called(chain: Chain) -> Iterator[int]:
    for step in chain.steps:
        yield step.callee
        for path in step.braces.paths if step.braces else ():
            yield from _called(path)


def _statements(statements: Sequence[Statement]) -> Iterator[Statement]:
    for each in statements:
        yield each
        if each.body:
            yield from _statements(each.body.statements)
