"""From a graph to a network: the tree of its steps, in scopes that are its modules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from resspec.collector import paused
from resspec.importing import names
from resspec.importing.carried import carried
from resspec.importing.decompose import decompose
from resspec.importing.errors import Unimportable
from resspec.importing.graph import Graph, ModulePath, entering, tidy
from resspec.importing.modules import Joined, Module, Modules, Row, last
from resspec.importing.names import Names
from resspec.importing.obstacles import found_in
from resspec.importing.padded import with_padded_sums
from resspec.ir import walk
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Merge, Node, Op, Parallel, Scope
from resspec.ir.ops import Layer
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.conv import Fc
from resspec.ir.shape import Name, Shape
from resspec.passes.inplace import inplace


@paused()
def network(graph: Graph, *, again: list[int] | None = None, carries: bool = False) -> Network:
    """Return the network of a graph.

    Args:
        graph: The graph.
        again: A list if steps without parameters may be computed twice where branches cross; the
            numbers of those that are go into it.
        carries: Whether values on branches that cross may be carried in one: see `carried.py`.

    Returns:
        The network, repeats written out, without initial values.

    Raises:
        Unimportable: No network computes what the graph does.
    """
    graph = with_padded_sums(tidy(graph))
    decomposed = decompose(graph, twice=again is not None)
    if carries and decomposed.crossings:
        graph = carried(graph, decomposed)
        decomposed = decompose(graph)
    if obstacles := list(found_in(graph, decomposed)):
        raise Unimportable(graph.name, obstacles)
    if again is not None:
        again += decomposed.again
    modules = Modules(graph)
    row = modules.row(decomposed.pieces)
    outputs = decomposed.outputs if len(decomposed.outputs) > 1 else []
    nesting = _Nesting(graph, modules, outputs)
    located = nesting.row(row, (), graph.input, on_main_chain=True)
    section = Section("head", "head", located, "")
    output, points = located.node.output, tuple(nesting.points)
    return inplace(Network(graph.name, graph.input, output, (section,), "", points))


class _Nesting:
    """The rows of modules as rows of nodes.

    Attributes:
        points: The names of the outputs, in the order in which they run.
    """

    def __init__(self, graph: Graph, modules: Modules, outputs: Iterable[int]) -> None:
        self.graph = graph
        self.visits = modules.visits
        self.names = Names(graph)
        self.outputs = set(outputs)
        self.points: list[str] = []
        self._layers: dict[Node, int] = {}

    def row(self, row: Row, path: ModulePath, x: Shape, *, on_main_chain: bool = False) -> Located:
        """Return the steps of a row in a module, and the shape that enters them."""
        parts: list[Located] = []
        entered = x
        for i, item in enumerate(row):
            is_point = on_main_chain and self._is_point(item)
            match item:
                case Module():
                    part = self._module(item, entered, on_main_chain=on_main_chain)
                case Joined():
                    part = self._merge(item, path, entered)
                case step:
                    part = self._layer(step, path, row[i + 1 : i + 2])
            parts.append(part)
            if is_point:
                parts += self._point(part, path)
            entered = part.node.output
        return walk.series(parts, x, parts[0].span if parts else "")

    # --- outputs ---

    def _is_point(self, item: int | Joined | Module) -> bool:
        """Return whether an output that has no name yet is the value of this step."""
        if isinstance(item, Module) and self.visits[item.path] > 1:
            return False
        step = last(item)
        if step not in self.outputs:
            return False
        self.outputs.remove(step)
        return True

    def _point(self, part: Located, path: ModulePath) -> list[Located]:
        """Note the name of an output; what has no name gets an identity behind it."""
        behind = []
        if part.name is None:
            y = part.node.output
            name = self.names.next("identity", path)
            part = Located(Op(y, y, Identity()), part.span, (), name)
            behind.append(part)
        assert part.name is not None
        self.points.append(".".join([*path, part.name.at()]))
        return behind

    # --- nodes ---

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

    def _module(self, module: Module, x: Shape, *, on_main_chain: bool) -> Located:
        outputs = len(self.points)
        body = self.row(module.row, module.path, x, on_main_chain=on_main_chain)
        is_block = self.visits[module.path] == 1 and len(self.points) == outputs
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
