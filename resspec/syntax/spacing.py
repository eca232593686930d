"""The blanks between two words of one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resspec.syntax.outline import ChainRange, StatementRange
from resspec.syntax.words import Word

_OPERANDS = ("NAME", "NUMBER", "BYTES", "SIZE", "RPAR", "RSQB")  # after which a minus subtracts


def gaps(words: Sequence[Word], declarations: Sequence[StatementRange]) -> list[str]:
    """Return the text before each word where its line does not begin with it."""
    statements = list(_statements(declarations))
    spaced = set(_spaced_equals(words, statements))
    touching = set(_parameter_lists(words, statements))
    callees = set(_callees(words, statements))
    found, is_sign = [""], False  # a slash or minus that belongs to what follows
    for i in range(1, len(words)):
        before, word = words[i - 1], words[i]
        is_minus = before.text == "-" and (
            i - 2 in callees or is_sign or (i > 1 and words[i - 2].kind not in _OPERANDS)
        )
        is_sign = is_minus or before.kind == "TOUCHING_SLASH"
        pair = before.text, word.text
        if word.opens:
            found.append("; ")
        elif (
            is_sign
            or i in touching
            or word.text in (",", ")", "]")
            or before.text in ("(", "[")
            or (word.text == "(" and before.kind == "NAME" and i - 1 not in callees)
            or pair == ("{", "}")
        ):
            found.append("")
        elif "=" in pair:
            sign = i if word.text == "=" else i - 1
            found.append(" " if sign in spaced else "")
        else:
            found.append(" ")
    return found


def _spaced_equals(words: Sequence[Word], statements: Sequence[StatementRange]) -> Iterator[int]:
    """Yield the `=` of declarations: not those of arguments and defaults."""
    for each in statements:
        match words[each.start].kind:
            case "LET":
                yield each.start + 2
            case "BLOCK" if each.chain:
                yield each.chain.start - 1
            case "NETWORK" if each.equals:
                yield each.equals


def _parameter_lists(words: Sequence[Word], statements: Sequence[StatementRange]) -> Iterator[int]:
    """Yield the parentheses that touch the name before them."""
    for each in statements:
        kind = words[each.start].kind
        has_list = kind in ("BLOCK", "NETWORK", "EXPECT") or (kind == "SHORTCUT" and each.body)
        if has_list and words[each.start + 2].text == "(":
            yield each.start + 2


def _callees(words: Sequence[Word], statements: Sequence[StatementRange]) -> Iterator[int]:
    """Yield the names that arguments follow."""
    for each in statements:
        match words[each.start].kind:
            case "INIT":
                yield each.start + (2 if words[each.start + 1].kind == "LABEL" else 1)
            case "SHORTCUT" if not each.body:
                yield each.start + (2 if words[each.start + 1].kind == "LABEL" else 1)
            case "NETWORK" if each.equals:
                yield each.equals + 1
        if each.chain:
            yield from _called(each.chain)


def _called(chain: ChainRange) -> Iterator[int]:
    for step in chain.steps:
        yield step.callee
        for path in step.braces.paths if step.braces else ():
            yield from _called(path)


def _statements(statements: Sequence[StatementRange]) -> Iterator[StatementRange]:
    for each in statements:
        yield each
        if each.body:
            yield from _statements(each.body.statements)
