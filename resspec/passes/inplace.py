"""Which activations and sums write over their input: where that saves memory, and nobody needs the input any more."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.activation import Activation


class UnsafeInplace(Exception):
    """`inplace=true` where the value is still needed; `spans` as nodes have them, in the order of the network."""

    def __init__(self, spans: tuple[str, ...]) -> None:
        super().__init__(", ".join(spans))
        self.spans = spans


def inplace(network: Network, decisions: Decisions | None = None) -> Network:
    """The network with every `inplace` decided, in time linear in the distinct nodes. `decisions`: those of networks that
    share nodes with it. Raises UnsafeInplace."""
    decisions, memory, sections = decisions or Decisions(), Memory.NEEDED, []
    decisions.networks.append(network)
    for section in network.sections:
        body, memory = decisions.node(section.body, memory)
        sections.append(section.changed(body=body))
    if decisions.unsafe:
        raise UnsafeInplace(tuple(decisions.unsafe))
    return network.changed(sections=tuple(sections))


class Memory(IntEnum):
    """What is known of the memory of a value that flows into a node."""

    NEEDED = 0  # by others that read it, or by the backward pass of what made it
    PART = (
        1  # nobody needs it, but it lies in a larger tensor, so that writing over it saves nothing
    )
    OWN = 2


class Decisions:
    """A shared subtree is decided once for each memory of its input. `networks`: so that no node goes away."""

    def __init__(self) -> None:
        self.networks: list[Network] = []
        self.unsafe: dict[str, None] = {}
        self._known: dict[tuple[int, Memory], tuple[Node, Memory]] = {}
        self._layers: dict[tuple[Activation, bool], Activation] = {}

    def node(self, node: Node, x: Memory) -> tuple[Node, Memory]:
        """The decided node, and the memory of its output."""
        if isinstance(node, Op):
            return self._op(node, x)
        key = (id(node), x)
        if key not in self._known:
            self._known[key] = self._decide(node, x)
        return self._known[key]

    def _decide(self, node: Series | Parallel | Repeat | Scope, x: Memory) -> tuple[Node, Memory]:
        match node:
            case Series(children=children):
                decided = []
                for child in children:
                    after, x = self.node(child, x)
                    decided.append(after)
                return Series(
                    input=node.input, output=node.output, span=node.span, children=tuple(decided)
                ), x
            case Parallel(paths=(path,)):
                path, y = self.node(path, x)
                return node.changed(paths=(path,), inplace=False), y
            case Parallel():
                return self._merge(node), Memory.OWN
            case Repeat(count=count, body=body):
                body, y = self.node(body, self._all_turns(body, x, count))
                return node.changed(body=body), y
            case Scope(body=body):
                body, y = self.node(body, x)
                return node.changed(body=body), y

    def _op(self, op: Op, x: Memory) -> tuple[Op, Memory]:
        layer = op.layer
        y = (
            Memory.OWN
            if layer.output == "new"
            else x
            if layer.output == "same"
            else min(x, Memory.PART)
        )
        if isinstance(layer, Activation):
            decision = self._decision(
                layer.inplace, x, op.span, by_default=layer.inplace_by_default
            )
            layer = self._layer(layer, decision)
            op = Op(
                input=op.input,
                output=op.output,
                span=op.span,
                name=op.name,
                layer=layer,
                init=op.init,
            )
            y = x if decision else y
        return op, Memory.NEEDED if layer.saves_output else y

    def _layer(self, layer: Activation, decision: bool) -> Activation:
        key = (layer, decision)
        if key not in self._layers:
            self._layers[key] = replace(layer, inplace=decision)
        return self._layers[key]

    def _merge(self, node: Parallel) -> Parallel:
        """All paths read the input, so none may write over it; a sum may, over what its first path leaves."""
        paths, memories = zip(*(self.node(path, Memory.NEEDED) for path in node.paths), strict=True)
        decision = node.merge == "add" and self._decision(node.inplace, memories[0], node.span)
        return node.changed(paths=paths, inplace=decision)

    def _decision(self, asked: bool | None, x: Memory, span: str, by_default: bool = True) -> bool:
        if asked is None:
            return by_default and x is Memory.OWN
        if asked and x is Memory.NEEDED:
            self.unsafe[span] = None
        return asked

    def _all_turns(self, body: Node, x: Memory, count: int) -> Memory:
        """What is known of a repeat's input at each of its turns: all but the first read what the body leaves."""
        for _ in range(count - 1):
            lower = min(x, self.node(body, x)[1])
            if lower == x:
                break
            x = lower
        return x
