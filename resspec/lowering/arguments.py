"""The arguments of a call: to a layer's typed fields, and to a block's parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from resspec.diagnostics import Diagnostic, Reporter
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.norm import Norm
from resspec.lowering import argument_errors, foreign_layers, name_errors
from resspec.lowering.conversion import convert
from resspec.lowering.values import NO_PRESETS, UNKNOWN, Presets, Value, describe
from resspec.source import Span
from resspec.suggest import alike
from resspec.syntax import ast

Evaluate = Callable[[ast.Value], Value]

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


class Signature(NamedTuple):
    """The arguments that a layer, block or option takes.

    Attributes:
        positional: The names of those that may be given without a name, in their order.
        words: The names of all, by the words that a call has for them.
        extra: Other words.
    """

    positional: tuple[str, ...]
    words: Mapping[str, str]
    extra: tuple[str, ...] = ()


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
    call: ast.LayerCall,
    given: Given,
    evaluate: Evaluate,
    report: Reporter,
    presets: Presets = NO_PRESETS,
) -> Bound | None:
    """The layer of a call, one object for equal arguments, or None once something was reported."""
    op = OPS[call.name.text]
    if not call.arguments and not presets and (bound := _known.get((op.kind,))):
        return bound
    stated = _stated(call, op, given, evaluate, report, presets)
    if stated is None:
        return None
    key = (op.kind, *[(name, type(value), value) for name, (value, _) in stated.items()])
    bound = _known.get(key)
    if bound is None and (bound := _bound(call, op, stated, report)):
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[key] = bound
    return bound


def layer_presets(
    call: ast.LayerCall, evaluate: Evaluate, report: Reporter, presets: Presets
) -> Presets | None:
    """Return the arguments of a layer that is passed as a value, with those given before; None once
    something was reported.
    """
    return _stated(
        call, OPS[call.name.text], sort(call.arguments, report), evaluate, report, presets
    )


def presets_of(
    call: ast.LayerCall,
    parameters: Sequence[ast.ParameterDecl],
    evaluate: Evaluate,
    report: Reporter,
    presets: Presets,
) -> Presets | None:
    """Do what `layer_presets` does for a block or option with these parameters."""
    given = sort(call.arguments, report)
    names = {parameter.name.text: parameter.name.text for parameter in parameters}
    takes = Signature(tuple(names), names)
    stated = _assign(call, given, takes, evaluate, report, presets, is_step=False)
    if stated is None or given.stride is None:
        return stated
    return _with_stride(stated, given.stride, evaluate, report)


def _stated(
    call: ast.LayerCall,
    op: type[Layer],
    given: Given,
    evaluate: Evaluate,
    report: Reporter,
    presets: Presets,
) -> dict[str, tuple[Any, Span]] | None:
    """Return the fields of a layer that are given, each with its place."""
    given, chosen = _take_words(op, given, report)
    if chosen is None:
        return None
    extra = ("scale",) if issubclass(op, Norm) else ()
    takes = Signature(op.positional, _words(op.kind), extra)
    stated = _assign(call, given, takes, evaluate, report, presets)
    if stated is None:
        return None
    if twice := next((name for name in chosen if name in stated), None):
        report(argument_errors.given_twice(chosen[twice][1], twice))
        return None
    stated |= chosen
    if given.stride is None:
        return stated
    if "stride" not in _field_types(op.kind):
        report(argument_errors.unused_stride(given.stride.span, op.kind))
        return None
    return _with_stride(stated, given.stride, evaluate, report)


def _with_stride(
    stated: dict[str, tuple[Any, Span]], stride: ast.Stride, evaluate: Evaluate, report: Reporter
) -> dict[str, tuple[Any, Span]] | None:
    if "stride" in stated:
        report(argument_errors.given_twice(stride.span, "/"))
        return None
    return {**stated, "stride": (evaluate(stride.value), stride.span)}


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
    takes: Signature,
    evaluate: Evaluate,
    report: Reporter,
    presets: Presets,
    *,
    is_step: bool = True,
) -> dict[str, tuple[Any, Span]] | None:
    """Field to value and place. None where an argument belongs nowhere."""
    stated = dict(presets)
    callee, sound = call.name.text, True
    words, extra = takes.words, takes.extra
    positional = [name for name in takes.positional if name not in presets]
    for name, node in zip(positional, given.bare, strict=False):
        stated[name] = (evaluate(node), node.span)
    if len(given.bare) > len(positional):
        node = given.bare[len(positional)]
        layer = isinstance(node, ast.Identifier) and node.text in OPS
        chained = f"{callee} -> {node.span.text}" if layer and is_step else None
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


def _named(words: Mapping[str, str], extra: tuple[str, ...]) -> list[str]:
    """The arguments that can be given by name, each by its shortest."""
    return [*{field: word for word, field in words.items() if field != "stride"}.values(), *extra]


def place(field: str, call: ast.LayerCall, given: Given, presets: Presets) -> Span:
    """Return where a field of a layer is given; the whole call where it is not."""
    if field in presets:
        return call.span
    positional = [name for name in OPS[call.name.text].positional if name not in presets]
    words = _words(call.name.text)
    if field in positional and positional.index(field) < len(given.bare):
        return given.bare[positional.index(field)].span
    for word, keyword in given.keywords.items():
        if words.get(word, word) == field:
            return keyword.span
    return given.stride.span if field == "stride" and given.stride else call.span


def bind_block(
    call: ast.LayerCall,
    parameters: Sequence[ast.ParameterDecl],
    given: Given,
    evaluate: Evaluate,
    report: Reporter,
    presets: Presets = NO_PRESETS,
) -> dict[str, Value] | None:
    """Return the values of a block's or option's parameters, without the defaults; None once
    something was reported.
    """
    names = [parameter.name.text for parameter in parameters]
    own = {name: name for name in names}
    stated = _assign(call, given, Signature(tuple(names), own), evaluate, report, presets)
    if stated is None:
        return None
    for parameter in parameters:
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
    return {name: value for name, (value, _) in stated.items() if name != "stride"}


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
