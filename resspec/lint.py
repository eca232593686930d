"""Warnings (W) about a file without errors: about its text and the networks in it.

A warning about a network is placed in the file itself: for a layer of a library, at the section
that calls it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from resspec.diagnostics import Collected, Diagnostic
from resspec.ir import walk
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Op, Parallel, Scope, Series
from resspec.ir.ops.activation import Softmax
from resspec.ir.ops.arrange import Flatten
from resspec.ir.ops.conv import Linear
from resspec.ir.ops.norm import BatchNorm
from resspec.ir.ops.placeholder import PlaceholderOp
from resspec.ir.ops.regularize import Dropout
from resspec.ir.ops.window import Pool
from resspec.lowering.lint import allowed, text_warnings
from resspec.lowering.scope import Library
from resspec.passes.contributors import contributors
from resspec.passes.quantities import Facts, Known
from resspec.source import Label, Span
from resspec.syntax import ast

MOST_PARAMS = 10**11
LEAST_DEPTH = 10  # a smaller number in a name is a version, or counts something else


def lint(
    library: Library, networks: Iterable[Network], known: Known | None = None
) -> list[Diagnostic]:
    """Return the warnings about a file, in order, without those that a comment allows.

    Args:
        library: The file.
        networks: Those of the file that were compiled.
        known: What was counted of these networks before.
    """
    assert library.file is not None
    found = [
        *text_warnings(library.file),
        *(each for network in networks for each in _network(library, Facts(network, known=known))),
    ]
    collected = Collected()
    collected.add(*found)
    files = [each.file for each in library.all() if each.file]
    return sorted(allowed(files, collected), key=lambda each: each.labels[0].span.start)


def single_value(span: Span, norm: Span, shape: str) -> Diagnostic:
    """W0303: batch norm over a single value of each channel of an image."""
    labels = (
        (Label(span, f"reads {shape}"),)
        if span == norm
        else (Label(span, "here"), Label(norm, f"reads {shape}"))
    )
    return Diagnostic(
        "W0303",
        "this batch norm sees one value of each channel per image",
        labels,
        "use `gn 1`, which normalizes over the channels",
        ("torch refuses to train it with a batch of 1",),
    )


def misnamed(span: Span, says: int, layers: int) -> Diagnostic:
    """W0304: the number in a network's name is not the number of its layers."""
    return Diagnostic(
        "W0304",
        f"the name says {says}, but there are {layers} layers",
        (Label(span),),
        f"write `expect layers == {layers}` in the network if the name is right",
    )


def needless_projection(span: Span, shape: str) -> Diagnostic:
    """W0305: a shortcut projects where the residual keeps the shape."""
    return Diagnostic(
        "W0305",
        "this shortcut projects where identity would do",
        (Label(span, f"{shape} stays {shape}"),),
        "write `same: identity` in its option",
    )


def gigantic(span: Span, params: int, largest: Iterable[tuple[int, str]]) -> Diagnostic:
    """W0306: a network of more parameters than any machine holds, which is mostly a typo."""
    lines = ["the largest layers", *(f"{amount:,}  {what}" for amount, what in largest)]
    return Diagnostic(
        "W0306",
        f"{params:,} parameters take {4 * params / 1e12:,.1f} TB in float32",
        (Label(span),),
        "check the number of zeros",
        ("\n".join(lines),),
    )


def unstrided_pool(span: Span, window: Span, became: str, help: str) -> Diagnostic:
    """W0307: a pool without a stride where torch's default, its window, is mostly meant."""
    labels = (
        (Label(span, became),) if span == window else (Label(span, "here"), Label(window, became))
    )
    return Diagnostic(
        "W0307",
        "this pool moves by one pixel",
        labels,
        help,
        ("without a stride, a pool moves by 1 here, but by its window in torch",),
    )


def path_left_out(span: Span, merge: Span, shape: str) -> Diagnostic:
    """W0311: a path of a concat whose layers are all left out, so that it is the input itself."""
    labels = (
        (Label(span, f"is the input, {shape}"),)
        if span == merge
        else (Label(span, "here"), Label(merge, f"is the input, {shape}"))
    )
    return Diagnostic(
        "W0311",
        "all layers of this path are left out, but not the path",
        labels,
        "choose between two blocks instead: `let form = three if wide else two`, then `form 64`",
    )


def not_counted(span: Span, shape: str) -> Diagnostic:
    """W0312: a placeholder, which has no figures."""
    return Diagnostic(
        "W0312",
        "this placeholder stands for layers that are not written",
        (Label(span, f"only its output is known, {shape}"),),
        "write the layers in its place",
        ("it is counted as if it had no parameters, operations or memory",),
    )


def applied_twice(span: Span) -> Diagnostic:
    """W0309: a softmax at the end of a network, which the loss applies again."""
    return Diagnostic(
        "W0309",
        "the loss applies softmax again to the output of this one",
        (Label(span),),
        "leave it out: training and evaluation take logits",
    )


# --- networks ---


