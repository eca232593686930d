"""Warnings: no mistakes in a text, but rarely meant. A function's docstring is its code's title.

A comment `# allow W0301` on its line silences a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from resspec.diagnostics import Diagnostic
from resspec.ir.shape import looks_channels_last
from resspec.source import Label, Source, Span
from resspec.syntax import ast

SMALL, LARGE_KERNEL = 64, 7  # a picture's side; the kernel of a stem for pictures of 224
_ALLOWED = re.compile(r"\ballow((?:[ ,]+W\d{4})+)")
_NAMING = ("label", "depth", "span")  # fields of the AST that name nothing that is used


def text_warnings(file: ast.SpecFile) -> Iterator[Diagnostic]:
    """Yield the warnings about a file without mistakes, whatever networks it makes."""
    is_library = not any(
        map(_is_network, file.declarations)
    )  # whose constants and blocks are for others
    read = set(used_names(file.declarations))
    for declaration in file.declarations:
        yield from _declaration(declaration, None if is_library else read)


def allowed(files: Iterable[ast.SpecFile], found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return all but those that a comment allows on their line, or behind their clause or
    declaration; in a library that the file uses, on the line of the layer.
    """
    permits = {
        (comment.source, line, code)
        for file in files
        for comment in file.comments
        for found in _ALLOWED.finditer(comment.text)
        for line in _lines_before(file, comment)
        for code in re.findall(r"W\d{4}", found[1])
    }
    return [each for each in found if permits.isdisjoint(_marks(each))]


def _marks(diagnostic: Diagnostic) -> Iterator[tuple[Source, int, str]]:
    """Yield the line of a warning, and the lines that it marks in other files."""
    first, *others = [label.span for label in diagnostic.labels]
    for span in [first, *(span for span in others if span.source != first.source)]:
        yield span.source, _line_of(span), diagnostic.code


def _lines_before(file: ast.SpecFile, comment: Span) -> Iterator[int]:
    """Yield the line of a comment, and those of the clauses and declarations that end on it."""
    at = _line_of(comment)
    yield at
    for span in _statements(file):
        last = _line_of(span._replace(start=span.end - 1))
        if last == at:
            yield from range(_line_of(span), last)


def _statements(file: ast.SpecFile) -> Iterator[Span]:
    """Yield the places of all declarations, clauses and arms."""
    for declaration in file.declarations:
        yield declaration.span
        for clause in getattr(declaration, "clauses", ()):
            yield clause.span
        for arm in getattr(declaration, "arms", ()):
            yield arm.case.span.to(arm.chain.span)


def unused_constant(span: Span) -> Diagnostic:
    """W0201: a constant that is never used."""
    return Diagnostic("W0201", f"`{span.text}` is never used", (Label(span),), "remove this `let`")


def unused_parameter(span: Span, owner: str) -> Diagnostic:
    """W0202: a parameter that its block, option or network never uses."""
    return Diagnostic(
        "W0202",
        f"`{owner}` never uses its parameter `{span.text}`",
        (Label(span),),
        "remove this parameter",
    )


def unused_block(span: Span) -> Diagnostic:
    """W0203: a block that no network of its file reaches."""
    return Diagnostic(
        "W0203",
        f"`{span.text}` is never called",
        (Label(span),),
        "remove it, or move it to a library",
    )


def bias_before_norm(span: Span, norm: Span) -> Diagnostic:
    """W0301: a bias that the batch norm after it takes away again."""
    return Diagnostic(
        "W0301",
        "this bias does nothing",
        (Label(span), Label(norm, "subtracts the mean again")),
        f"leave out `{span.text}`",
    )


def idle_dropout(span: Span) -> Diagnostic:
    """W0310: a dropout of probability 0."""
    return Diagnostic(
        "W0310",
        "this dropout does nothing",
        (Label(span),),
        "leave it out, or give it a probability, as in `dropout 0.5`",
    )


def large_stem(span: Span, input: Span) -> Diagnostic:
    """W0302: a stem for images of 224 pixels, on small ones."""
    return Diagnostic(
        "W0302",
        f"a {LARGE_KERNEL}x{LARGE_KERNEL} kernel with a stride leaves little of a small image",
        (Label(span), Label(input, "the image")),
        "use `conv 3x3` without a stride, as for CIFAR",
    )


def channels_last(span: Span, dims: tuple[int, ...]) -> Diagnostic:
    """W0308: an input with its channels last."""
    turned = "x".join(map(str, (dims[2], dims[0], dims[1])))
    return Diagnostic(
        "W0308",
        f"this input has {dims[0]} channels, and is {dims[1]}x{dims[2]} pixels",
        (Label(span),),
        f"channels come first: `input {turned}`",
    )


# --- what is read ---


def _is_network(declared: ast.Declaration) -> bool:
    """Not a template."""
    is_whole = isinstance(declared, ast.NetworkDecl) and all(
        each.default for each in declared.parameters
    )
    return is_whole or isinstance(declared, ast.Derived)


