"""From a graph to a network: the tree of its steps, in scopes that are its modules."""

from __future__ import annotations

from collections.abc import Sequence

from resspec.importing import names
from resspec.importing.decompose import decompose
from resspec.importing.graph import Graph, ModulePath, entering
from resspec.importing.modules import Joined, Module, Modules, Row
from resspec.importing.names import Names
from resspec.ir import walk
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Merge, Node, Op, Parallel, Scope
from resspec.ir.ops import Layer
from resspec.ir.ops.arrange import Flatten
from resspec.ir.ops.conv import Fc
from resspec.ir.shape import Name, Shape


def network(graph: Graph, *, twice: bool = False) -> Network:
    """Return the network of a graph.

    Args:
        graph: The graph.
        twice: Whether steps without parameters may be computed twice where that makes a network
            that the language can say.

    Returns:
        The network, repeats written out, without initial values.
    """
    decomposed = decompose(graph, twice=twice)
    modules = Modules(graph)
    row = modules.row(decomposed.pieces)
    located = _Nesting(graph, modules).row(row, (), graph.input)
    section = Section("head", "head", located, "")
    return Network(graph.name, graph.input, located.node.output, (section,), "")


class _Nesting:
    def __init__(self, graph: Graph, modules: Modules) -> None:
        self.graph = graph
        self.visits = modules.visits
        self.names = Names(graph)
        self._layers: dict[Node, int] = {}

    def row(self, row: Row, path: ModulePath, x: Shape) -> Located:
        """Return the steps of a row in a module, and the shape that enters them."""
        parts: list[Located] = []
        entered = x
        for i, item in enumerate(row):
            match item:
                case Module():
                    part = self._module(item, entered)
                case Joined():
                    part = self._merge(item, path, entered)
                case step:
                    part = self._layer(step, path, row[i + 1 :][:1])
            parts.append(part)
            entered = part.node.output
        return walk.series(parts, x, parts[0].span if parts else "")

    def _layer(self, step: int, path: ModulePath, behind: Row) -> Located:
        found = self.graph.steps[step]
        assert isinstance(found.does, Layer)
        op = Op(entering(self.graph, step), found.output, found.does)
        is_implied = isinstance(found.does, Flatten) and self._begins_with_fc(behind)
        name = None if is_implied else self.names.of_step(step, path)
        return Located(op, found.place, (), name)

    def _begins_with_fc(self, row: Row) -> bool:
        """Return whether a row begins with `fc`, which the language flattens for."""
        match row[:1]:
            case [Module(row=inside)]:
                return self._begins_with_fc(inside)
            case [int() as step]:
                return isinstance(self.graph.steps[step].does, Fc)
            case _:
                return False

    def _module(self, module: Module, x: Shape) -> Located:
        body = self.row(module.row, module.path, x)
        is_block = self.visits[module.path] == 1
        block = names.block(self.graph.classes.get(module.path)) if is_block else None
        node = Scope(body.node.input, body.node.output, body.node)
        return Located(node, body.span, (body,), Name.parse(module.path[-1]), block)

    def _merge(self, merge: Joined, path: ModulePath, x: Shape) -> Located:
        found = self.graph.steps[merge.step]
        assert isinstance(found.does, str)
        paths = tuple(self.row(each, path, x) for each in merge.paths)
        nodes = walk.nodes_of(paths)
        output = _merged(found.does, [node.output for node in nodes])
        residual = self._residual(found.does, nodes)
        inplace = False if residual == 1 else None
        node = Parallel(x, output, found.does, nodes, residual, inplace)
        return Located(node, found.place, paths)

    def _residual(self, merge: Merge, paths: Sequence[Node]) -> int | None:
        """Return which of two paths is F in F + h: the one with more layers."""
        if merge != "add" or len(paths) != 2:
            return None
        first, second = (walk.fold(path, _layers, self._layers) for path in paths)
        if first == second:
            return None
        return 0 if first > second else 1


def _layers(node: Node, parts: list[int]) -> int:
    """Return how many layers with weights a node has."""
    return int(node.layer.weighted) if isinstance(node, Op) else sum(parts)


def _merged(merge: Merge, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a merge of values with these shapes."""
    if merge == "concat":
        return shapes[0].with_channels(sum(shape.channels for shape in shapes))
    return max(shapes, key=lambda shape: shape.elements)
