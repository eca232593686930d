"""The data flow of a network, from its IR and from the lines of its drawing.

A step is identified by its name and its inputs, so that equal flows have equal steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

from resspec.backends.draw.shapes import Drawing, Join, PlacedBox, PlacedOutput, Point, Wire
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope
from resspec.ir.outputs import Output, marked

Flow = Counter[tuple[str, tuple[int, ...]]]  # of steps, with the numbers of what they read


class Steps:
    """Numbers steps: equal ones equally."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}
        self.flow: Flow = Counter()

    def add(self, name: str, reads: Iterable[int]) -> int:
        key = name, tuple(sorted(reads))
        self.flow[key] += 1
        return self.numbers.setdefault(key, len(self.numbers))


def of_network(network: Network, numbers: dict[Hashable, int]) -> Flow:
    """Every layer but identities, by its full name, every merge and every output."""
    steps = Steps()
    steps.numbers = numbers
    x = steps.add("input", ())
    for section in marked(network).sections:
        x = _through(section.located, x, steps, "", ())
    return steps.flow


def _through(located: Located, x: int, steps: Steps, scope: str, turns: tuple[int, ...]) -> int:
    name = located.name
    match located.node:
        case Op(layer=Output(name=output)):
            steps.add(f"output {output}", (x,))
            return x
        case Op(layer=layer):
            if layer.kind == "identity":
                return x
            own = f"{scope}{name.at(*turns)}" if name else scope.rstrip(".") or layer.kind
            return steps.add(own, (x,))
        case Repeat(count=count):
            for turn in range(count):
                x = _through(located.body, x, steps, scope, (*turns, turn))
            return x
        case Scope():
            assert name is not None
            return _through(located.body, x, steps, f"{scope}{name.at(*turns)}.", ())
        case Parallel(merge=merge, paths=(_, _, *_)):
            reads = [_through(path, x, steps, scope, turns) for path in located.parts]
            return steps.add(f"({merge})", reads)
        case _:
            for part in located.parts:
                x = _through(part, x, steps, scope, turns)
            return x


def of_drawing(drawing: Drawing, column: int, numbers: dict[Hashable, int]) -> Flow:
    """Follow the lines of a drawing back from each box. Every line must connect two steps."""
    steps = Steps()
    steps.numbers = numbers
    nodes: list[PlacedBox | Join] = [box for box in drawing.of(PlacedBox) if box.column == column]
    nodes += [join for join in drawing.of(Join) if join.column == column]
    left, right = min(map(_left, nodes)), max(map(_right, nodes)) + 100
    wires = [wire for wire in drawing.of(Wire) if all(left <= x <= right for x, _ in wire.points)]
    exits = {_exit(node): node for node in nodes}
    into: dict[Point, list[Wire]] = {}
    for wire in wires:
        into.setdefault(wire.points[-1], []).append(wire)
    known: dict[int, int] = {}
    used: set[Wire] = set()

    def step(node: PlacedBox | Join) -> int:
        if id(node) not in known:
            if isinstance(node, PlacedBox):
                x, y = node.x + node.width / 2, node.y
                found, name = into.get((x, y), []), (node.box.names or ("",))[0] or node.box.label
                if node.box.kind == "input":
                    name = "input"
            else:
                (x, y), name = node.center, f"({node.branch.merge})"
                found = [*into.get((x, y - 6.5), []), *into.get((x + 6.5, y), [])]
            known[id(node)] = steps.add(name, [source(wire) for wire in found])
        return known[id(node)]

    def source(wire: Wire) -> int:
        used.add(wire)
        start = wire.points[0]
        if start in exits:
            return step(exits[start])
        (through,) = [other for other in wires if other != wire and _passes(other, start)][:1]
        return source(through)

    for node in sorted(nodes, key=lambda node: _exit(node)[1]):
        step(node)
    for output in drawing.of(PlacedOutput):
        if output.column == column:
            (leads,) = into[output.x - 4, output.y]
            steps.add(f"output {output.name}", (source(leads),))
    assert used == set(wires), "a line that leads nowhere"
    return steps.flow


def _passes(wire: Wire, point: Point) -> bool:
    """Return whether a line comes from above to a point: it ends there, or goes on straight through it."""
    if wire.points[-1] == point:
        return True
    (x, top), (x2, bottom) = wire.points[:2]
    return len(wire.points) == 2 and x == x2 == point[0] and top < point[1] < bottom


def _exit(node: PlacedBox | Join) -> Point:
    if isinstance(node, PlacedBox):
        return node.x + node.width / 2, node.y + node.height
    return node.center[0], node.center[1] + 6.5


def _left(node: PlacedBox | Join) -> float:
    return node.x if isinstance(node, PlacedBox) else node.center[0]


def _right(node: PlacedBox | Join) -> float:
    return node.x + node.width if isinstance(node, PlacedBox) else node.center[0]
