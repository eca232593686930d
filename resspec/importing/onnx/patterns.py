"""Operations that exporters write as several nodes: each becomes one node again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import isclose

from resspec.importing.onnx.model import OnnxModel
from resspec.importing.onnx.node import OnnxNode

SWISH, MISH, GELU, LINEAR = "Swish", "Mish", "Gelu", "Linear"


def joined(model: OnnxModel) -> list[OnnxNode]:
    """Return the nodes of a model, those that belong together as one."""
    found = _Joining(model)
    return [node for node in map(found.node, model.nodes) if node is not None]


class _Joining:
    def __init__(self, model: OnnxModel) -> None:
        self.tensors = model.tensors
        self.numbers = model.numbers
        self.makers = {name: node for node in model.nodes for name in node.outputs}
        self.uses = Counter(name for node in model.nodes for name in node.inputs)
        self.uses.update(model.outputs)
        self.inside: set[str] = set()  # outputs of nodes that are part of another one
        self.instead: dict[str, OnnxNode] = {}
        for node in model.nodes:
            self._look(node)

    def node(self, node: OnnxNode) -> OnnxNode | None:
        """Return what a node is now."""
        if not node.outputs or node.outputs[0] in self.inside:
            return None
        return self.instead.get(node.outputs[0], node)

    def _look(self, node: OnnxNode) -> None:
        if node.kind not in ("Mul", "Add") or len(node.inputs) != 2:
            return
        looks = self._factors if node.kind == "Mul" else self._sum
        for a, b in (node.inputs, node.inputs[::-1]):
            looks(node, a, b)

    def _factors(self, node: OnnxNode, x: str, other: str) -> None:
        """Look for `x * sigmoid(x)`, `x * tanh(softplus(x))`, and GELU by its error function."""
        match self._chain(other):
            case [OnnxNode(kind="Sigmoid") as sigmoid, *_] if sigmoid.inputs[:1] == (x,):
                self._join(node, SWISH, x, [sigmoid])
            case [OnnxNode(kind="Tanh") as tanh, OnnxNode(kind="Softplus") as inner, *_] if (
                inner.inputs[:1] == (x,)
            ):
                self._join(node, MISH, x, [tanh, inner])
            case [OnnxNode(kind="Mul") as half, OnnxNode(kind="Add") as one, *rest] if self._is(
                node, x, 0.5
            ):
                self._gelu(node, half, one, rest)

    def _gelu(
        self, node: OnnxNode, product: OnnxNode, one: OnnxNode, rest: Sequence[OnnxNode]
    ) -> None:
        """Look for `0.5 * (x * (erf(x / sqrt(2)) + 1))`."""
        match rest:
            case [OnnxNode(kind="Erf") as erf, OnnxNode(kind="Div") as div, *_]:
                x = div.inputs[0]
                is_whole = x in product.inputs and self._near(div.inputs[1:], 2**0.5)
                if is_whole and any(self._near([each], 1) for each in one.inputs):
                    self._join(node, GELU, x, [product, one, erf, div])

    def _sum(self, node: OnnxNode, bias: str, other: str) -> None:
        """Look for the product and the bias of a linear layer."""
        match self._chain(other):
            case [OnnxNode(kind="MatMul") as product, *_] if (
                bias in self.tensors and product.inputs[1:] and product.inputs[1] in self.tensors
            ):
                if len(self.tensors[bias].dims) == 1:
                    inputs = (*product.inputs, bias)
                    self.inside.add(product.outputs[0])
                    self.instead[node.outputs[0]] = replace(
                        product, kind=LINEAR, inputs=inputs, outputs=node.outputs
                    )

    def _chain(self, value: str) -> list[OnnxNode]:
        """Return up to four nodes that led to a value, each read once, by their first inputs that
        are computed.
        """
        found: list[OnnxNode] = []
        while len(found) < 4 and value in self.makers and self.uses[value] == 1:
            node = self.makers[value]
            found.append(node)
            computed = [name for name in node.inputs if self.uses[name] == 1]
            value = next((name for name in computed if name in self.makers), "")
        return found

    def _join(self, node: OnnxNode, kind: str, x: str, inner: Sequence[OnnxNode]) -> None:
        self.inside.update(each.outputs[0] for each in inner)
        first = inner[0]
        self.instead[node.outputs[0]] = replace(
            first, kind=kind, inputs=(x,), outputs=node.outputs, attributes={}
        )

    def _is(self, node: OnnxNode, value: str, wanted: float) -> bool:
        return self._near([value], wanted) and len(node.inputs) == 2

    def _near(self, values: Sequence[str], wanted: float) -> bool:
        number = self.numbers.get(values[0]) if values else None
        return (
            number is not None and number.size == 1 and isclose(number.item(), wanted, rel_tol=1e-6)
        )
