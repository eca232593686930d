"""Mistakes as edits of one clause: misfits of shapes, names, numbers, words and syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from resspec.ir.init import CHOICES
from resspec.ir.ops import OPS
from resspec.lowering.scope import RESERVED
from resspec.source import Source, Span
from resspec.syntax import ast
from resspec.syntax.parse import parse

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789_"
MISFITS = [  # steps that no picture fits, and where in them it shows
    ("shuffle 7919", "E0304", "shuffle 7919"),
    ("gn groups=7919", "E0304", "gn groups=7919"),
    ("conv 1x1, 8, groups=7919", "E0304", "conv 1x1, 8, groups=7919"),
    ("slice 7000, 7919", "E0306", "slice 7000, 7919"),
    ("conv 999x999, 4, padding=0", "E0303", "conv 999x999, 4, padding=0"),
    ("linear 7", "E0302", "linear 7"),
    ("add { identity | conv 3x3, 7919 }", "E0308", "conv 3x3, 7919"),
    ("chunk 7919, 0", "E0304", "chunk 7919, 0"),
    ("add { conv 3x3, 8 | conv 2x2, 8, padding=3 }", "E0308", "conv 2x2, 8, padding=3"),
    ("concat { conv 3x3, 8 | conv 2x2, 8, padding=3 }", "E0308", "conv 2x2, 8, padding=3"),
]


OR = {"E0201": ("E0115",), "E0251": ("E0225",)}  # codes that a wrong name may have instead


class Edit(NamedTuple):
    """A mistake as an edit of the sound text; it shows at a part of `new`."""

    kind: str
    codes: tuple[str, ...]
    start: int
    end: int
    new: str
    shown: tuple[int, int]
    meant: str | None = None


class Place(NamedTuple):
    """A clause, or a declaration without clauses; `owner` is its declaration."""

    node: Any
    owner: Any
    span: Span


def misfit(chain: ast.Chain, random: Random) -> Edit:
    step, code, shown = random.choice(MISFITS)
    at = random.choice(chain.steps).span.end
    new = f" -> {step}"
    return Edit("shape", (code,), at, at, new, (new.rindex(shown), new.rindex(shown) + len(shown)))


def random_edit(place: Place, known: set[str], random: Random) -> Edit | None:
    """A mistake of names, numbers, words or syntax in a clause."""
    found = [*_names(place, known, random), *_numbers(place.node, random), *_lists(place.node)]
    kinds = [found, list(_syntax(place)), list(_opening(place, known, random))]
    random.shuffle(kinds)
    return next((random.choice(each) for each in kinds if each), None)


def typo(word: str, known: set[str], random: Random) -> str | None:
    """Insert, drop, change or swap a letter; None if that gives another known word."""
    at, letter = random.randrange(len(word)), random.choice(ALPHABET)
    wrong = random.choice(
        [
            word[:at] + letter + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
        ]
    )
    is_name = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", wrong) and not set(wrong).isdisjoint(word)
    return wrong if is_name and wrong not in known and wrong != word else None


def _typed(
    kind: str, codes: tuple[str, ...], span: Span, known: set[str], random: Random
) -> Iterator[Edit]:
    if wrong := typo(span.text, known, random):
        yield Edit(kind, codes, span.start, span.end, wrong, (0, len(wrong)), span.text)


def _names(place: Place, known: set[str], random: Random) -> Iterator[Edit]:
    for node, role in _nodes(place.node):
        match node, role:
            case ast.Identifier(text=text, span=span), str() if (
                text not in ("none", "default") or role != "E0202"
            ):
                codes = (role, *OR.get(role, ()))
                found = _typed(
                    "name", codes, span, known, random
                )  # the last letter alone tells libraries apart
                yield from (
                    each
                    for each in found
                    if not isinstance(place.node, ast.UseDecl) or each.new[-1] == text[-1]
                )


def _nodes(node: Any, role: str = "E0202") -> Iterator[tuple[Any, str]]:
    """Names with the code of one that is unknown, and calls."""
    match node:
        case ast.Identifier():
            yield node, role
        case ast.Keyword(name=name, value=value):
            yield name, "E0203"
            yield from _nodes(value)
        case ast.LayerCall(name=name, arguments=arguments):
            yield name, "E0201"
            yield node, "call"
            choices = OPS[name.text].choices if name.text in OPS else {}
            for each in arguments:
                if not isinstance(each, ast.Keyword):
                    yield from _nodes(each)
                    continue
                # the parameters of a block are known where the block has no mistake
                if name.text in OPS:
                    yield each.name, "E0203"
                yield from _nodes(each.value, "E0229" if each.name.text in choices else "E0202")
        case ast.MergeCall(name=name, paths=paths):
            yield name, "E0238"
            yield from (found for each in paths for found in _nodes(each))
        case ast.Shortcut() | ast.InitClause() | ast.Replace() | ast.Expect() | ast.OutputClause():
            yield from _of_clause(node)
        case ast.Derived(base=base, clauses=clauses):
            yield base, "E0251"
            yield from _nodes(clauses)
        case ast.UseDecl(target=target, is_file=False):
            yield target, "E0217"
        case ast.Let(value=value):
            yield from _nodes(value)
        case ast.Block(clauses=clauses):
            yield from _nodes(clauses)
        case ast.Option(arms=arms):
            for arm in arms:
                yield arm.case, "E0226"
                yield from _nodes(arm.chain)
        case list():
            yield from (found for each in node for found in _nodes(each))
        case Span() | str() | None:
            pass
        case tuple() if hasattr(node, "_fields"):
            parts = (getattr(node, name) for name in node._fields if name not in ("label", "name"))
            yield from (found for part in parts for found in _nodes(part))


def _of_clause(node: Any) -> Iterator[tuple[Any, str]]:
    """Yield the same of a clause of a network or block that is no chain."""
    match node:
        case ast.Shortcut(option=ast.LayerCall(name=name, arguments=arguments)):
            yield name, "E0224"
            yield from _nodes(arguments)
        case ast.OutputClause(names=names):
            yield from (found for name in names for found in _nodes(name, "E0253"))
        case ast.InitClause(kind=kind, law=law, arguments=arguments):
            yield from _nodes(kind, "E0228")
            yield law, "E0227"
            for each in (each for each in arguments if isinstance(each, ast.Keyword)):
                yield each.name, "E0203"
                yield from _nodes(each.value, "E0229" if each.name.text in CHOICES else "E0202")
        case ast.Replace(kind=kind, call=call):
            yield kind, "E0228"
            yield call.name, "E0228"
        case ast.Expect(metric=metric):
            yield metric.name, "E0236"


def _numbers(node: Any, random: Random) -> Iterator[Edit]:
    """A number, size or flag of a layer that is none."""
    for call in (each for each, role in _nodes(node) if role == "call" and each.name.text in OPS):
        for i, argument in enumerate(call.arguments):
            match argument:
                case ast.Number(span=span) if call.name.text in (
                    "conv",
                    "fc",
                    "linear",
                    "upconv",
                    "gn",
                    "pad_channels",
                ):
                    yield from _instead(
                        span,
                        [("0", "E0209"), ("2.5", "E0208"), ("true", "E0207"), ("relu", "E0207")],
                        random,
                    )
                case ast.Number(span=span) if call.name.text in ("dropout", "drop_path"):
                    yield from _instead(span, [("1.5", "E0209"), ("3x3", "E0207")], random)
                case ast.Size(span=span) if call.name.text in (
                    "conv",
                    "maxpool",
                    "avgpool",
                    "upconv",
                ):
                    yield from _instead(
                        span,
                        [
                            ("0x3", "E0209"),
                            ("2.5", "E0208"),
                            ("false", "E0207"),
                            ("3x3x3x3", "E0112"),
                        ],
                        random,
                    )
                case ast.Stride(span=span, value=ast.Number()):
                    yield from _instead(
                        span, [("/0", "E0209"), ("/1.5", "E0208"), ("/true", "E0207")], random
                    )
                case ast.Keyword(name=name, value=ast.Number(span=span)) if name.text in (
                    "groups",
                    "dilation",
                ):
                    yield from _instead(
                        span, [("0", "E0209"), ("2.5", "E0208"), ("9" * 19, "E0111")], random
                    )
                case ast.Keyword(name=name, value=ast.Identifier(span=span)) if name.text in (
                    "bias",
                    "ceil",
                    "inplace",
                ):
                    yield from _instead(span, [("3", "E0207"), ("3x3", "E0207")], random)
            if i and isinstance(argument, ast.Keyword):
                again = f", {argument.name.text}={argument.value.span.text}"
                yield Edit(
                    "name",
                    ("E0210",),
                    argument.span.end,
                    argument.span.end,
                    again,
                    (2, 2 + len(argument.name.text)),
                )
        if (
            call.name.text in ("relu", "bn", "ln2d", "identity", "sigmoid", "flatten")
            and not call.arguments
        ):
            yield Edit("number", ("E0205",), call.span.end, call.span.end, " 3", (1, 2))


def _lists(node: Any) -> Iterator[Edit]:
    """A list of another length, or a list where one value is needed."""
    if isinstance(node, ast.Stages):
        for each in re.finditer(r"\[[^],]*, ([^]]*)\]", node.span.text):
            start = node.span.start + each.start()
            if node.span.text.count("[") > 1:
                yield Edit(
                    "list", ("E0256",), start, node.span.start + each.end(), f"[{each[1]}]", (0, 1)
                )
    if isinstance(node, ast.Stage):
        for call in (each for each, role in _nodes(node) if role == "call"):
            for argument in call.arguments:
                if isinstance(argument, ast.Number):
                    new = f"[{argument.span.text}, 8]"
                    span = argument.span
                    yield Edit("list", ("E0255",), span.start, span.end, new, (0, len(new)))


def _instead(span: Span, wrong: list[tuple[str, str]], random: Random) -> Iterator[Edit]:
    new, code = random.choice(wrong)
    yield Edit("number", (code,), span.start, span.end, new, (0, len(new)))


_SLIPS = [  # what stands in a sound text, what is written instead, the code, and the group that is wrong
    (r"(?<=[0-9a-z])(, )(?=(?:[0-9(]|[a-z_]+\b(?!=)))", " ", ("E0107",)),
    (r"(?<=[0-9a-z])(, )(?=/)", " ", ("E0107",)),
    (r"( -> )", " → ", ("E0103",)),
    (r"( -> )", " > ", ("E0108",)),
    (r"( -> )", " => ", ("E0108",)),
    (r"(?<=[0-9])(x)(?=[0-9])", "×", ("E0103",)),
    (r"(, )", ",, ", ("E0108",)),
    (r"(, )(?=/\d)", ", / ", ("E0118", "E0108")),
    (r"( -> )", " -> -> ", ("E0108",)),
    (r"(?<=[a-z])(=)(?=[0-9a-z])", ": ", ("E0116",)),
    (r"( -> )", " é-> ", ("E0103",)),
]


def _syntax(place: Place) -> Iterator[Edit]:
    start, text = place.span.start, place.span.text
    if '"' in text or "#" in text:
        return
    for pattern, new, codes in _SLIPS:
        for found in list(re.finditer(pattern, text))[:1]:
            slip = Edit(
                "syntax", codes, start + found.start(1), start + found.end(1), new, (0, len(new))
            )
            if _is_broken(place, text[: found.start(1)] + new + text[found.end(1) :]):
                yield slip
    if isinstance(place.node, ast.Stage):
        end = place.node.label.span.end
        yield Edit("syntax", ("E0117",), end, end + 1, "", (0, 0))


def _is_broken(place: Place, text: str) -> bool:
    """Whether the clause alone is no clause: some slips make another spec, not a mistake."""
    try:
        parse(Source("t.res", text if place.node is place.owner else f"network n {{\n{text}\n}}"))
    except Exception:  # noqa: BLE001
        return True
    return False


def _opening(place: Place, known: set[str], random: Random) -> Iterator[Edit]:
    """A misspelt word that opens a clause or declaration."""
    found = re.match(r"[a-z]+\b", place.span.text)
    if found and found[0] in RESERVED:
        word = Span(place.span.source, place.span.start, place.span.start + found.end())
        for edit in _typed("word", ("E0115",), word, known, random):
            if edit.new != "set":  # a word of other languages, whose help is `let`
                yield edit