def _network(library: Library, facts: Facts) -> Iterator[Diagnostic]:
    network = facts.network
    place = library.span(network.span)
    says = re.search(r"[0-9]+\Z", network.name)
    if (
        says
        and (layers := _miscounted(facts, int(says[0])))
        and not _counts(library.own[network.name])
    ):
        yield misnamed(place, int(says[0]), layers)
    if (params := facts.total("params")) > MOST_PARAMS:
        yield gigantic(
            place,
            params,
            [(each.value, each.what) for each in contributors(facts, "params", most=3)],
        )
    ends = set(_before_fc(network))
    for last in list(_row(walk.whole(network)))[-1:]:
        if isinstance(last.node, Op) and isinstance(last.node.layer, Softmax):
            yield applied_twice(_own_place(library, network.sections[-1], last))
    for section in network.sections:
        for located in walk.distinct(section.located):
            yield from _node(library, section, located)
            if isinstance(located.node, Op) and isinstance(located.node.layer, Pool):
                yield from _pool(library, section, located, is_end=located in ends)


def _miscounted(facts: Facts, says: int) -> int | None:
    """Return the number of layers where a number in the name nearly says it, and nothing else."""
    network = facts.network
    if says < LEAST_DEPTH or says in (*network.input.dims, *network.output.dims):
        return None
    layers = facts.total("layers")
    return layers if 0 < abs(layers - says) <= says // 5 else None


def _counts(declared: ast.Declaration) -> bool:
    """Return whether its author says how many layers there are."""
    clauses = declared.clauses if isinstance(declared, ast.NetworkDecl | ast.Derived) else []
    return any(
        isinstance(each, ast.Expect) and each.metric.name.text == "layers" for each in clauses
    )


def _node(library: Library, section: Section, located: Located) -> Iterator[Diagnostic]:
    match located.node:
        case Op(layer=PlaceholderOp(), output=y):
            yield not_counted(_own_place(library, section, located), str(y))
        case Op(layer=BatchNorm(), input=x) if x.elements == x.channels:
            norm = library.span(located.span)
            yield single_value(_own_place(library, section, located), norm, str(x))
        case Parallel(merge="concat"):
            for path in located.parts:
                if _is_left_out(library, path):
                    place = library.span(path.span)
                    yield path_left_out(
                        _own_place(library, section, path), place, str(path.node.input)
                    )
        case Parallel(residual=int() as f, paths=(_, _), input=x, output=y) if x == y:
            layer = _projection(located.parts[1 - f])
            if (
                layer and (place := library.span(layer.span)).source is library.source
            ):  # a library's option says what it does
                yield needless_projection(place, str(x))


def _is_left_out(library: Library, path: Located) -> bool:
    """Return whether a path has lost all of its layers to counts of 0."""
    is_empty = isinstance(path.node, Series) and not path.parts
    return is_empty and library.span(path.span).text != "identity"


def _own_place(library: Library, section: Section, located: Located) -> Span:
    """Return a layer's place, or for one of another file that of the section that calls it."""
    place = library.span(located.span)
    return place if place.source is library.source else library.span(section.span)


def _before_fc(network: Network) -> Iterator[Located]:
    """Yield each pool whose whole output a linear layer reads."""
    pool = None
    for located in _row(walk.whole(network)):
        match located.node:
            case Op(layer=Pool()):
                pool = located
            case Op(layer=Linear(), input=x) if pool and len(x.dims) == 1:
                yield pool
                pool = None
            case Op(layer=Flatten() | Dropout()):
                pass
            case _:
                pool = None


def _row(located: Located) -> Iterator[Located]:
    """Yield what runs one after the other, merges and repeats as one."""
    if isinstance(located.node, Series | Scope):
        for part in located.parts:
            yield from _row(part)
    else:
        yield located


def _pool(
    library: Library, section: Section, located: Located, *, is_end: bool
) -> Iterator[Diagnostic]:
    """Warn of a pool without a stride whose window is even, or that is before a linear layer.

    Odd windows keep the size, so that they may be meant.
    """
    node = located.node
    assert isinstance(node, Op) and isinstance(node.layer, Pool)
    pool, window = node.layer, library.span(located.span)
    kernel = pool.kernel_size or (1, 1)
    is_even = any(side % 2 == 0 for side in kernel)
    if (
        pool.stride != (1, 1)
        or "/" in window.text
        or max(kernel) == 1
        or set(node.output.spatial) == {1}
    ):
        return
    if is_end or is_even:
        kind, side = (
            node.kind,
            "x".join(map(str, kernel)) if kernel[0] != kernel[1] else str(kernel[0]),
        )
        strided = f"`{kind} {kernel[0]}x{kernel[1]}, /{side}`"
        taken = "mean" if kind == "avgpool" else "largest value"
        help = f"write the stride, {strided}, or `/1` if one pixel is meant"
        if is_end:
            help = f"`{kind}` alone takes the {taken} of the whole image"
            help = f"{help}; or write the stride, {strided}"
        place = window if window.source is library.source else library.span(section.span)
        yield unstrided_pool(place, window, f"{node.input} becomes {node.output}", help)


def _projection(shortcut: Located) -> Located | None:
    """Return the first layer with weights of a shortcut that does not stride."""
    found = None
    for located in walk.distinct(shortcut):
        if isinstance(located.node, Op):
            layer = located.node.layer
            if getattr(layer, "stride", (1, 1)) != (1, 1):
                return None
            if found is None and layer.weighted:
                found = located
    return found
