"""The arguments of a call: to a layer's typed fields, and to a block's parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, fields
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from resspec.diagnostics import Diagnostic, Reporter
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.norm import Norm
from resspec.lowering import argument_errors, foreign_layers, name_errors
from resspec.lowering.values import UNKNOWN, Unknown, Value, describe
from resspec.source import Span
from resspec.suggest import alike
from resspec.syntax import ast

Evaluate = Callable[[ast.Value], Value]

MAX_COUNT = 1 << 24
MAX_KNOWN = 1 << 14  # layers that are remembered
_NEEDS = {
    "kernel_size": "window size",
    "out_channels": "output channels",
    "out_features": "output features",
    "num_groups": "number of groups",
    "p": "probability",
    "stride": "stride",
    "groups": "number of groups",
    "start": "first channel",
    "stop": "last channel",
    "chunks": "number of parts",
    "part": "part, counted from 0",
}
_KINDS = {
    "Flag": "`true` or `false`",
    "Size": "a size such as `3x3`",
    "Extent": "a number or a size",
    "Padding": "a number, a size, or `same`",
    **dict.fromkeys(("Real", "Positive", "Probability"), "a number"),
}
_EXAMPLES = {
    "conv": "`conv 3x3, 64`",
    "upconv": "`upconv 2x2, 64, /2`",
    "fc": "`fc 1000`",
    "linear": "`linear 64`",
    "gn": "`gn groups=32`",
    "dropout": "`dropout 0.5`",
    "subsample": "`subsample /2`",
    "pad": "`pad 1, 1, 1, 1` is left, right, top, bottom",
    "scale": "`scale 0.5`",
    "pixel_shuffle": "`pixel_shuffle 2`",
    "pixel_unshuffle": "`pixel_unshuffle 2`",
}


class Given(NamedTuple):
    """Arguments as written, sorted by how they are given; a repeated turn takes no stride."""

    bare: Sequence[ast.Value] = ()
    stride: ast.Stride | None = None
    keywords: Mapping[str, ast.Keyword] = MappingProxyType({})


_NOTHING = Given()


def sort(arguments: Collection[ast.Argument], report: Reporter) -> Given:
    """Arguments by their form; what is given more than once is reported, once."""
    if not arguments:
        return _NOTHING
    bare: list[ast.Value] = []
    keywords: dict[str, ast.Keyword] = {}
    stride = None
    reported = set[str]()
    for argument in arguments:
        match argument:
            case ast.Stride():
                if stride is not None and "/" not in reported:
                    report(argument_errors.given_twice(argument.span, "/"))
                    reported.add("/")
                stride = argument
            case ast.Keyword(name=name):
                if name.text in keywords and name.text not in reported:
                    report(argument_errors.given_twice(name.span, name.text))
                    reported.add(name.text)
                keywords[name.text] = argument
            case _:
                bare.append(argument)
    return Given(bare, stride, keywords)


class Bound(NamedTuple):
    """A layer with what its call said beside its fields."""

    layer: Layer
    scale: Value | None


# of the process, by the kind of a layer and the values of its arguments
_known: dict[tuple[object, ...], Bound] = {}


def bind_layer(
    call: ast.LayerCall, given: Given, evaluate: Evaluate, report: Reporter
) -> Bound | None:
    """The layer of a call, one object for equal arguments, or None once something was reported."""
    op = OPS[call.name.text]
    if not call.arguments and (bound := _known.get((op.kind,))):
        return bound
    given, chosen = _take_words(op, given, report)
    if chosen is None:
        return None
    extra = ("scale",) if issubclass(op, Norm) else ()
    words = _words(op.kind)
    stated = _assign(call, given, op.positional, words, evaluate, report, extra)
    if stated is None:
        return None
    stated |= chosen
    if given.stride is not None:
        if "stride" not in _field_types(op.kind):
            report(argument_errors.unused_stride(given.stride.span, op.kind))
            return None
        stated["stride"] = (evaluate(given.stride.value), given.stride.span)
    key = (op.kind, *[(name, type(value), value) for name, (value, _) in stated.items()])
    bound = _known.get(key)
    if bound is None and (bound := _bound(call, op, stated, report)):
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[key] = bound
    return bound


def _take_words(
    op: type[Layer], given: Given, report: Reporter
) -> tuple[Given, dict[str, tuple[Any, Span]] | None]:
    """Take the arguments that are one of a few words out of the others; None once one is wrong."""
    if given.keywords.keys().isdisjoint({*op.choices, *op.alternatives}):
        return given, {}
    keywords, words = dict(given.keywords), dict[str, tuple[Any, Span]]()
    for name, alternatives in op.alternatives.items():
        value = keywords[name].value if name in keywords else None
        if isinstance(value, ast.Identifier) and value.text in alternatives:
            del keywords[name]
            words[name] = (value.text, value.span)
    for name, choices in op.choices.items():
        if name not in keywords:
            continue
        value = keywords.pop(name).value
        chosen = choose(value, choices, f"`{name}`", report)
        if chosen is None:
            return given, None
        words[name] = (chosen, value.span)
    return given._replace(keywords=keywords), words


def choose(value: ast.Value, choices: Sequence[str], phrase: str, report: Reporter) -> str | None:
    """Return the word of a few that is given, None once another one was reported."""
    text = value.text if isinstance(value, ast.Identifier) else ""
    if text in choices:
        return text
    report(argument_errors.bad_choice(value.span, phrase, choices, alike(text, choices)))
    return None


def _bound(
    call: ast.LayerCall, op: type[Layer], stated: dict[str, tuple[Value, Span]], report: Reporter
) -> Bound | None:
    if turned := _turned(op, stated):
        report(turned)
        return None
    types = _field_types(op.kind)
    scale = stated.pop("scale", (None, call.span))[0]
    values = {
        name: value
        if isinstance(value, str)
        else convert(value, types[name], _phrase(op.kind, name), span, report)
        for name, (value, span) in stated.items()
    }
    if any(value is UNKNOWN for value in values.values()) or scale is UNKNOWN:
        return None
    for name in _required(op.kind):
        if name not in values:
            report(
                argument_errors.missing_argument(
                    call.span, op.kind, _NEEDS.get(name, f"`{name}`"), _EXAMPLES.get(op.kind)
                )
            )
            return None
    op.complete(values)
    return Bound(op(**values), scale)


def _turned(op: type[Layer], stated: dict[str, tuple[Value, Span]]) -> Diagnostic | None:
    """Return the error of a convolution whose channels and kernel are swapped."""
    if (
        op.positional != ("kernel_size", "out_channels")
        or len(stated.keys() & {*op.positional}) < 2
    ):
        return None
    (kernel, first), (channels, last) = (stated[name] for name in op.positional)
    if not (type(kernel) is int and isinstance(channels, tuple)):
        return None
    needs = f"the kernel comes first: `{op.kind} {last.text}, {first.text}`"
    return argument_errors.wrong_kind(
        last, _phrase(op.kind, "out_channels"), needs, describe(channels)
    )


def _assign(
    call: ast.LayerCall,
    given: Given,
    positional: tuple[str, ...],
    words: dict[str, str],
    evaluate: Evaluate,
    report: Reporter,
    extra: tuple[str, ...] = (),
) -> dict[str, tuple[Value, Span]] | None:
    """Field to value and place. None where an argument belongs nowhere."""
    stated: dict[str, tuple[Value, Span]] = {}
    callee, sound = call.name.text, True
    for name, node in zip(positional, given.bare, strict=False):
        stated[name] = (evaluate(node), node.span)
    if len(given.bare) > len(positional):
        node = given.bare[len(positional)]
        layer = isinstance(node, ast.Identifier) and node.text in OPS
        chained = f"{callee} -> {node.span.text}" if layer else None
        named = [name for name in _named(words, extra) if words.get(name) not in positional]
        strides = ("stride" in words or callee not in OPS) and isinstance(node, ast.Number)
        report(
            argument_errors.too_many_arguments(
                node.span, callee, len(positional), chained, named, strides
            )
        )
        sound = False
    for word, keyword in given.keywords.items():
        if word == "stride":
            report(argument_errors.stride_as_keyword(keyword.span, keyword.value.span.text))
            sound = False
            continue
        name = words.get(word, word if word in extra else "")
        if not name or name == "stride":
            legal = _named(words, extra)
            near = alike(word, {*words, *extra, "stride"}) or foreign_layers.argument(word, words)
            padded = name_errors.instead_of_padding(keyword.span.text)
            near = () if padded else near
            place = keyword.name.span
            report(argument_errors.unknown_argument(place, callee, near, legal, instead=padded))
            if not padded:
                evaluate(keyword.value)
            sound = False
        elif name in stated:
            report(argument_errors.given_twice(keyword.name.span, word))
            sound = False
        else:
            stated[name] = (evaluate(keyword.value), keyword.value.span)
    return stated if sound else None


def _named(words: dict[str, str], extra: tuple[str, ...]) -> list[str]:
    """The arguments that can be given by name, each by its shortest."""
    return [*{field: word for word, field in words.items() if field != "stride"}.values(), *extra]


def place(call: ast.LayerCall, given: Given, field: str) -> Span:
    """Return where a field of a layer is given; the whole call where it is not."""
    positional, words = OPS[call.name.text].positional, _words(call.name.text)
    if field in positional and positional.index(field) < len(given.bare):
        return given.bare[positional.index(field)].span
    for word, keyword in given.keywords.items():
        if words.get(word, word) == field:
            return keyword.span
    return given.stride.span if field == "stride" and given.stride else call.span


def bind_block(
    call: ast.LayerCall, block: ast.Block, given: Given, evaluate: Evaluate, report: Reporter
) -> dict[str, Value] | None:
    """Parameter to value, without the defaults. None once something was reported."""
    names = [parameter.name.text for parameter in block.parameters]
    stated = _assign(call, given, tuple(names), {name: name for name in names}, evaluate, report)
    if stated is None:
        return None
    for parameter in block.parameters:
        if parameter.name.text not in stated and parameter.default is None:
            signature = ", ".join(names)
            report(
                argument_errors.missing_argument(
                    call.span,
                    call.name.text,
                    f"`{parameter.name.text}`",
                    f"it is declared as `{call.name.text}({signature})`",
                )
            )
            return None
    return {name: value for name, (value, _) in stated.items()}


def convert(value: Value, annotation: str, phrase: str, span: Span, report: Reporter) -> Any:
    """A value as a field of this annotation (see ir/ops/layer.py), or UNKNOWN once it was
    reported.
    """
    if isinstance(value, Unknown):
        return UNKNOWN
    kind = annotation.partition(" ")[0]
    match kind, value:
        case "Count" | "Index", int() if type(value) is int:
            return _ranged(value, 1 if kind == "Count" else 0, phrase, span, report)
        case "Flag", bool():
            return value
        case "Real" | "Positive" | "Probability", int() | Fraction() if not isinstance(value, bool):
            return _bounded(Fraction(value), kind, phrase, span, report)
        case "Count" | "Index", Fraction():
            report(argument_errors.not_whole(span, phrase, value))
            return UNKNOWN
        case "Size" | "Extent" | "Padding", Fraction():
            report(argument_errors.not_whole(span, phrase, value))
            return UNKNOWN
        case "Size" | "Extent" | "Padding", int() | (int(), int()) if not isinstance(value, bool):
            if isinstance(value, tuple) and 1 <= min(value) <= max(value) <= MAX_COUNT:
                return value
            sides = value if isinstance(value, tuple) else (value, value)
            checked = tuple(
                _ranged(side, 1 if kind == "Size" else 0, phrase, span, report)
                for side in dict.fromkeys(sides)
            )
            return UNKNOWN if UNKNOWN in checked else (sides[0], sides[1])
    report(
        argument_errors.wrong_kind(
            span, phrase, _KINDS.get(kind, "a whole number"), describe(value)
        )
    )
    return UNKNOWN


def _bounded(
    value: Fraction, kind: str, phrase: str, span: Span, report: Reporter
) -> Fraction | Unknown:
    if kind == "Real" or (value > 0 if kind == "Positive" else 0 <= value <= 1):
        return value
    limits = "a number above 0" if kind == "Positive" else "a number from 0 to 1"
    report(argument_errors.out_of_range(span, phrase, limits, str(value)))
    return UNKNOWN


def _ranged(value: int, least: int, phrase: str, span: Span, report: Reporter) -> int | Unknown:
    if least <= value <= MAX_COUNT:
        return value
    limits = f"{least} or more" if value < least else f"{MAX_COUNT:,} at most"
    report(argument_errors.out_of_range(span, phrase, limits, f"{value:,}"))
    return UNKNOWN


@cache
def _field_types(kind: str) -> dict[str, str]:
    return {f.name: str(f.type) for f in fields(OPS[kind])}


@cache
def _required(kind: str) -> tuple[str, ...]:
    return tuple(f.name for f in fields(OPS[kind]) if f.default is MISSING)


@cache
def _words(kind: str) -> dict[str, str]:
    """The language's word for each field; a field's own name is one too."""
    return {**{name: name for name in _field_types(kind)}, **OPS[kind].words}


@cache
def _phrase(kind: str, name: str) -> str:
    needs = _NEEDS.get(name)
    return f"the {needs} of `{kind}`" if needs else f"`{name}`"
