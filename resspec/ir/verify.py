"""Checks that a network that was read fits together, as one that the compiler made does."""

from __future__ import annotations

import re
from math import prod

from resspec.ir.document import Path
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import ShapeError
from resspec.ir.shape import Name, Shape

MAX_SIDE = 1 << 24  # channels, or pixels along an axis
MAX_LAYERS = 1_000_000  # repeats counted
MAX_BYTES = (1 << 63) - 1  # of a tensor of float32, as torch counts them
MAX_NESTING = 190

_NAME = re.compile(r"[A-Za-z0-9_-]*")


class Unfit(Exception):
    """Something in a network that does not fit the rest, and where."""

    def __init__(self, what: str, path: Path) -> None:
        super().__init__(what)
        self.what, self.path = what, path


def verify(network: Network) -> None:
    """Check shapes, counts, names and sizes; raises Unfit."""
    _check_shape(network.input, ("input",))
    if not network.sections:
        raise Unfit("a network has at least one section", ("sections",))
    x, layers = network.input, 0
    for i, section in enumerate(network.sections):
        path: Path = ("sections", i)
        layers += _section(section, x, path)
        if layers > MAX_LAYERS:
            raise Unfit(f"a network has at most {MAX_LAYERS:,} layers", path)
        x = section.body.output
    _check_equal(network.output, x, "the output of the network is", ("output",))


def _section(section: Section, x: Shape, path: Path) -> int:
    _check_equal(section.body.input, x, "the input is", (*path, "body", "input"))
    return _node(section.located, (*path, "body"), 1)


def _node(located: Located, path: Path, depth: int) -> int:
    """Return how many layers it has, repeats counted."""
    node, parts = located.node, located.parts
    if depth > MAX_NESTING:
        raise Unfit(f"nodes nest at most {MAX_NESTING} levels deep", path)
    _check_shape(node.input, (*path, "input"))
    _check_shape(node.output, (*path, "output"))
    match node:
        case Op():
            _op(node, located.name, path)
            layers = 1
        case Series():
            layers = _series(node, parts, path, depth)
        case Parallel():
            layers = _parallel(node, parts, path, depth)
        case Repeat():
            layers = _repeat(node, parts[0], path, depth)
        case Scope():
            _check_name(located.name, (*path, "name"))
            layers = _inner(node, parts[0], path, depth)
    if layers > MAX_LAYERS:
        raise Unfit(f"a network has at most {MAX_LAYERS:,} layers", path)
    return layers


def _op(op: Op, name: Name | None, path: Path) -> None:
    if name is not None:
        _check_name(name, (*path, "name"))
    try:
        output = op.layer.infer(op.input)
    except ShapeError as error:
        raise Unfit(
            error.message, (*path, "layer", *([error.field] if error.field else []))
        ) from None
    _check_equal(op.output, output, f"the output of this `{op.kind}` is", (*path, "output"))
    for tensor, dims in op.layer.parameters(op.input).items():
        if prod(dims) * 4 > MAX_BYTES:
            raise Unfit(
                f"the {tensor} of `{op.kind}` has more elements than torch can count",
                (*path, "layer"),
            )


def _series(series: Series, parts: tuple[Located, ...], path: Path, depth: int) -> int:
    x, layers = series.input, 0
    for i, child in enumerate(parts):
        at: Path = (*path, "children", i)
        _check_equal(child.node.input, x, "the input is", (*at, "input"))
        layers += _node(child, at, depth + 1)
        x = child.node.output
    _check_equal(series.output, x, "the output of the last step is", (*path, "output"))
    return layers


def _parallel(merge: Parallel, parts: tuple[Located, ...], path: Path, depth: int) -> int:
    if len(merge.paths) < 2:
        raise Unfit("a merge has at least two paths", (*path, "paths"))
    if merge.residual is not None and not 0 <= merge.residual < len(merge.paths):
        raise Unfit(f"there is no path {merge.residual} of {len(merge.paths)}", (*path, "residual"))
    layers = 0
    for i, part in enumerate(parts):
        at: Path = (*path, "paths", i)
        _check_equal(part.node.input, merge.input, "the input is", (*at, "input"))
        layers += _node(part, at, depth + 1)
    shapes = [part.output for part in merge.paths]
    output = _merged(merge, shapes)
    if output is None:
        told = " and ".join(map(str, shapes[:4])) + (" …" if len(shapes) > 4 else "")
        raise Unfit(f"`{merge.merge}` cannot merge {told}", (*path, "paths"))
    _check_equal(merge.output, output, f"the output of this `{merge.merge}` is", (*path, "output"))
    return max(layers, 1)


def _merged(merge: Parallel, shapes: list[Shape]) -> Shape | None:
    """Return what comes out; None where the shapes do not go together."""
    first = shapes[0]
    if any((len(each.dims), each.last) != (len(first.dims), first.last) for each in shapes):
        return None
    if merge.merge == "concat":
        same = len({each.spatial for each in shapes}) == 1
        return first.with_channels(sum(each.channels for each in shapes)) if same else None
    largest = max(shapes, key=lambda each: each.elements)
    for each in shapes:
        broadcasts = merge.merge == "mul" and set(each.spatial) <= {1}
        if each.channels != largest.channels or not (each.spatial == largest.spatial or broadcasts):
            return None
    return largest


def _repeat(repeat: Repeat, body: Located, path: Path, depth: int) -> int:
    if not 1 <= repeat.count <= MAX_LAYERS:
        raise Unfit(f"a repeat has a count from 1 to {MAX_LAYERS:,}", (*path, "count"))
    _check_equal(
        repeat.body.output,
        repeat.body.input,
        "the output of a repeated part is",
        (*path, "body", "output"),
    )
    return repeat.count * _inner(repeat, body, path, depth)


def _inner(node: Repeat | Scope, body: Located, path: Path, depth: int) -> int:
    inside: Path = (*path, "body")
    _check_equal(node.body.input, node.input, "the input is", (*inside, "input"))
    _check_equal(node.output, node.body.output, "the output inside is", (*path, "output"))
    return max(_node(body, inside, depth + 1), 1)


def _check_shape(x: Shape, path: Path) -> None:
    if not (1 <= len(x.dims) <= 3 and all(1 <= dim <= MAX_SIDE for dim in x.dims)):
        raise Unfit(f"a shape has one to three dimensions from 1 to {MAX_SIDE:,}", path)
    if x.elements * 8 > MAX_BYTES:
        raise Unfit(f"{x} has more elements than torch can count", path)


def _check_equal(found: Shape, wanted: Shape, what: str, path: Path) -> None:
    if found != wanted:
        raise Unfit(f"{what} {wanted}, not {found}", path)


def _check_name(name: Name | None, path: Path) -> None:
    if name is None or not _NAME.fullmatch(name.prefix) or str(name) == "":
        raise Unfit("a name consists of letters, digits, `_` and `-`", path)
