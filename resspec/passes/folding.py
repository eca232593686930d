"""Batch norms folded into convolutions and linear layers, and parallel convolutions into one.

In evaluation, batch norm multiplies each channel by a number and adds another. The convolution or
linear layer before it can do that itself, and so can one after it that does not pad. The sum of
parallel convolutions is one convolution, as in RepVGG and MobileOne. No two layers of a network
share weights, so that no other layer changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from resspec.diagnostics import UsageError
from resspec.ir import walk
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.conv import Conv, Linear, Upconv
from resspec.ir.ops.norm import BatchNorm
from resspec.ir.ops.regularize import Dropout, DropPathOp
from resspec.ir.outputs import Output, marked, unmarked
from resspec.ir.shape import Name
from resspec.passes.folded import Folded, FoldedLayer, Folding, FoldStep
from resspec.passes.inplace import inplace
from resspec.passes.merging import merged

PASSES_ON = (Identity, Dropout, DropPathOp)  # in evaluation


def fold(network: Network) -> Folding:
    """Return a network in which batch norms are part of the layers beside them, for evaluation.

    Batch norm after a convolution or linear layer, or before one that does not pad, becomes part of
    its weight and bias. Parallel convolutions whose sum is taken, as in RepVGG, become one.

    Args:
        network: A network from `load`.

    Returns:
        The folding: the new `network`, which `build`, `report`, `compile` and `draw` take as any
        other; the `layers` that changed; and the names of the batch norms that are `left`.

    Raises:
        UsageError: The argument is not a network.

    Examples:
        >>> folding = resspec.fold(resspec.load("torchvision/resnet18"))
        >>> folding.network.name, folding.removed, folding.left
        ('resnet18_folded', 20, ())
    """
    if not isinstance(network, Network):
        raise UsageError(f"this is not a network from resspec.load: {network!r:.80}")
    whole = marked(network)
    folder = _Folder()
    sections = tuple(folder.sections(whole.sections))
    name = f"{network.name}_folded"
    folded = unmarked(replace(whole, name=name, sections=sections, declared=None))
    return Folding(inplace(folded), folder.layers, tuple(_norms(folded)))


def _norms(network: Network) -> Iterator[str]:
    for name, step in walk.layers(walk.whole(network)):
        if isinstance(step.layer, BatchNorm):
            yield name


class _Place(NamedTuple):
    """The path to a node, the turns of the repeats in its scope, and the scopes around it since the
    nearest repeat.
    """

    path: str = ""
    turns: tuple[int, ...] = ()
    scopes: tuple[Located, ...] = ()

    def full(self, name: Name | None) -> str:
        return f"{self.path}{name.at(*self.turns)}" if name is not None else ""

    def inside(self, scope: Located) -> _Place:
        return _Place(f"{self.full(scope.name)}.", (), (*self.scopes, scope))

    def at_turn(self, turn: int) -> _Place:
        return _Place(self.path, (*self.turns, turn))


class _Folder:
    """The folding of a network.

    Attributes:
        layers: For each layer that changed, by its name, the layers that it replaces.
    """

    def __init__(self) -> None:
        self.layers: dict[str, Folded] = {}

    def sections(self, sections: Sequence[Section]) -> Iterator[Section]:
        """Yield the sections folded, as one row."""
        place = _Place()
        steps = [list(self._opened(section.located, place)) for section in sections]
        kept = set(self._folded([step for each in steps for step in each]))
        for section, own in zip(sections, steps, strict=True):
            left = [step for step in own if step in kept]
            yield replace(section, located=self._rebuilt(left, section.located, depth=0))

    def _body(self, located: Located, place: _Place) -> Located:
        """Return the body of a repeat folded."""
        return self._rebuilt(self._row(located, place), located, depth=0)

    def _row(self, located: Located, place: _Place) -> list[FoldStep]:
        return self._folded(list(self._opened(located, place)))

    def _folded(self, steps: Sequence[FoldStep]) -> list[FoldStep]:
        """Return the steps that are left of a row."""
        row: list[FoldStep] = []
        for i, step in enumerate(steps):
            if step.is_norm and not _is_output(step, steps[i + 1 :]):
                before = _last(row, PASSES_ON)
                if before and before.is_contraction and before.op.output == step.op.input:
                    _absorb(before, before.replaced + step.replaced)
                    continue
            if not _pads(step):
                before = _last(row, (*PASSES_ON, Flatten))
                if before and before.is_norm:
                    row.remove(before)
                    _absorb(step, before.replaced + step.replaced)
            row.append(step)
        return row

    def _opened(self, located: Located, place: _Place) -> Iterator[FoldStep]:
        """Yield the steps of a part, those in rows and scopes one by one."""
        match located.node:
            case Series():
                for part in located.parts:
                    yield from self._opened(part, place)
            case Scope(body=Series(children=())):
                yield FoldStep(located, place.scopes)
            case Scope():
                yield from self._opened(located.body, place.inside(located))
            case Repeat(count=count):
                turns = [self._body(located.body, place.at_turn(i)) for i in range(count)]
                yield FoldStep(walk.with_parts(located, (turns[0],)), place.scopes)
            case Parallel() as node:
                yield from self._merge(located, node, place)
            case Op() as op:
                name = place.full(located.name)
                yield FoldStep(located, place.scopes, name, (FoldedLayer(name, op),))

    def _merge(self, located: Located, node: Parallel, place: _Place) -> Iterator[FoldStep]:
        paths = [self._row(path, place) for path in located.parts]
        residual = node.residual
        if node.merge == "add":
            paths, residual = merged(paths, residual)
        if len(paths) == 1:
            yield from paths[0]
            return
        depth = len(place.scopes)
        like = located.parts[0]  # any path: all of them have the same input
        parts = tuple(self._rebuilt(path, like, depth) for path in paths)
        nodes = walk.nodes_of(parts)
        if nodes != node.paths:
            node = replace(node, paths=nodes, residual=residual, inplace=None)
        yield FoldStep(replace(located, node=node, parts=parts), place.scopes)

    def _rebuilt(self, steps: Sequence[FoldStep], like: Located, depth: int) -> Located:
        """Return steps in a row, those in scopes deeper than `depth` in these scopes again."""
        for step in steps:
            if step.is_changed:
                self.layers[step.name] = step.replaced
        return _row(steps, like, depth)


def _row(steps: Iterable[FoldStep], like: Located, depth: int) -> Located:
    parts: list[Located] = []
    for name, group in groupby(steps, lambda step: _scope(step, depth)):
        members = list(group)
        if name is None:
            parts += [step.located for step in members]
            continue
        scope = members[0].scopes[depth]
        body = _row(members, scope.body, depth + 1)
        node = Scope(body.node.input, body.node.output, body.node)
        parts.append(replace(scope, node=node, parts=(body,)))
    return walk.series(parts, like.node.input, like.span)


def _scope(step: FoldStep, depth: int) -> Name | None:
    return step.scopes[depth].name if len(step.scopes) > depth else None


# --- which layers are folded ---


def _last(row: Sequence[FoldStep], passed: tuple[type, ...]) -> FoldStep | None:
    """Return the last step of a row but for those that do nothing in evaluation."""
    return next((step for step in reversed(row) if not step.holds(*passed)), None)


def _is_output(step: FoldStep, following: Sequence[FoldStep]) -> bool:
    """Return whether the network returns what a layer leaves, under the layer's own name."""
    if not following or not following[0].holds(Output):
        return False
    layer = following[0].op.layer
    assert isinstance(layer, Output)
    return f"{step.name}.".startswith(f"{layer.name}.")


def _pads(step: FoldStep) -> bool:
    """Return whether a layer cannot do what a batch norm before it does."""
    if step.holds(Linear):
        return False
    layer = step.op.layer if step.is_conv else None
    return not (isinstance(layer, Conv) and layer.padding == (0, 0))


def _absorb(step: FoldStep, replaced: Folded) -> None:
    op = step.op
    layer = op.layer
    assert isinstance(layer, Conv | Linear | Upconv)
    biased = replace(layer, bias=True)
    step.located = replace(step.located, node=Op(op.input, op.output, biased, op.init))
    step.replaced = replaced