def _declaration(declared: ast.Declaration, read: set[str] | None) -> Iterator[Diagnostic]:
    """`read`: what all of the file reads, None for a library."""
    match declared:
        case ast.Let(name=name) if read is not None and name.text not in read:
            yield unused_constant(name.span)
        case (
            ast.Block(name=name, parameters=parameters, clauses=clauses)
            | ast.NetworkDecl(name=name, parameters=parameters, clauses=clauses)
        ):
            if isinstance(declared, ast.Block) and read is not None and name.text not in read:
                yield unused_block(name.span)
            yield from _body(name.text, parameters, clauses)
            yield from _stem(clauses)
            yield from _inputs(clauses)
        case ast.Derived(name=name, parameters=parameters, clauses=clauses):
            yield from _body(name.text, parameters, clauses, declared.arguments)
            yield from _stem(clauses)
            yield from _inputs(clauses)
        case ast.Option(name=name, parameters=parameters, arms=arms):
            named = set(used_names(declared))
            for parameter in parameters:
                if parameter.name.text not in named:
                    yield unused_parameter(parameter.name.span, name.text)
            yield from _layers(arms)


def _body(
    owner: str,
    parameters: list[ast.ParameterDecl],
    clauses: list[ast.Clause],
    arguments: Sequence[ast.Argument] = (),
) -> Iterator[Diagnostic]:
    defaults = [parameter.default for parameter in parameters]
    read = {*used_names([*clauses, *arguments, *defaults])}
    yield from (
        unused_parameter(each.name.span, owner) for each in parameters if each.name.text not in read
    )
    yield from (
        unused_constant(each.name.span)
        for each in clauses
        if isinstance(each, ast.Let) and each.name.text not in read
    )
    yield from _layers(clauses)


def used_names(node: Any) -> Iterator[str]:
    """Every name in a part of the AST, but for those that it declares and those of labels and
    arguments.
    """
    match node:
        case ast.Identifier(text=text):
            yield text
        case ast.Keyword(value=value) | ast.Let(value=value):
            yield from used_names(value)
        case (
            ast.Block(parameters=parameters, clauses=clauses)
            | ast.NetworkDecl(parameters=parameters, clauses=clauses)
        ):
            yield from used_names([*clauses, *(parameter.default for parameter in parameters)])
        case ast.Derived(parameters=parameters, base=base):
            defaults = [parameter.default for parameter in parameters]
            yield from used_names([base, *node.arguments, *node.clauses, *defaults])
        case ast.Option(parameters=parameters, arms=arms):
            defaults = [parameter.default for parameter in parameters]
            yield from used_names([*defaults, *(arm.chain for arm in arms)])
        case Span() | Source() | str():
            pass
        case tuple() if hasattr(node, "_fields"):
            yield from (
                name
                for field in node._fields
                if field not in _NAMING
                for name in used_names(getattr(node, field))
            )
        case list():
            yield from (name for each in node for name in used_names(each))


# --- layers ---


def _layers(node: Any) -> Iterator[Diagnostic]:
    """Yield the warnings about layers in all chains of a part of the AST."""
    for chain in _chains(node):
        yield from _biases(chain)
        yield from _dropouts(chain)


def _chains(node: Any) -> Iterator[ast.Chain]:
    if isinstance(node, ast.Chain):
        yield node
    has_parts = hasattr(node, "_fields") and not isinstance(node, Span | ast.LayerCall)
    if isinstance(node, list) or has_parts:
        for each in node:
            yield from _chains(each)


def _biases(chain: ast.Chain) -> Iterator[Diagnostic]:
    """Yield each `bias=true` right before a batch norm; other norms take means over channels, which
    biases change.
    """
    for step, following in pairwise(step.item for step in chain.steps):
        match step, following:
            case ast.LayerCall(), ast.LayerCall(name=ast.Identifier(text="bn")):
                for argument in filter(_is_bias, step.arguments):
                    yield bias_before_norm(argument.span, following.span)


def _dropouts(chain: ast.Chain) -> Iterator[Diagnostic]:
    """Yield each dropout with a literal 0; a probability from a parameter is a switch."""
    for step in chain.steps:
        match step.item:
            case ast.LayerCall(name=ast.Identifier(text="dropout"), arguments=[argument]) as call:
                if _is_zero(argument):
                    yield idle_dropout(call.span)


def _is_zero(argument: ast.Argument) -> bool:
    value = argument.value if isinstance(argument, ast.Keyword) else argument
    return isinstance(value, ast.Number) and value.value == 0


def _is_bias(argument: ast.Argument) -> bool:
    return (
        isinstance(argument, ast.Keyword)
        and argument.name.text == "bias"
        and isinstance(argument.value, ast.Identifier)
        and argument.value.text == "true"
    )


def _inputs(clauses: list[ast.Clause]) -> Iterator[Diagnostic]:
    for clause in clauses:
        match clause:
            case ast.Input(value=ast.Size(dims=dims, span=span)) if looks_channels_last(dims):
                yield channels_last(span, dims)


def _stem(clauses: list[ast.Clause]) -> Iterator[Diagnostic]:
    inputs = [
        each.value
        for each in clauses
        if isinstance(each, ast.Input) and isinstance(each.value, ast.Size)
    ]
    stems = [
        each.chain.steps[0].item
        for each in clauses
        if isinstance(each, ast.ChainClause) and each.kind == "stem"
    ]
    if (
        inputs
        and stems
        and isinstance(stem := stems[0], ast.LayerCall)
        and max(inputs[0].dims[1:], default=SMALL + 1) <= SMALL
    ):
        strided = any(
            isinstance(each, ast.Stride) and each.span.text != "/1" for each in stem.arguments
        )
        kernels = [
            each
            for each in stem.arguments
            if isinstance(each, ast.Size) and max(each.dims) >= LARGE_KERNEL
        ]
        if strided and kernels and stem.name.text == "conv":
            yield large_stem(stem.span, inputs[0].span)


def _line_of(span: Span) -> int:
    return span.source.place(span.start)[0]
