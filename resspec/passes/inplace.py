"""The choice of activations and sums that write over their input: where that saves memory, and
nobody needs the input any more.
"""

from __future__ import annotations

from dataclasses import replace

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat
from resspec.ir.ops.activation import Activation
from resspec.ir.outputs import marked, unmarked

# What is known of the memory of a value that flows into a node.
NEEDED = 0  # by others that read it, or by the backward pass of what made it
PART = 1  # nobody needs it, but it lies in a larger tensor: writing over it saves nothing
OWN = 2


class UnsafeInplace(Exception):
    """`inplace=true` where the value is still needed; `spans` as nodes have them, in the order of
    the network.
    """

    def __init__(self, spans: tuple[str, ...]) -> None:
        super().__init__(", ".join(spans))
        self.spans = spans


def inplace(network: Network, decisions: Decisions | None = None) -> Network:
    """Return the network with every `inplace` decided, in time linear in the distinct nodes.
    `decisions`: those of networks that share nodes with it. Raises UnsafeInplace.
    """
    network = marked(network)
    decisions, memory, sections = decisions or Decisions(), NEEDED, []
    for section in network.sections:
        located, memory = decisions.node(section.located, memory)
        sections.append(replace(section, located=located))
    if decisions.unsafe:
        raise UnsafeInplace(tuple(decisions.unsafe))
    return unmarked(replace(network, sections=tuple(sections)))


class Decisions:
    """The decisions so far: a part is decided once for each memory of its input."""

    def __init__(self) -> None:
        self.unsafe: dict[str, None] = {}
        self._known: dict[tuple[Located, int], tuple[Located, int]] = {}
        self._made: dict[tuple[Located, Node], Located] = {}
        self._layers: dict[tuple[Activation, bool], Activation] = {}

    def node(self, located: Located, x: int) -> tuple[Located, int]:
        """Return the decided node at its place, and the memory of its output."""
        key = (located, x)
        if (known := self._known.get(key)) is None:
            known = self._known[key] = self._decide(located, x)
        return known

    def _decide(self, located: Located, x: int) -> tuple[Located, int]:
        node = located.node
        match node:
            case Op():
                return self._op(located, node, x)
            case Parallel(paths=(_, _, *_)):
                return self._merge(located, node), OWN
            case Repeat(count=count):
                x = self._all_turns(located.body, x, count)
        parts = []
        for part in located.parts:
            decided, x = self.node(part, x)
            parts.append(decided)
        if isinstance(node, Parallel):
            node = replace(node, inplace=False)
        return self._rebuilt(located, node, parts), x

    def _rebuilt(self, located: Located, node: Node, parts: list[Located]) -> Located:
        """Return a node with decided parts: one object for equal decisions."""
        node = walk.with_nodes(node, walk.nodes_of(parts))
        if node is located.node:
            return located
        key = (located, node)
        if (made := self._made.get(key)) is None:
            made = Located(node, located.span, tuple(parts), located.name, located.block)
            self._made[key] = made
        return made

    def _op(self, located: Located, op: Op, x: int) -> tuple[Located, int]:
        layer = op.layer
        match layer.output:
            case "new":
                y = OWN
            case "same":
                y = x
            case _:
                y = min(x, PART)
        decided = layer
        if isinstance(layer, Activation):
            by_default = layer.inplace_by_default
            decision = self._decision(layer.inplace, x, located.span, by_default=by_default)
            decided = self._layer(layer, decision)
            op = Op(op.input, op.output, decided, op.init)
            located = self._rebuilt(located, op, [])
            y = x if decision else y
        return located, NEEDED if decided.saves_output else y

    def _layer(self, layer: Activation, decision: bool) -> Activation:
        key = (layer, decision)
        if key not in self._layers:
            self._layers[key] = replace(layer, inplace=decision)
        return self._layers[key]

    def _merge(self, located: Located, node: Parallel) -> Located:
        """Decide a merge: all paths read the input, so none may write over it; a sum may, over what
        its first path leaves.
        """
        decided = [self.node(path, NEEDED) for path in located.parts]
        is_sum, first = node.merge == "add", decided[0][1]
        inplace = is_sum and self._decision(node.inplace, first, located.span)
        if inplace != node.inplace:
            node = replace(node, inplace=inplace)
        return self._rebuilt(located, node, [path for path, _ in decided])

    def _decision(self, asked: bool | None, x: int, span: str, by_default: bool = True) -> bool:
        if asked is None:
            return by_default and x == OWN
        if asked and x == NEEDED:
            self.unsafe[span] = None
        return asked

    def _all_turns(self, body: Located, x: int, count: int) -> int:
        """Return what is known of a repeat's input at each of its turns: all but the first read
        what the body leaves.
        """
        for _ in range(count - 1):
            lower = min(x, self.node(body, x)[1])
            if lower == x:
                break
            x = lower
        return x
