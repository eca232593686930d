"""The IR as a tree of torch modules: rows are `nn.Sequential`, what is more is interpreted."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from resspec.backends import layers
from resspec.backends.errors import need_no_placeholder
from resspec.diagnostics import UsageError
from resspec.ir import walk
from resspec.ir.init import Init
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel
from resspec.ir.ops import Layer
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.factors import LearnedOperand
from resspec.ir.ops.layer import plain
from resspec.ir.outputs import Output, has_output, whole
from resspec.ir.shape import Shape
from resspec.passes.receptive import feature_info

Step = str | None | tuple[str, Any, tuple[Any, ...]]
Steps = tuple[Step, ...]
Children = dict[str, nn.Module | nn.Parameter]


def build(network: Network) -> nn.Module:
    """Return a module from NxCxHxW to the network's output, with parameters named as in the IR.

    It is on torch's default device and in its default type. Weights start as torch's constructors
    do; then, in the order of `modules()`, the spec's initializers are applied.

    Raises:
        UsageError: The argument is not a network, or it has placeholders.
    """
    if not isinstance(network, Network):
        raise UsageError(
            "a module is built from a network, as returned by resspec.load, "
            f"not from {network!r:.80}"
        )
    need_no_placeholder(network)
    builder = _Builder()
    if network.outputs:
        module: nn.Module = builder.outputs(network)
    else:
        module = builder.scope(network.name, [(walk.whole(network), None)])
    for child in module.modules():
        if child in builder.inits:
            _initialize(child, builder.inits[child])
    return module


class Flow(nn.Module):
    """A module that runs its children as plain data says.

    A step is the name of a child; None, which flattens; `("within", child, steps)`, which runs
    steps of a child; `("*" | "+", parameter, dims)`, a parameter of its own viewed with these axes;
    `("output", name, ())`, which keeps the value under a name; or a merge of paths, themselves
    steps: `("add" | "add_" | "mul", None, paths)` or `("concat", axis, paths)`.
    """

    def __init__(self, kind: str, children: Children, steps: Steps) -> None:
        super().__init__()
        self.__kind__ = kind  # such names no child has: the language leaves them to Python
        self.__steps__ = steps
        _register(self, children)

    def forward(self, x: Tensor) -> Tensor:
        return run_steps(self, self.__steps__, x)

    def _get_name(self) -> str:
        return self.__kind__


def _register(module: nn.Module, children: Children) -> None:
    for name, child in children.items():
        if isinstance(child, nn.Parameter):
            module.register_parameter(name, child)
        else:
            module.add_module(name, child)


class Backbone(Flow):
    """A module that returns a dict of the values of its outputs, in the order in which they run.

    Attributes:
        feature_info: For each output its channels, its reduction and its name, as in timm.
    """

    def __init__(
        self,
        kind: str,
        children: Children,
        steps: Steps,
        feature_info: list[dict[str, Any]],
    ) -> None:
        super().__init__(kind, children, steps)
        self.feature_info = feature_info

    def forward(self, x: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        found: dict[str, Tensor] = {}
        run_steps(self, self.__steps__, x, found)
        return found


def run_steps(
    module: nn.Module, steps: Steps, x: Tensor, outputs: dict[str, Tensor] | None = None
) -> Tensor:
    """Return the result of steps of a Flow: all of them, or those of one of its paths. Outputs are
    added to `outputs`.
    """
    for step in steps:
        if isinstance(step, str):
            x = getattr(module, step)(x)
        elif step is None:
            x = torch.flatten(x, 1)
        elif step[0] == "within":
            x = run_steps(getattr(module, step[1]), step[2], x, outputs)
        elif step[0] == "output":
            assert outputs is not None
            outputs[step[1]] = x
        elif step[0] in ("*", "+"):
            tensor = getattr(module, step[1])
            operand = tensor.view(step[2]) if step[2] else tensor
            x = x * operand if step[0] == "*" else x + operand
        else:
            x = _merged(step[0], step[1], [run_steps(module, path, x) for path in step[2]])
    return x


def _merged(merge: str, axis: int, values: list[Tensor]) -> Tensor:
    if merge == "concat":
        return torch.cat(values, axis)
    result = values[0]
    for value in values[1:]:
        if merge == "add_":
            result += value
        elif merge == "add":
            result = result + value
        else:
            result = result * value
    return result


def _initialize(module: nn.Module, init: Init) -> None:
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    if weight is not None and init.law != "default":
        arguments = {
            "val" if name == "value" else name: value if isinstance(value, str) else float(value)
            for name, value in init.arguments
        }
        getattr(nn.init, f"{init.law}_")(weight, **arguments)
    if bias is not None and init.bias is not None:
        nn.init.constant_(bias, float(init.bias))


# --- a scope's contents, repeats written out ---


class _Leaf(NamedTuple):
    name: str | None
    layer: Layer
    op: Op


class _Inner(NamedTuple):
    name: str
    kind: str
    rows: list[_Row]


class _Fork(NamedTuple):
    node: Parallel
    paths: list[list[_Part]]


_Part = _Leaf | _Inner | _Fork
_Row = tuple[Located, int | None]  # a scope's body, and the turn of the nearest repeat around it


def _contents(rows: Iterable[_Row]) -> list[_Part]:
    return _parts(step for body, turn in rows for step in walk.unrolled(body, (), turn))


def _parts(steps: Iterable[walk.Step]) -> list[_Part]:
    return walk.joined(map(_part, steps), _inner_name, _together)


def _part(step: walk.Step) -> _Part:
    match step.node:
        case Op() as op:
            return _Leaf(step.name, step.layer, op)
        case Parallel() as node:
            return _Fork(node, [_parts(path) for path in step.paths])
        case _:
            name = step.name or ""
            return _Inner(name, step.located.block or name, [(step.located.body, step.turn)])


def _inner_name(part: _Part) -> str | None:
    return part.name if isinstance(part, _Inner) else None


def _together(first: _Part, second: _Part) -> _Part:
    """Return neighbors of one scope, which only repeats that are written out can leave, as one."""
    assert isinstance(first, _Inner) and isinstance(second, _Inner)
    return first._replace(rows=first.rows + second.rows)


def _leads(inner: _Inner) -> bool:
    """Return whether there is an output in a scope, which is then run step by step."""
    return any(has_output(body) for body, _ in inner.rows)


def _inners(parts: Iterable[_Part]) -> Iterator[_Inner]:
    for part in parts:
        if isinstance(part, _Inner):
            yield part
        elif isinstance(part, _Fork):
            for path in part.paths:
                yield from _inners(path)


# --- contents to modules ---


class _Builder:
    def __init__(self) -> None:
        self.inits: dict[nn.Module, Init] = {}

    def scope(self, kind: str, rows: list[_Row]) -> nn.Module:
        children: Children = {}
        (steps,) = self._fill(children, [_contents(rows)])
        if steps == tuple(children):
            return nn.Sequential(OrderedDict(children))  # type: ignore[arg-type]
        return Flow(kind, children, steps)

    def outputs(self, network: Network) -> Backbone:
        """Return the module of a network with outputs."""
        children: Children = {}
        (steps,) = self._fill(children, [_contents([(whole(network), None)])])
        return Backbone(network.name, children, steps, feature_info(network))

    def _fill(self, children: Children, places: list[list[_Part]]) -> list[Steps]:
        """Make the children of a scope that is entered at several places; return their steps."""
        visits = defaultdict[str, list[_Inner]](list)
        for parts in places:
            for inner in _inners(parts):
                visits[inner.name].append(inner)
        entered: dict[str, Iterator[Steps]] = {}

        def steps(parts: list[_Part]) -> Iterator[Step]:
            for part in parts:
                match part:
                    case _Leaf(name=None, layer=Identity()):
                        pass
                    case _Leaf(layer=Output(name=name)):
                        yield "output", name, ()
                    case _Leaf(name=None):
                        assert isinstance(part.layer, Flatten), part.op
                        yield None
                    case _Leaf(name=str(name), layer=LearnedOperand() as layer):
                        x = part.op.input
                        children[name] = _parameter(layer, x)
                        yield layer.operator, name, (-1, 1, 1) if layer.is_viewed(x) else ()
                    case _Leaf(name=str(name)):
                        children[name] = self._layer(part)
                        yield name
                    case _Inner(name, kind, rows) if len(visits[name]) == 1 and not _leads(part):
                        children[name] = self.scope(kind, rows)
                        yield name
                    case _Inner(name):
                        if name not in entered:
                            entered[name] = self._shared(children, name, visits[name])
                        yield "within", name, next(entered[name])
                    case _Fork(node, paths):
                        word = "add_" if node.merge == "add" and node.inplace else node.merge
                        axis = (-1 if node.output.last else 1) if node.merge == "concat" else None
                        yield word, axis, tuple(tuple(steps(path)) for path in paths)

        return [tuple(steps(parts)) for parts in places]

    def _shared(self, children: Children, name: str, visits: list[_Inner]) -> Iterator[Steps]:
        """Make a scope that runs at several places; yield the steps of each place.

        The module only holds its children.
        """
        inside: Children = {}
        steps = self._fill(inside, [_contents(visit.rows) for visit in visits])
        container = children[name] = nn.Module()
        _register(container, inside)
        return iter(steps)

    def _layer(self, leaf: _Leaf) -> nn.Module:
        call = leaf.layer.call(leaf.op.input)
        owner = layers if hasattr(layers, call.module) else nn
        module: nn.Module = getattr(owner, call.module)(*call.args.values(), **call.kwargs)
        if leaf.op.init is not None:
            self.inits[module] = leaf.op.init
        return module


def _parameter(layer: LearnedOperand, x: Shape) -> nn.Parameter:
    return nn.Parameter(torch.full(layer.dims(x), plain(layer.init_value)))
