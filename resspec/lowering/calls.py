"""Calls to nodes: a layer with its fields, or a block's body for what enters it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import lru_cache

from resspec.ir.init import AS_TORCH, STARTS_AS_ONE, Init
from resspec.ir.nodes import Op
from resspec.ir.ops import OPS
from resspec.ir.ops.arrange import Flatten
from resspec.ir.ops.conv import Fc
from resspec.ir.ops.layer import Layer, ShapeError
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Shape
from resspec.lowering import argument_errors, arguments, foreign_layers, name_errors, shape_errors
from resspec.lowering.arguments import Given
from resspec.lowering.block import is_residual, lower_body
from resspec.lowering.context import Context
from resspec.lowering.conversion import convert
from resspec.lowering.frame import Frame
from resspec.lowering.parts import Draft, Made, OpenBlock, draft, flattened
from resspec.lowering.scope import MERGES, RESERVED, find_one, report_unknown, suggestion
from resspec.lowering.shrinking import shrinking
from resspec.lowering.tensors import layer_fits
from resspec.lowering.values import NO_PRESETS, UNKNOWN, BlockRef, Presets, Unknown, Value, describe
from resspec.source import Span
from resspec.syntax import ast

_LAYERS = {kind: BlockRef(kind, None, None) for kind in OPS}


def call(
    context: Context,
    call: ast.LayerCall,
    x: Shape | None,
    frame: Frame,
    strided: bool,
) -> Draft | None:
    """Return what is called."""
    given = arguments.sort(call.arguments, frame.report)
    if given.stride is not None and not strided:
        given = given._replace(stride=None)
    callee = _callee(call, frame)
    if callee is None:
        strides = [given.stride.value] if given.stride else []
        for value in (
            *given.bare,
            *strides,
            *(keyword.value for keyword in given.keywords.values()),
        ):
            frame.value(value)
        return None
    if callee.block is None:
        named = (
            call
            if callee.name == call.name.text
            else call._replace(name=ast.Identifier(callee.name, call.name.span))
        )
        return _layer(context, named, given, callee.presets, x, frame)
    part = _block(context, call, callee, given, x, frame)
    if part and callee.block.is_module:
        return replace(part, span=str(call.span), place=call.span)
    return part


def _callee(call: ast.LayerCall, frame: Frame) -> BlockRef | None:
    name = call.name
    if name.text in _LAYERS and name.text not in frame.names:
        return _LAYERS[name.text]
    is_own = name.text in frame.names or name.text in frame.inherited
    if is_own or find_one(frame.library, name, frame.report, ast.Block, ast.Let, ast.Option):
        value = frame.lookup(name)
        if not isinstance(value, BlockRef | Unknown):
            frame.report(name_errors.no_layer(name.span, describe(value)))
        return value if isinstance(value, BlockRef) else None
    legal = {*OPS, *frame.callable_names(), *["none"] * (frame.out is not None)}
    near = suggestion(frame.library, name.text, legal, ast.Block)
    elsewhere = frame.library.elsewhere(name.text)
    instead = None if elsewhere else foreign_layers.instead(name.text)
    if name.text in MERGES:
        instead = f"write its paths in braces: `{name.text} {{ identity | relu }}`"
    if instead:
        near = tuple(each for each in near if each not in OPS)
    others = foreign_layers.names(name.text)
    if not (near or others or instead):
        near = _in_lower_case(name.text, legal | frame.library.names(ast.Block))
    from resspec.syntax.constructs import of_word

    is_word = name.text in RESERVED
    unknown = name_errors.unknown_layer(name.span, near, others, elsewhere, instead, is_word)
    report_unknown(
        frame.library, (None if near or elsewhere else of_word(name.span)) or unknown, frame.report
    )
    return None


def _in_lower_case(word: str, legal: set[str]) -> tuple[str, ...]:
    """For a class of torch's or of another library, `BasicBlock` or `Conv2d`: what it is called
    here.
    """
    found = (
        [name for name in legal if len(name) > 3 and word.lower().startswith(name)]
        if word[0].isupper()
        else []
    )
    return tuple(sorted(found, key=len)[-1:])


# --- layers ---


def _layer(
    context: Context,
    call: ast.LayerCall,
    given: Given,
    presets: Presets,
    x: Shape | None,
    frame: Frame,
) -> Draft | None:
    key = call.name.text
    bound = arguments.bind_layer(call, given, frame.value, frame.report, presets)
    written = call, given, presets
    if bound and key in context.settings.replaced:
        swap, home = context.settings.replaced[key]
        scale = bound.scale
        swapped = arguments.sort(swap.arguments, home.report)
        written = swap, swapped, NO_PRESETS
        bound = arguments.bind_layer(swap, swapped, home.value, home.report)
        bound = bound and bound._replace(scale=scale if bound.scale is None else bound.scale)
    if bound is None or x is None:
        return None
    context.spend(call.span, frame)
    entered, layer, flatten = x, bound.layer, None
    if isinstance(layer, Fc) and len(x.dims) > 1:
        x = Shape((x.elements,))
        flatten = replace(draft(Op(entered, x, Flatten()), call.span), implied=True)
    layer = layer.completed(x)
    try:
        output = _output(layer, x)
    except ShapeError as error:
        notes: tuple[str, ...] = ()
        if error.code == "E0303":
            notes = shrinking(part for steps in context.rows for part in steps)
        where = arguments.place(error.field, *written) if error.field else call.span
        replaced = call.span if written[0] is not call and where != call.span else None
        mistake = shape_errors.shape(
            where, error.code, error.message, error.help, _said(x), replaced
        )
        frame.report(mistake._replace(notes=notes))
        return None
    if not layer_fits(layer, x, output, call.span, frame.report):
        return None
    init = _init(context, layer, x, bound.scale, written, frame)
    op = Op(x, output, layer, init)
    part = Draft(op, str(call.span), key=key, place=call.span, is_call=True)
    return flattened(flatten, part, call.span) if flatten else part


@lru_cache(1 << 12)
def _output(layer: Layer, x: Shape) -> Shape:
    """Return the shape that leaves a layer, found once for equal layers. Raises ShapeError."""
    return layer.infer(x)


def _init(
    context: Context,
    layer: Layer,
    x: Shape,
    scale: Value | None,
    written: tuple[ast.LayerCall, Given, Presets],
    frame: Frame,
) -> Init | None:
    if scale is not None and isinstance(layer, Norm):
        return _scaled(layer, x, scale, arguments.place("scale", *written), frame)
    law = context.settings.init(layer)
    if law is None or law == AS_TORCH or (isinstance(layer, Norm) and law == STARTS_AS_ONE):
        return None
    return law if layer.weighted or layer.parameters(x) else None


def _scaled(layer: Norm, x: Shape, scale: Value, place: Span, frame: Frame) -> Init | None:
    if not layer.parameters(x):
        message = "`scale` needs a weight, but with `affine=false` there is none"
        frame.report(shape_errors.shape(place, "E0305", message, "leave out one of them", _said(x)))
        return None
    value = convert(scale, "Real", "`scale`", place, frame.report)
    return None if value is UNKNOWN or value == 1 else Init("constant", (("value", value),))


def _said(x: Shape) -> str:
    return "x".join(map(str, x.dims)) + (", channels last," if x.last else "")


# --- blocks ---


def _block(
    context: Context,
    call: ast.LayerCall,
    callee: BlockRef,
    given: Given,
    x: Shape | None,
    frame: Frame,
) -> Draft | None:
    block, library = callee.block, callee.library
    assert block is not None and library is not None
    values = arguments.bind_block(
        call, block.parameters, given, frame.single, frame.report, callee.presets
    )
    stride, stride_place = _stride(given, callee, frame)
    if values is None or isinstance(stride, Unknown):
        return None
    numbering = context.numbering
    stated = tuple([(name, type(value), value) for name, value in values.items()])
    key = (context.identity(block, library), stated, x, stride, numbering.inside > 0)
    if any(block is opened.block for opened in context.open) and _is_endless(
        context, block, key, call, frame
    ):
        return None
    made = context.made.get(key)
    if made is None and (made := context.numbered_made.get((key, numbering.index))):
        # what was made before depends on the index, and so does what is made of it
        numbering.reads += 1
    if made is not None:
        numbering.index += made.residuals
        if made.part:
            context.spend(call.span, frame, context.steps(made.part))
    else:
        before, reads = numbering.index, numbering.reads
        context.open.append(OpenBlock(block, key, call.span, context.uncertain))
        made = _make(context, call, callee, values, stride, x, frame)
        context.open.pop()
        if numbering.reads == reads:
            context.made[key] = made
        else:
            context.numbered_made[(key, before)] = made
    if stride_place is not None and made.part is not None and not made.stride_read:
        frame.report(argument_errors.unused_stride(stride_place, callee.name, is_block=True))
    return made.part


def _is_endless(
    context: Context, block: ast.Block, key: Hashable, call: ast.LayerCall, frame: Frame
) -> bool:
    """Return whether a call inside the block's own body must not be followed; it is reported where
    it never ends.

    With other arguments, another input or another stride a call may end, and is followed. Where the
    count of a repeat around it is unknown, that count may be 0.
    """
    first = next(i for i, opened in enumerate(context.open) if opened.block is block)
    around = context.open[first:]
    if context.uncertain > around[0].uncertain:
        return True
    if all(key != opened.key for opened in around):
        return False
    frame.report(
        name_errors.recursion(call.name.span, block.name.text, [opened.span for opened in around])
    )
    return True


def _make(
    context: Context,
    call: ast.LayerCall,
    callee: BlockRef,
    values: dict[str, Value],
    stride: Value,
    x: Shape | None,
    frame: Frame,
) -> Made:
    block, library = callee.block, callee.library
    assert block is not None and library is not None
    context.spend(call.span, frame)
    context.reached.add(block.name.span)
    before = context.numbering.index
    inner = context.frame(
        library, values, (*frame.trail, (call.span.text, call.span, x)), x, stride, inside=True
    )
    inner.residual = is_residual(block)
    for parameter in block.parameters:
        if parameter.name.text not in values and parameter.default is not None:
            values[parameter.name.text] = inner.value(parameter.default)
    context.depth += 1
    part = lower_body(context, block, inner)
    context.depth -= 1
    if part and block.is_module:
        part = context.module(part, call, block, inner)
    return Made(part, inner.stride_read, context.numbering.index - before)


def _stride(given: Given, callee: BlockRef, frame: Frame) -> tuple[Value, Span | None]:
    """Return the stride that a block is called with, and where it is written."""
    value, place = callee.presets.get("stride", (1, None))
    if given.stride is not None:
        if place is not None:
            frame.report(argument_errors.given_twice(given.stride.span, "/"))
            return UNKNOWN, None
        value, place = frame.value(given.stride.value), given.stride.span
    if place is None or isinstance(value, Unknown):
        return value, place
    kind, phrase = "Size" if isinstance(value, tuple) else "Count", f"the stride of `{callee.name}`"
    checked = convert(value, kind, phrase, place, frame.report)
    return value if checked is not UNKNOWN else UNKNOWN, place
