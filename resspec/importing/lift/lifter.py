"""The graph while it is made: steps are added to it, with the paths of their modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resspec.importing.graph import INPUT, ModulePath, Step
from resspec.importing.lift.arranged import Arranged, plain
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.settling import layers_of
from resspec.importing.lift.weights import Padded
from resspec.importing.trace import Called, Weight
from resspec.ir.nodes import Merge
from resspec.ir.ops.layer import Layer, ShapeError
from resspec.ir.shape import Shape

# Lifts a call of one function: it takes what torch's takes, behind the lifter
Handler = Callable[..., Any]


class Lifter:
    """The steps so far, and the call that is being lifted.

    Attributes:
        input: The shape of one sample.
        classes: The name of each module's class, by its path.
        steps: The steps.
        visits: For each of them, the number of the call of its module.
        call: The call that is being lifted.
    """

    def __init__(self, input: Shape, classes: Mapping[ModulePath, str]) -> None:
        self.input = input
        self.classes = classes
        self.steps: list[Step] = []
        self.visits: list[int] = []
        self.call: Called
        self._settled: dict[Arranged, Arranged] = {}

    # --- values ---

    def shape(self, step: int) -> Shape:
        return self.input if step == INPUT else self.steps[step].output

    def settled(self, value: Any) -> Arranged:
        """Return a value with its axes as a layer reads them. Raises Problem."""
        match value:
            case Padded():
                return self._padded(value)
            case Arranged():
                return value if value.is_plain else self._arranged(value)
            case _:
                raise Problem(_not_a_value(value))

    def _padded(self, padded: Padded) -> Arranged:
        value = self.settled(padded.value)
        if not any(padded.border):
            return value
        return self._add(padded.layer, value, padded.origin)

    def _arranged(self, value: Arranged) -> Arranged:
        if value not in self._settled:
            layers = layers_of(value)
            if layers is None:
                raise Problem("no layer arranges axes as it needs them")
            result = plain(value.step, value.shape)
            for layer in layers:
                result = self._add(layer, result, value.origin or self.call)
            self._settled[value] = result
        return self._settled[value]

    # --- steps ---

    def layer(self, layer: Layer, value: Any) -> Arranged:
        """Return the value of a layer without tensors."""
        return self._add(layer, self.settled(value), self.call)

    def weighted(self, layer: Layer, value: Any, tensors: Mapping[str, Any]) -> Arranged:
        """Return the value of a layer with parameters and buffers, None where one is missing."""
        value = self.settled(value)
        weights = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        expected = layer.parameters(value.shape) | layer.buffers(value.shape)
        for name, weight in weights.items():
            self._check_weight(layer, name, weight, expected)
        for name in layer.parameters(value.shape):
            if name not in weights:
                raise Problem(f"it has no `{name}`, which `{layer.kind}` needs")
        owners = {weight.path[:-1] for weight in weights.values()}
        if len(owners) > 1:
            raise Problem("its parameters belong to different modules")
        if () in owners:
            raise Problem(
                f"its `{next(iter(weights))}` belongs to no submodule",
                "import a module that holds this one",
            )
        return self._add(layer, value, self.call, owners.pop() if owners else None)

    def _check_weight(
        self, layer: Layer, name: str, weight: Any, expected: Mapping[str, tuple[int, ...]]
    ) -> None:
        if not isinstance(weight, Weight):
            raise Problem(f"its `{name}` is computed, not a parameter")
        if weight.path[-1] != name:
            message = (
                f"its parameter is called `{weight.path[-1]}`, "
                f"but that of `{layer.kind}` is called `{name}`"
            )
            raise Problem(message)
        if weight.dims != expected.get(name):
            sizes = "x".join(map(str, weight.dims))
            raise Problem(f"its `{name}` of {sizes} does not fit `{layer.kind}`")

    def parameter(self, layer: Layer, value: Arranged, weight: Weight) -> Arranged:
        """Return the value of a layer that is itself a parameter."""
        return self._add(layer, value, self.call, weight.path)

    def _add(
        self, layer: Layer, value: Arranged, origin: Called, owner: ModulePath | None = None
    ) -> Arranged:
        """Return the value of a layer, which has the name of the owner of its tensors, if any."""
        try:
            shape = layer.infer(value.shape)
        except ShapeError as error:
            raise Problem(error.message, error.help or "") from error
        path = origin.path if owner is None else owner
        step = Step(layer, (value.step,), shape, path, owner is not None, origin.place)
        return self._new(step, origin)

    def merge(self, merge: Merge, values: Sequence[Any]) -> Arranged:
        """Return the value of a merge of settled values."""
        settled = [self.settled(value) for value in values]
        shape = merged_shape(merge, [value.shape for value in settled])
        inputs = tuple(value.step for value in settled)
        step = Step(merge, inputs, shape, self.call.path, False, self.call.place)
        return self._new(step, self.call)

    def _new(self, step: Step, origin: Called) -> Arranged:
        self.steps.append(step)
        self.visits.append(origin.visit)
        return plain(len(self.steps) - 1, step.output)


def merged_shape(merge: Merge, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a merge. Raises Problem where the language has none."""
    first = shapes[0]
    if any((len(s.dims), s.last) != (len(first.dims), first.last) for s in shapes):
        raise Problem(f"`{merge}` of values with different axes: {_listed(shapes)}")
    match merge:
        case "concat":
            if any(shape.spatial != first.spatial for shape in shapes):
                raise Problem(f"`concat` of different sizes: {_listed(shapes)}")
            return first.with_channels(sum(shape.channels for shape in shapes))
        case "mul":
            largest = max(shapes, key=lambda shape: shape.elements)
            for shape in shapes:
                fits = shape.spatial == largest.spatial or set(shape.spatial) <= {1}
                if shape.channels != largest.channels or not fits:
                    raise Problem(f"`mul` of {_listed(shapes)}", "a gate is Cx1x1")
            return largest
        case _:
            if any(shape != first for shape in shapes):
                raise Problem(f"`add` of different shapes: {_listed(shapes)}")
            return first


def _listed(shapes: Sequence[Shape]) -> str:
    return " and ".join(map(str, shapes))


def _not_a_value(value: Any) -> str:
    match value:
        case Weight():
            return f"it computes with `{'.'.join(value.path)}` before any layer reads it"
        case _:
            return "it reads a value that does not depend on the network's input"
