"""An exported program as the calls of the module that was exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from resspec.importing.files.called import Calls, weight
from resspec.importing.files.errors import Malformed
from resspec.importing.files.tensors import StoredTensor
from resspec.importing.graph import ModulePath
from resspec.importing.pt2.operators import (
    SEVERAL,
    TRANSPOSING,
    UNCHANGED,
    VIEWS,
    Transposed,
    call_of,
)
from resspec.importing.pt2.program import Node, Program, Ref
from resspec.importing.trace import Trace, Weight


def trace_of(program: Program, tensors: Mapping[str, StoredTensor]) -> Trace:
    """Return the calls of a program. Raises Malformed."""
    tracing = _Tracing(program, tensors)
    for node in program.nodes:
        tracing.add(node)
    return Trace(
        tracing.input,
        tuple(tracing.calls.made),
        tracing.output(),
        {each.path: each for each in tracing.weights.values()},
        _classes(program),
    )


class _Tracing:
    def __init__(self, program: Program, tensors: Mapping[str, StoredTensor]) -> None:
        self.program = program
        entered = _entered(program)
        self.calls = Calls(entered[0])
        self.weights = {
            name: weight(name, tensor.dims, tensor.is_parameter) for name, tensor in tensors.items()
        }
        self.values: dict[str, Any] = {}
        for value, name in program.tensors.items():
            if name not in self.weights:
                raise Malformed(f"it has no tensor for `{name}`")
            self.values[value] = self.weights[name]
        self.input = self.values[program.inputs[0]] = self.calls.value(entered)
        self.memory = Memory(program)

    def add(self, node: Node) -> None:
        """Add the call of a node, or note what it returns without one."""
        self.memory.read(node)
        operator = node.operator
        given = {name: self._read(each) for name, each in node.arguments.items()}
        first = next(iter(given.values()), None)
        if operator == "sym_size" or operator.startswith("_assert") or not node.outputs:
            return
        if operator in UNCHANGED or (node.is_inplace and isinstance(first, Weight)):
            self.values[node.outputs[0]] = first
        elif operator in TRANSPOSING and isinstance(first, Weight) and len(first.dims) == 2:
            self.values[node.outputs[0]] = Transposed(first)
        else:
            self._call(node, given)
        if operator in VIEWS and not node.is_inplace:
            self.memory.shared(node)
        if node.is_inplace and not isinstance(first, Weight):
            written = self.memory.written(node)
            self.values[written] = self.values[node.outputs[0]]

    def _call(self, node: Node, given: dict[str, Any]) -> None:
        results = [self.calls.value(self._sizes(name)) for name in node.outputs]
        self.values.update(zip(node.outputs, results, strict=True))
        name, args, kwargs = call_of(node.operator, given, results[0].dims)
        result = results if node.operator in SEVERAL else results[0]
        path = node.modules[-1].path if node.modules else ()
        self.calls.add(name, args, kwargs, result, path, node.place)

    def _sizes(self, value: str) -> tuple[int, ...]:
        if value not in self.program.sizes:
            raise Malformed(f"it has no sizes of `{value}`")
        return self.program.sizes[value]

    def _read(self, given: Any) -> Any:
        match given:
            case Ref(name):
                if name not in self.values:
                    raise Malformed(f"`{name}` is read before it is computed")
                return self.values[name]
            case list():
                return [self._read(each) for each in given]
            case _:
                return given

    def output(self) -> Any:
        """Return what the program returns."""
        values = [self._read(Ref(name)) for name in self.program.outputs]
        names = self.program.output_names
        if not values:
            raise Malformed("it returns nothing")
        if len(names) == len(values):
            return dict(zip(names, values, strict=True))
        return values[0] if len(values) == 1 else values


class Memory:
    """Values that lie in the same memory: one that is written over must not be read as another
    later, since no layer does that.
    """

    def __init__(self, program: Program) -> None:
        reads = [name for node in program.nodes for name in _names(node.arguments)]
        self._waiting = Counter((*reads, *program.outputs))
        self._roots: dict[str, str] = {}
        self._makers: dict[str, int] = {}
        self._inside: dict[str, list[str]] = {}
        self._nodes = 0

    def read(self, node: Node) -> None:
        """Note that a node reads its arguments."""
        self._nodes += 1
        self._waiting.subtract(_names(node.arguments))

    def shared(self, node: Node) -> None:
        """Note that a node returns what lies in the memory of its first argument."""
        first = next(_names(node.arguments), "")
        root = self._roots.get(first, first)
        for name in node.outputs:
            self._roots[name] = root
            self._makers[name] = self._nodes
        self._inside.setdefault(root, [root]).extend(node.outputs)

    def written(self, node: Node) -> str:
        """Return the value that a node writes over. Raises Malformed where another one that lies
        there is read later.
        """
        name = next(_names(node.arguments), "")
        root = self._roots.get(name, name)
        for other in self._inside.get(root, []):
            is_part = self._makers.get(other) == self._makers.get(name)
            if other != name and not is_part and self._waiting[other] > 0:
                raise Malformed(f"it writes over `{name}`, a part of what it reads later")
        return name


def _names(given: Any) -> Iterator[str]:
    """Yield the values that arguments name."""
    match given:
        case Ref(name):
            yield name
        case list():
            for each in given:
                yield from _names(each)
        case Mapping():
            for each in given.values():
                yield from _names(each)


def _entered(program: Program) -> tuple[int, ...]:
    """Return the sizes of the only input."""
    if len(program.inputs) != 1:
        raise Malformed(f"it takes {len(program.inputs)} tensors; a network takes one")
    sizes = program.sizes.get(program.inputs[0], ())
    if len(sizes) < 2 or min(sizes) < 1:
        raise Malformed(f"its input's sizes are {sizes}")
    return sizes


def _classes(program: Program) -> dict[ModulePath, str]:
    modules = [module for node in program.nodes for module in node.modules]
    return {module.path: module.class_name for module in modules}
