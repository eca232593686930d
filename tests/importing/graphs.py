"""What a graph computes, by torch's modules alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from resspec.backends import layers
from resspec.importing.graph import Graph, Step
from resspec.importing.lift.lift import lift
from resspec.importing.record.run import record
from resspec.ir.ops import Layer
from resspec.ir.ops.factors import GainOp, LearnedOperand
from resspec.ir.ops.layer import tensor_name
from resspec.ir.shape import Shape


def evaluated(graph: Graph, tensors: dict[str, Tensor], x: Tensor) -> list[Tensor]:
    """Return the outputs of a graph with these parameters and buffers, in evaluation."""
    values: dict[int, Tensor] = {-1: x}
    for index, step in enumerate(graph.steps):
        inputs = [values[each] for each in step.inputs]
        shape = graph.input if step.inputs[0] == -1 else graph.steps[step.inputs[0]].output
        values[index] = _value(step, shape, tensors, inputs)
        assert values[index].shape[1:] == step.output.dims, step
    return [values[index] for _, index in graph.outputs]


def names(graph: Graph) -> set[str]:
    """Return the names of all parameters and buffers."""
    found = set()
    for step in graph.steps:
        if isinstance(step.does, Layer):
            shape = graph.input if step.inputs[0] == -1 else graph.steps[step.inputs[0]].output
            tensors = step.does.parameters(shape) | step.does.buffers(shape)
            found |= {tensor_name(".".join(step.path), name) for name in tensors}
    return found


def _value(step: Step, shape: Any, tensors: dict[str, Tensor], inputs: list[Tensor]) -> Tensor:
    match step.does:
        case "add":
            return torch.add(*inputs)
        case "mul":
            return inputs[0] * inputs[1]
        case "concat":
            return torch.cat(inputs, -1 if step.output.last else 1)
        case LearnedOperand() as operand:
            tensor = tensors[".".join(step.path)]
            if operand.is_viewed(shape):
                tensor = tensor.view(-1, 1, 1)
            return inputs[0] * tensor if isinstance(operand, GainOp) else inputs[0] + tensor
        case _ as layer:
            assert isinstance(layer, Layer)
            module = module_of_layer(layer, shape)
            prefix = f"{'.'.join(step.path)}."
            own = {name: tensors[prefix + name] for name in module.state_dict()}
            module.load_state_dict(own, assign=True)
            result: Tensor = module.eval()(inputs[0])
            return result


def module_of_layer(layer: Layer, shape: Any) -> nn.Module:
    """Return the module that computes a layer, without numbers."""
    call = layer.call(shape)
    made = getattr(layers, call.module, None) or getattr(nn, call.module)
    with torch.device("meta"):
        module: nn.Module = made(*call.args.values(), **call.kwargs)
    return module


def assert_lifted(module: nn.Module, shape: Shape, *, all_used: bool = True) -> None:
    """The graph of a module computes the same bits and has the same parameters."""
    module.eval()
    generator = torch.Generator().manual_seed(1)
    tensors = {
        name: _random(tensor, generator)
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }
    counters = {n: t for n, t in module.state_dict().items() if n not in tensors}
    module.load_state_dict(tensors | counters)
    x = torch.rand(2, *shape.dims, generator=generator)
    with torch.no_grad():
        expected = module(x)
    graph = lift(record(module, shape), "net")
    with torch.no_grad():
        (found,) = evaluated(graph, tensors | counters, x)
    assert names(graph) <= set(tensors | counters)
    assert not all_used or names(graph) == set(tensors | counters)
    assert expected.isfinite().all()
    assert torch.equal(found, expected)


def _random(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Return numbers that keep the values of a deep network finite."""
    if tensor.dim() > 1:
        return torch.randn(tensor.shape, generator=generator).div(tensor[0].numel() ** 0.5)
    return 0.5 + torch.rand(tensor.shape, generator=generator)
