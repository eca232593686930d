"""The calls of a module that an ONNX file stands for, while they are collected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any

from resspec.importing.files.called import Calls, module_path, weight
from resspec.importing.files.errors import Malformed
from resspec.importing.files.tensors import StoredTensor
from resspec.importing.graph import ModulePath
from resspec.importing.onnx.model import OnnxModel
from resspec.importing.onnx.modules import Origin, origin
from resspec.importing.onnx.node import OnnxNode
from resspec.importing.trace import Value, Weight

Sizes = tuple[int, ...]
# names of constants, which exporters number: `val_3`, `/layer1/Constant_output_0`, `onnx::Mul_12`
CONSTANT = re.compile(r"/|onnx::|(val|scalar_tensor_default|clamp|mul|add)_?\d*$|\d")
FOLDING = "FuseBatchNorm"  # in the metadata of a convolution that torch's exporter changed


class OnnxTracing:
    """The calls so far, and the node that is being translated.

    Attributes:
        model: The file.
        calls: The calls.
        node: The node.
        tensors: The tensors that layers took, by their names in the network.
        classes: The classes of the modules seen, by their paths.
        renamed: The tensors whose names the exporter made.
        folded: The convolutions that an exporter put a batch norm into.
    """

    def __init__(self, model: OnnxModel) -> None:
        self.model = model
        sizes = model.sizes[model.input]
        self.calls = Calls(sizes[0])
        self.input = self.calls.value(sizes)
        self.node: OnnxNode
        self.tensors: dict[str, StoredTensor] = {}
        self.classes: dict[ModulePath, str] = {}
        self.renamed: list[str] = []
        self.folded: list[str] = []
        self._held = dict(model.tensors)
        self._values: dict[str, Value] = {model.input: self.input}
        self._owners: set[ModulePath] = set()
        self._origin = Origin((), {}, "")

    def begin(self, node: OnnxNode) -> None:
        """Start to translate a node."""
        self.node = node
        self._origin = origin(node)
        self.classes |= self._origin.classes

    # --- what a node reads ---

    def value(self, index: int = 0) -> Any:
        """Return what a node reads: a value, a parameter, a number; None where it is left out."""
        name = self.node.inputs[index] if index < len(self.node.inputs) else ""
        if not name:
            return None
        if name in self._values:
            return self._values[name]
        if name in self._held and self._is_parameter(name):
            return self.parameter(name)
        return self.number(index)

    def is_value(self, name: str) -> bool:
        """Return whether the network computes the value of this name from its input."""
        return name in self._values

    def number(self, index: int) -> Any:
        """Return the number, or list of numbers, that a node reads; None where it reads none."""
        name = self.node.inputs[index] if index < len(self.node.inputs) else ""
        numbers = self.model.numbers.get(name)
        return None if numbers is None else numbers.tolist()

    def held(self, index: int) -> StoredTensor | None:
        """Return the tensor of the file that a node reads."""
        name = self.node.inputs[index] if index < len(self.node.inputs) else ""
        return self._held.get(name)

    def sizes(self, index: int = 0) -> Sizes:
        """Return the sizes of what a node reads. Raises Malformed."""
        return self._known(self.node.inputs[index] if index < len(self.node.inputs) else "")

    def made(self, index: int = 0) -> Sizes:
        """Return the sizes of what a node makes. Raises Malformed."""
        return self._known(self.node.outputs[index])

    def _known(self, name: str) -> Sizes:
        if name not in self.model.sizes:
            raise Malformed(f"the sizes of `{name:.80}` cannot be inferred")
        return self.model.sizes[name]

    def attribute(self, name: str, default: Any) -> Any:
        """Return an attribute of the type that its default has."""
        given = self.node.attributes.get(name, default)
        if default is not None and not isinstance(given, type(default)):
            raise Malformed(f"`{name}` of a `{self.node.kind:.40}` is of the wrong type")
        return given

    # --- what it makes ---

    def call(self, function: str, *args: Any, **kwargs: Any) -> Value:
        """Add a call, and return its value, which is the node's."""
        result = self.call_before(self.made(), function, *args, **kwargs)
        self._values[self.node.outputs[0]] = result
        return result

    def call_before(self, sizes: Sizes, function: str, *args: Any, **kwargs: Any) -> Value:
        """Add a call that the node begins with, and return its value of these sizes."""
        result = self.calls.value(sizes)
        self.calls.add(function, args, kwargs, result, self._origin.path, self._origin.place)
        return result

    def call_for_several(self, function: str, *args: Any, **kwargs: Any) -> None:
        """Add a call that returns a list, of which each is an output of the node."""
        results = [self.calls.value(self.made(i)) for i in range(len(self.node.outputs))]
        self.calls.add(function, args, kwargs, results, self._origin.path, self._origin.place)
        self._values.update(zip(self.node.outputs, results, strict=True))

    def same(self, result: Any) -> None:
        """Note that a node makes what it reads."""
        if isinstance(result, Value):
            self._values[self.node.outputs[0]] = result
        elif (tensor := self.held(0)) is not None:
            name = self.node.outputs[0]
            self._held[name] = replace(tensor, name=name)

    def output(self, name: str) -> Value:
        """Return what the file returns under a name. Raises Malformed."""
        if name not in self._values:
            raise Malformed(f"its output `{name:.80}` does not depend on its input")
        return self._values[name]

    # --- parameters ---

    def weights(self, **names: int | None) -> dict[str, Weight | None]:
        """Return the parameters of a layer by their names in it, from the inputs of the node."""
        found = {name: None if index is None else self.held(index) for name, index in names.items()}
        present = {name: tensor for name, tensor in found.items() if tensor is not None}
        owner = self._owner(present)
        return {
            name: None if tensor is None else self._taken((*owner, name), tensor)
            for name, tensor in found.items()
        }

    def _owner(self, tensors: Mapping[str, StoredTensor]) -> ModulePath:
        """Return the module that these are the tensors of: by their names where they have them,
        else by the module that the node was made of.
        """
        for name, tensor in tensors.items():
            *path, last = tensor.name.split(".")
            if path and last == name and tuple(path) not in self._owners:
                return self._own(tuple(path))
        self.renamed += [each.name for each in tensors.values()]
        path_of_node = self._origin.path
        if path_of_node and path_of_node not in self._owners:
            return self._own(path_of_node)
        return self._own(self._new_path(next(iter(tensors.values()), None)))

    def note_fused(self) -> None:
        """Note where a convolution is one that an exporter put a batch norm into: the newer one
        says so, the older one gives it another name.
        """
        said = any(FOLDING in text[:1000] for text in self.node.metadata.values())
        renamed = self.node.inputs[1:2] == tuple(self.renamed[-2:-1])
        if said or renamed:
            self.folded.append(self.node.name)

    def _own(self, path: ModulePath) -> ModulePath:
        self._owners.add(path)
        return path

    def _new_path(self, tensor: StoredTensor | None) -> ModulePath:
        base = re.sub("[^A-Za-z0-9]+", "_", tensor.name if tensor else self.node.kind).strip("_")
        path, number = (*self._origin.path, base or "layer"), 1
        while path in self._owners:
            number += 1
            path = (*self._origin.path, f"{base}_{number}")
        return path

    def _taken(self, path: ModulePath, tensor: StoredTensor) -> Weight:
        name = ".".join(path)
        self.tensors[name] = tensor
        return weight(name, tensor.dims, tensor.is_parameter)

    def parameter(self, name: str) -> Weight:
        """Return a tensor that is itself what a layer learns."""
        tensor = self._held[name]
        return self._taken(module_path(name), tensor)

    def _is_parameter(self, name: str) -> bool:
        """Return whether a tensor is learned, by its name: exporters number their constants."""
        is_number = self.model.numbers.get(name) is not None
        return not is_number or not CONSTANT.match(name)

    def weights_taken(self) -> Iterator[Weight]:
        """Yield all parameters and buffers of layers."""
        for name, tensor in self.tensors.items():
            yield weight(name, tensor.dims, tensor.is_parameter)

    def transpose(self, given: Weight) -> Weight:
        """Return a matrix of this node's layer with its axes exchanged."""
        name = ".".join(given.path)
        self.tensors[name] = transposed(self.tensors[name])
        return replace(given, dims=given.dims[::-1])

    def flat(self, given: Weight | None) -> Weight | None:
        """Return a parameter of this node's layer without axes of one element."""
        if given is None:
            return None
        name, count = ".".join(given.path), prod(given.dims)
        self.tensors[name] = replace(self.tensors[name], dims=(count,), strides=(1,))
        return replace(given, dims=(count,))

    def hold(self, tensor: StoredTensor | None) -> None:
        """Note a tensor that a node makes of one."""
        if tensor is not None:
            name = self.node.outputs[0]
            self._held[name] = replace(tensor, name=name)


def transposed(tensor: StoredTensor) -> StoredTensor:
    """Return a matrix with its axes exchanged."""
    return replace(tensor, dims=tensor.dims[::-1], strides=tensor.strides[::-1])
